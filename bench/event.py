"""Events against multiprocessing.Event."""
import multiprocessing

import neap
from bench import times


def rows(bench):
    heap = neap.heap()

    def set_and_clear(event):
        def run(n):
            for _ in times(n):
                event.set()
                event.clear()
        return run

    def wait(event):
        event.set()

        def run(n):
            for _ in times(n):
                event.wait()
        return run

    bench.row("set and clear", "ns",
              ("neap", set_and_clear(heap.event("one"))),
              ("multiprocessing.Event", set_and_clear(multiprocessing.Event())))
    bench.row("wait for a set one", "ns",
              ("neap", wait(heap.event("other"))),
              ("multiprocessing.Event", wait(multiprocessing.Event())))
