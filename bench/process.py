"""Processes and teams, against multiprocessing under fork."""
import multiprocessing

import neap
from bench import times

WORKERS = 2
context = multiprocessing.get_context("fork")


def nothing(*_):
    return 1


def fork_ours(n):
    for _ in times(n):
        neap.fork(nothing).wait()


def fork_theirs(n):
    for _ in times(n):
        process = context.Process(target=nothing)
        process.start()
        process.join()


def run_ours(n):
    for _ in times(n):
        neap.run(WORKERS, nothing)


def run_theirs(n):
    for _ in times(n):
        with context.Pool(WORKERS) as pool:
            pool.map(nothing, range(WORKERS))


def rows(bench):
    bench.row("fork and wait", "us", ("neap", fork_ours),
              ("multiprocessing.Process", fork_theirs), free=True)
    bench.row("run a function in 2 workers", "us", ("neap", run_ours),
              ("multiprocessing.Pool, map", run_theirs), free=True)
