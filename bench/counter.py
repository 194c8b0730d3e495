"""Counters against multiprocessing.Value."""
import multiprocessing

import neap
from bench import times


def rows(bench):
    heap = neap.heap()
    counter = heap.counter("plain")
    striped = heap.counter("striped", "striped")
    double = heap.counter("double", "double")
    value = multiprocessing.Value("q", 0)
    real = multiprocessing.Value("d", 0.0)

    def adder(counter):
        def add(n):
            for _ in times(n):
                counter.add(1)
        return add

    def add_with_lock(value):
        def add(n):
            for _ in times(n):
                with value:
                    value.value += 1
        return add

    def get(n):
        for _ in times(n):
            counter.get()

    def get_value(n):
        for _ in times(n):
            value.value

    theirs = "multiprocessing.Value, with its lock"
    bench.row("add", "ns", ("neap", adder(counter)),
              (theirs, add_with_lock(value)))
    bench.row("striped, add", "ns", ("neap", adder(striped)),
              (theirs, add_with_lock(value)))
    bench.row("double, add", "ns", ("neap", adder(double)),
              (theirs, add_with_lock(real)))
    bench.row("get", "ns", ("neap", get),
              ("multiprocessing.Value", get_value))
