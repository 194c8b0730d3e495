"""Memory without a name, shared with children alone; a part of it is locked
away by the processor's memory protection.

    python3 09_anonymous_over_fork.py
"""
import neap

PAGE = 4096

with neap.Segment.create("anonymous:", 2 * PAGE) as segment:  # mmap
    mapping = segment.map()

mapping.write(0, "i4", 20)


def add():  # the same memory
    mapping.write(0, "i4", mapping.read(0, "i4") + 22)


neap.fork(add).wait()
print("the child made it", mapping.read(0, "i4"))


def attempt(offset):
    try:
        mapping.write_bytes(offset, b"x")
        return "OK"
    except PermissionError:
        return "EACCES"


mapping.protect("r", PAGE, PAGE)  # mprotect
print(f"first page: {attempt(0)}, second page: {attempt(PAGE)}")
mapping.close()  # munmap: it is gone
