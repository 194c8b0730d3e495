"""Barriers against multiprocessing.Barrier."""
import multiprocessing
import os

import neap
from bench import times

ROUNDS = 500  # beside which the fork counts for little


def rows(bench):
    heap = neap.heap()

    def wait(barrier):
        def run(n):
            for _ in times(n):
                barrier.wait()
        return run

    bench.row("wait, one party", "ns",
              ("neap", wait(heap.barrier("alone", 1))),
              ("multiprocessing.Barrier", wait(multiprocessing.Barrier(1))))

    def both(barrier):
        alone = wait(barrier)

        def run(n):
            child = os.fork()
            if child == 0:
                try:
                    alone(n * ROUNDS)
                finally:
                    os._exit(0)
            alone(n * ROUNDS)
            os.waitpid(child, 0)
        return run

    bench.row(f"{ROUNDS} waits, two processes", "ms",
              ("neap", both(heap.barrier("pair", 2))),
              ("multiprocessing.Barrier", both(multiprocessing.Barrier(2))),
              free=True)
