"""Heaps against multiprocessing.shared_memory."""
import os
from multiprocessing import shared_memory

import neap
from bench import times

NAME = f"neap-bench-{os.getpid()}"
SIZE = 65536


def open_ours(n):
    for _ in times(n):
        neap.open(NAME, create=False).close()


def open_theirs(n):
    for _ in times(n):
        memory = shared_memory.SharedMemory(NAME + "-peer")
        memory.close()


def attach_ours(n):
    for _ in times(n):
        with neap.open(NAME, create=False) as heap:
            heap.array("array")[0] = 1


def attach_theirs(n):
    for _ in times(n):
        memory = shared_memory.SharedMemory(NAME + "-peer")
        memory.buf[0] = 1
        memory.close()


def create_ours(n):
    for _ in times(n):
        heap = neap.open(NAME + "-new", create="new")
        heap.unlink()
        heap.close()


def create_theirs(n):
    for _ in times(n):
        memory = shared_memory.SharedMemory(NAME + "-new", True, SIZE)
        memory.buf[0] = 1
        memory.close()
        memory.unlink()


def rows(bench):
    heap = neap.open(NAME)
    heap.array("array", 100, "u1")
    memory = shared_memory.SharedMemory(NAME + "-peer", True, SIZE)
    try:
        bench.row("open and close by name", "us", ("neap", open_ours),
                  ("SharedMemory", open_theirs))
        bench.row("open, write to an array, close", "us",
                  ("neap", attach_ours), ("SharedMemory", attach_theirs))
        bench.row("create and unlink", "us", ("neap", create_ours),
                  ("SharedMemory", create_theirs))
    finally:
        heap.unlink()
        memory.close()
        memory.unlink()
