"""numpy on a shared array, against numpy on its own."""
import neap
from bench import times

try:
    import numpy
except ImportError:
    numpy = None

SIZES = (100_000, 1_000_000)  # in the processor's cache, and beyond it


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


def bulk(bench, heap, elements):
    ours = heap.array(f"f8 {elements}", elements, "f8")
    theirs = numpy.zeros(elements)
    # Both are really there before anything is measured.
    ours[:] = theirs[:] = 1.0
    for what, function in (("sum of", sum_of), ("+= 1 of", increment)):
        bench.row(f"{what} {elements:,} f8", "us", ("neap", function(ours)),
                  ("numpy on its own", function(theirs)))


def rows(bench):
    if numpy is None:
        return
    heap = neap.heap()
    for elements in SIZES:
        bulk(bench, heap, elements)

    def both(what, function, shape):
        name = "x".join(map(str, shape))
        bench.row(what, "ns",
                  ("neap", function(heap.array(name, shape, "f8"))),
                  ("numpy on its own", function(numpy.zeros(shape))))

    both("a[i]", element, (1000,))
    both("a[i] = 1.0", set_element, (1000,))
    both("a row of 1000 by 1000", row_of, (1000, 1000))
    counts, own = heap.array("i8", 1000, "i8"), numpy.zeros(1000, "i8")
    bench.row("fetch_add of an element", "ns", ("neap", fetch_add(counts)),
              ("numpy a[i] += 1, not atomic", add_one(own)))
