"""Checkpoint and migration: a job is stopped on its way, its heap is carried as
a file to another process, and the job goes on there.

    python3 12_checkpoint_and_migration.py
"""
import os
import signal

import neap

HALF, END = 50000, 100000


def work(heap):
    """Adds 1, 2, 3, ... up, and rests half-way until it may go on."""
    lock, go = heap.mutex("lock"), heap.event("go")
    done, total = heap.counter("done"), heap.counter("sum")
    while done.get() < END:
        if done.get() == HALF:
            go.wait()
        with lock:
            n = done.get() + 1
            total.add(n)
            done.set(n)


def go_on():
    """What another machine does with the file."""
    with neap.restore("job.ckpt") as heap:
        print(f"the job goes on at {heap.counter('done').get()}")
        heap.event("go").set()
        work(heap)
        print(f"the sum to {heap.counter('done').get()} is "
              f"{heap.counter('sum').get()}")


with neap.heap() as heap:
    worker = neap.fork(work, heap)
    while heap.counter("done").get() < HALF:
        pass
    report = heap.checkpoint("job.ckpt")
    print(f"{report.stopped} processes stood still", flush=True)
    worker.kill(signal.SIGKILL)  # this machine is lost
    try:
        worker.wait()
    except neap.WorkerKilled:
        pass

neap.fork(go_on).wait()  # and here is another one
os.remove("job.ckpt")
