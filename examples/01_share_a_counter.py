"""Four workers add to one counter at once, and nothing is lost.

    python3 01_share_a_counter.py
"""
import neap

WORKERS, TIMES = 4, 100000

with neap.heap() as heap:  # without a name: it goes with its last user
    hits = heap.counter("hits")

    def work(worker):  # in a process of its own
        for _ in range(TIMES):
            hits.add(1)

    neap.run(WORKERS, work)
    print(f"{WORKERS} workers counted to {hits.get()}")
