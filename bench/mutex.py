"""Mutexes against multiprocessing.Lock."""
import multiprocessing

import neap
from bench import times


def rows(bench):
    heap = neap.heap()

    def with_lock(lock):
        def run(n):
            for _ in times(n):
                with lock:
                    pass
        return run

    def by_name(lock, take, give):
        take, give = getattr(lock, take), getattr(lock, give)

        def run(n):
            for _ in times(n):
                take()
                give()
        return run

    ours, theirs = heap.mutex("lock"), multiprocessing.Lock()
    bench.row("with", "ns", ("neap", with_lock(ours)),
              ("multiprocessing.Lock", with_lock(theirs)))
    bench.row("recursive, with", "ns",
              ("neap", with_lock(heap.mutex("deep", recursive=True))),
              ("multiprocessing.RLock", with_lock(multiprocessing.RLock())))
    bench.row("acquire and release", "ns",
              ("neap", by_name(ours, "acquire", "release")),
              ("multiprocessing.Lock", by_name(theirs, "acquire", "release")))
