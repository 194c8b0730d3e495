"""numpy on a shared array, against numpy on its own."""
import neap
from bench import times

try:
    import numpy
except ImportError:
    numpy = None

ELEMENTS = 1_000_000


def sum_of(array):
    def run(n):
        for _ in times(n):
            array.sum()
    return run


def increment(array):
    def run(n):
        mine = array
        for _ in times(n):
            mine += 1
    return run


def element(array):
    def run(n):
        for _ in times(n):
            array[777]
    return run


def set_element(array):
    def run(n):
        for _ in times(n):
            array[777] = 1.0
    return run


def row_of(array):
    def run(n):
        for _ in times(n):
            array[77]
    return run


def fetch_add(array):
    def run(n):
        for _ in times(n):
            neap.fetch_add(array, 777, 1)
    return run


def add_one(array):
    def run(n):
        for _ in times(n):
            array[777] += 1
    return run


def rows(bench):
    if numpy is None:
        return
    heap = neap.heap()
    ours = heap.array("f8", ELEMENTS, "f8")
    theirs = numpy.zeros(ELEMENTS)
    # Both pages are really there before anything is measured.
    ours[:] = theirs[:] = 1.0

    def both(what, unit, function, mine=ours, other=theirs):
        bench.row(what, unit, ("neap", function(mine)),
                  ("numpy on its own", function(other)))

    both("sum of 1,000,000 f8", "us", sum_of)
    both("+= 1 of 1,000,000 f8", "us", increment)
    both("a[i]", "ns", element)
    both("a[i] = 1.0", "ns", set_element)
    both("a row of 1000 by 1000", "ns", row_of,
         heap.array("rows", (1000, 1000), "f8"), numpy.zeros((1000, 1000)))
    counts, own = heap.array("i8", 1000, "i8"), numpy.zeros(1000, "i8")
    bench.row("fetch_add of an element", "ns", ("neap", fetch_add(counts)),
              ("numpy a[i] += 1, not atomic", add_one(own)))
