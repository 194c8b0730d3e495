"""Run by test_pickle.py with a start method: handles travel by address."""
import gc
import multiprocessing
import os
import sys

import neap

try:
    import numpy
except ImportError:
    numpy = None


def use(heap, seen, lock, slots, shared, part, segment):
    """In the other process."""
    with lock:
        seen.add(10)
    with slots:
        assert slots.undo and slots.value == 2
    shared.array[0, 0] = 5
    part.array[...] = 7
    assert heap.counter("seen").get() >= 10
    with segment.map() as mapping:
        mapping.write(0, "i4", os.getpid())
    return os.getpid()


def use_all(event, latch, condition, lock, barrier, once, seen):
    """In the other process, while the first one waits for each."""
    assert condition.mutex.name == "guard"
    with condition:
        assert condition.wait_for(event.is_set, 30)
    latch.count_down()
    with lock.write():
        assert lock.mine == "write"
    assert barrier.wait(30) in (0, 1)
    once.run(seen.add)


def meet(context, heap):
    """The objects that wait are the same in both processes."""
    event, latch = heap.event("event"), heap.latch("latch", 1)
    condition = heap.condition("condition", heap.mutex("guard"))
    lock, barrier = heap.rwlock("rwlock"), heap.barrier("barrier", 2)
    once, ran = heap.once("once"), heap.counter("ran")
    process = context.Process(target=use_all, args=(
        event, latch, condition, lock, barrier, once, ran))
    process.start()
    with lock.read():
        with condition:
            event.set()
            condition.notify_all()
        assert latch.wait(30)
    assert barrier.wait(30) in (0, 1)
    once.run(ran.add)
    process.join()
    assert process.exitcode == 0
    assert once.done and ran.get() == 1


def add(seen):
    return seen.add()


def main(method, address):
    context = multiprocessing.get_context(method)
    opened = neap.heap() if address == "anonymous" else neap.open(address)
    with opened as heap, neap.Segment.create("memfd:s", 4096) as segment:
        grid = heap.array("grid", (4, 4), "f8")
        handles = (heap, heap.counter("seen"), heap.mutex("lock"),
                   heap.semaphore("slots", 3, undo=True),
                   heap.array_handle("grid"), neap.share(grid[1:3, ::2]),
                   segment)
        with context.Pool(2) as pool:
            pid = pool.apply(use, handles)
            pool.map(add, [handles[1]] * 100)
        assert pid != os.getpid()
        assert handles[1].get() == 110
        assert grid[0, 0] == 5
        assert grid[1].tolist() == [7, 0, 7, 0]
        assert grid.sum() == 5 + 4 * 7
        with segment.map() as mapping:
            assert mapping.read(0, "i4") == pid
        meet(context, heap)
        del handles, grid
        gc.collect()
        assert heap.check().problems == 0
    print("fine")


if __name__ == "__main__":
    main(*sys.argv[1:])
