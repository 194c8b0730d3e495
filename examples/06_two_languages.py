"""A Lua and a Python process work on one heap at once: they take turns, Lua
writes the squares of odd numbers, Python those of even ones.

    python3 06_two_languages.py

Whichever is started makes a heap and starts the other with its address.
PYTHON and LUA name the interpreters, if not python3 and lua5.4.
"""
import os
import subprocess
import sys

import neap

COUNT, PATIENCE = 1000, 10  # seconds


def play(heap):
    squares = heap.array("squares", COUNT, "i64")
    written = heap.counter("by python")
    my_turn = heap.semaphore("turn of python")
    your_turn = heap.semaphore("turn of lua")
    for i in range(2, COUNT + 1, 2):
        if not my_turn.acquire(timeout=PATIENCE):
            sys.exit("the Lua process does not answer")
        squares[i - 1] = i * i
        written.add()
        your_turn.release()


if len(sys.argv) > 1:  # started by the other
    play(neap.open(sys.argv[1], create=False))
    sys.exit()

with neap.heap() as heap:
    heap.semaphore("turn of lua", 1)
    heap.semaphore("turn of python", 0)

    other = os.path.splitext(sys.argv[0])[0] + ".lua"
    lua = os.environ.get("LUA", "lua5.4")
    with subprocess.Popen([lua, other, heap.address]) as partner:
        play(heap)
    if partner.returncode != 0:
        sys.exit("the Lua process failed")

    print(f"Lua wrote {heap.counter('by lua').get()} squares "
          f"and Python {heap.counter('by python').get()}; "
          f"their sum is {heap.array('squares').sum()}")
