"""Conditions against multiprocessing.Condition."""
import multiprocessing
import os

import neap
from bench import times

ROUNDS = 500  # beside which the fork counts for little


def rows(bench):
    heap = neap.heap()

    def notify(condition):
        def run(n):
            for _ in times(n):
                with condition:
                    condition.notify()
        return run

    bench.row("with, and notify", "ns",
              ("neap", notify(heap.condition("alone"))),
              ("multiprocessing.Condition", notify(multiprocessing.Condition())))

    def take_turns(condition, turn, mine, n):
        """Wait until it is my turn, and make it the other's."""
        for _ in times(n * ROUNDS):
            with condition:
                while turn[0] != mine:
                    condition.wait()
                turn[0] = 1 - mine
                condition.notify()

    def there_and_back(condition, turn):
        def run(n):
            turn[0] = 0
            child = os.fork()
            if child == 0:
                try:
                    take_turns(condition, turn, 1, n)
                finally:
                    os._exit(0)
            take_turns(condition, turn, 0, n)
            os.waitpid(child, 0)
        return run

    turns = [heap.memoryview(name, 1, "i64") for name in ("ours", "theirs")]
    bench.row(f"{ROUNDS} times there and back", "ms",
              ("neap", there_and_back(heap.condition("talk"), turns[0])),
              ("multiprocessing.Condition",
               there_and_back(multiprocessing.Condition(), turns[1])),
              free=True)
