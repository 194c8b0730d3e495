import errno
import os
import signal

import neap
import pytest
from conftest import eventually


def cross(heap):
    """Two that lock the same two mutexes in another order each."""
    a, b, count = heap.mutex("a"), heap.mutex("b"), heap.counter("ready")

    def take(first, second):
        first.acquire()
        count.add()
        while count.get() < 2:
            pass
        try:
            return second.acquire(timeout=20)
        except OSError as error:
            first.release()
            return error.errno, str(error)

    return (neap.fork(lambda: take(a, b)), neap.fork(lambda: take(b, a)))


def test_a_deadlock_is_seen(heap):
    both = cross(heap)
    eventually(lambda: len(heap.locks().deadlocks) == 1)
    locks = heap.locks()
    assert f"process {both[0].pid} " in locks.deadlocks[0]
    roles = sorted((use.role, use.name) for use in locks.uses)
    assert roles == [("holds", "a"), ("holds", "b"), ("waits", "a"),
                     ("waits", "b")]
    assert all((use.waited is None) == (use.role == "holds")
               for use in locks.uses)
    both[0].kill(signal.SIGKILL)
    with pytest.raises(neap.WorkerKilled):
        both[0].wait()
    assert both[1].wait() is True  # what the dead one had is free


def test_who_asks_for_it_gets_an_error_instead():
    name = f"neap-test-{os.getpid()}-locks"
    with neap.open(name, deadlock="error", ephemeral=True) as heap:
        answers = [process.wait() for process in cross(heap)]
        assert True in answers
        other = answers[1 - answers.index(True)]
        assert other[0] == errno.EDEADLK and "close a cycle" in other[1]
    with pytest.raises(ValueError, match="deadlock is"):
        neap.open(name, deadlock="maybe")
