"""Semaphores against multiprocessing.Semaphore."""
import multiprocessing

import neap
from bench import times


def rows(bench):
    heap = neap.heap()

    def with_permit(semaphore):
        def run(n):
            for _ in times(n):
                with semaphore:
                    pass
        return run

    theirs = ("multiprocessing.Semaphore",
              with_permit(multiprocessing.Semaphore(3)))
    bench.row("with", "ns",
              ("neap", with_permit(heap.semaphore("classic", 3))), theirs)
    bench.row("undo, with", "ns",
              ("neap", with_permit(heap.semaphore("undo", 3, undo=True))),
              theirs)
