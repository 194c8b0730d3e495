"""A linked list in shared memory that two processes see at different addresses:
a link is the offset of the next node from the beginning, never a pointer.

    python3 14_linked_list.py
"""
import neap

# What every process must know of the segment; a heap has names for it.
HEAD, FREE, FIRST, NODE = 0, 8, 16, 16  # a node: its value, its link

segment = neap.Segment.create("memfd:list", 4096)
heap = neap.heap()
lock = heap.mutex("list")  # nobody else while one inserts
here = segment.map()
here.write(FREE, "u8", FIRST)


def insert(mapping, value):
    """Put a value where it belongs: the list is sorted."""
    with lock:
        node = mapping.read(FREE, "u8")
        mapping.write(FREE, "u8", node + NODE)
        link = HEAD  # where the offset of the next one is
        while at := mapping.read(link, "u8"):
            if mapping.read(at, "i8") > value:
                break
            link = at + 8
        mapping.write(node, "i8", value)
        mapping.write(node + 8, "u8", mapping.read(link, "u8"))
        mapping.write(link, "u8", node)


def values(mapping):
    found, at = [], mapping.read(HEAD, "u8")
    while at:
        found.append(str(mapping.read(at, "i8")))
        at = mapping.read(at + 8, "u8")
    return " ".join(found)


for number in 50, 10, 30:
    insert(here, number)


def add_more():
    there = segment.map()  # at another address
    for number in 40, 20:
        insert(there, number)
    return values(there), there.address != here.address


seen, elsewhere = neap.fork(add_more).wait()
print("the child's list: ", seen)
print("the parent's list:", values(here))
print("at different addresses:", "yes" if elsewhere else "no")
