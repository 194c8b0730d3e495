"""The harness of the Python benchmarks: neap and its peers, in turns.

    python bench/bench.py NOUN [FILTER]

runs bench/NOUN.py, whose function rows(bench) calls

    bench.row("add", "ns", ("neap", ours), ("multiprocessing.Value", theirs))

where ours(n) and theirs(n) do n operations. The first is neap's, each of the
others makes one line. All are warmed up and then measured again and again, one
repetition each in turn, loop included for everybody. What counts is the best
repetition, or the median where processes come and go (free=True).
"""
import importlib.util
import itertools
import os
import statistics
import sys
import time

REPETITION_NS = 1_000_000  # less than what the scheduler gives at a time
REPETITIONS = 40           # at least, and so many after the last better one
REPETITIONS_FREE = 15      # where processes come and go
REPETITIONS_MAX = 1000
ROW_SECONDS = 3            # and then it is enough
UNITS = {"ns": 1, "us": 1e3, "ms": 1e6}


class Missing:
    """In the place of a peer that is not installed."""


def measure(run, n):
    start = time.perf_counter_ns()
    run(n)
    return (time.perf_counter_ns() - start) / n


def calibrate(run):
    """How many operations make a repetition; that is the warm-up too."""
    n = 1
    while True:
        cost = measure(run, n) * n
        if cost >= REPETITION_NS:
            return n
        n = int(n * min(100, REPETITION_NS / max(cost, 1) * 1.1)) + 1


def figure(times, free):
    """Its value, and how far the upper quartile lies above it."""
    value = statistics.median(times) if free else min(times)
    return value, statistics.quantiles(times, n=4)[2] / value - 1


def in_turns(subjects, least):
    """All repetitions of each subject: a round is one of each, and there are
    rounds until nothing becomes better any more."""
    counts = {name: calibrate(run) for name, run in subjects}
    times = {name: [] for name, _ in subjects}
    best = {name: float("inf") for name, _ in subjects}
    end = time.monotonic() + ROW_SECONDS
    rounds = last = 0
    while rounds < least or (rounds - last < least and time.monotonic() < end
                             and rounds < REPETITIONS_MAX):
        rounds += 1
        for name, run in subjects:
            cost = measure(run, counts[name])
            times[name].append(cost)
            if cost < best[name] * 0.99:
                best[name] = cost
                last = rounds
    return times


class Bench:
    def __init__(self, noun, wanted):
        self.noun = noun
        self.wanted = wanted.lower()
        self.cpus = os.sched_getaffinity(0)

    def row(self, what, unit, *subjects, free=False):
        """Measure, and print a line for each peer."""
        if self.wanted not in f"python {self.noun}: {what}".lower():
            return
        os.sched_setaffinity(0, self.cpus if free else {max(self.cpus)})
        here = [(name, run) for name, run in subjects if run is not Missing]
        times = in_turns(here, REPETITIONS_FREE if free else REPETITIONS)
        figures = {name: figure(times[name], free) for name, _ in here}
        for peer, _ in subjects[1:]:
            self.tell(what, unit, "median" if free else "minimum",
                      figures["neap"], peer, figures.get(peer))

    def tell(self, what, unit, statistic, ours, peer, theirs):
        def text(pair):
            return f"{pair[0] / UNITS[unit]:.6g}\t{pair[1]:.3f}"
        print("Python", self.noun, what, unit, statistic, text(ours), peer,
              text(theirs) if theirs else "-\t-", sep="\t", flush=True)


def times(n):
    """for _ in times(n): the cheapest loop that there is."""
    return itertools.repeat(None, n)


def load(noun):
    """The file of that noun, under a name that hides no module of Python's."""
    here = os.path.dirname(os.path.abspath(__file__))
    name = f"bench_{noun}"
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(here, noun + ".py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main():
    # A noun's file is called array.py; Python has a module of that name.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    sys.modules["bench"] = sys.modules["__main__"]
    noun, wanted = sys.argv[1], "".join(sys.argv[2:3])
    load(noun).rows(Bench(noun, wanted))


if __name__ == "__main__":
    main()
