"""What every test gets: a name of its own, a deadline, and an inspection.

A test that leaves a child, a descriptor, a thread, a segment or a heap behind
fails, whatever it asserted.
"""
import faulthandler
import gc
import os
import signal
import threading
import time

import neap
import pytest

DEADLINE = 60  # seconds for a test; ten more, and the whole run is ended
PREFIX = f"neap-pytest-{os.getpid()}-"
_count = 0

# In the background of a script Ctrl-C is ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def eventually(condition, seconds=20):
    """Wait until condition() is true; fail when it does not come to that."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.001)


def children():
    found = set()
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as file:
                found.update(file.read().split())
        except FileNotFoundError:
            pass  # a thread that has just ended has none
    return found


def descriptors():
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            pass  # the one that lists
    return found


def names():
    """Segments and heaps of these tests that have a name now."""
    found = {n for n in os.listdir("/dev/shm") if PREFIX in n}
    with open("/proc/sysvipc/shm") as file:
        rows = [line.split() for line in file][1:]
    found.update(f"sysv:{r[0]}" for r in rows if r[4] == str(os.getpid()))
    return found


def inventory():
    gc.collect()
    return {
        "children": children(),
        "descriptors": descriptors(),
        "threads": {t.name for t in threading.enumerate()},
        "names": names(),
    }


def tasks():
    return len(os.listdir("/proc/self/task"))


def await_ends(most):
    """A thread that has been joined gives up its place in a heap, and what that
    keeps open, on its way out: not before the kernel has it no more."""
    end = time.monotonic() + 5
    while tasks() > most and time.monotonic() < end:
        time.sleep(0.001)


@pytest.fixture(autouse=True)
def nothing_stays_behind():
    before, most = inventory(), tasks()
    yield
    await_ends(most)
    after = inventory()
    for what, old in before.items():
        left = {k for k in after[what] if k not in old}
        details = {k: after[what][k] for k in left} if isinstance(
            after[what], dict) else left
        assert not left, f"the test left {what} behind: {details}"


@pytest.fixture(autouse=True)
def deadline():
    def late(number, frame):
        raise TimeoutError(f"the test did not end in {DEADLINE} seconds")

    old = signal.signal(signal.SIGALRM, late)
    signal.alarm(DEADLINE)
    faulthandler.dump_traceback_later(DEADLINE + 10, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


def fresh_name():
    global _count
    _count += 1
    return f"{PREFIX}{_count}"


def remove(name):
    try:
        neap.unlink(name)
    except FileNotFoundError:
        pass


@pytest.fixture
def name():
    """A name that nobody has; what gets it is removed."""
    name = fresh_name()
    yield name
    remove(name)


@pytest.fixture
def sysv():
    """The address of a System V segment that is not there."""
    address = f"sysv:{0x6e000000 + os.getpid() % 0xffffff}"
    yield address
    remove(address)


@pytest.fixture
def heap(name):
    with neap.open(name, create="new") as heap:
        yield heap
        assert heap.closed or heap.check().problems == 0, heap.check().text
