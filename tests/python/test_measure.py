"""What is measured of locks on request."""
import neap
import pytest


def test_a_lock_is_measured_on_request():
    heap = neap.heap()
    lock, slots = heap.mutex("lock"), heap.semaphore("slots", 2, undo=True)
    with lock:
        pass
    assert heap.statistics("lock").acquisitions == 0
    assert heap.measure() == 2
    with lock:
        (use,) = heap.locks().uses
        assert use.held >= 0 and use.waited is None
    with lock, slots:
        pass
    found = heap.statistics("lock")
    assert found[:4] == ("mutex", True, 2, 0)
    assert found.longest_wait == 0 == found.waited
    assert 0 < found.longest_hold <= found.held
    assert heap.statistics("slots") == (
        "semaphore", True, 1, 0, 0.0, None, None, None)
    assert heap.measure("lock", on=False) == 1
    assert not heap.statistics("lock").measured


def test_a_wait_is_counted():
    heap = neap.heap()
    lock, ready = heap.mutex("lock"), heap.event("ready")
    heap.measure("lock")

    def hold():
        with lock:
            ready.set()
            while not any(u.role == "waits" for u in heap.locks().uses):
                pass

    worker = neap.fork(hold)
    ready.wait()
    with lock:
        pass
    worker.wait()
    found = heap.statistics("lock")
    assert (found.acquisitions, found.contended) == (2, 1)
    assert found.longest_wait > 0


def test_only_locks_are_measured():
    heap = neap.heap()
    heap.event("e")
    assert heap.measure() == 0
    with pytest.raises(neap.TypeMismatch):
        heap.measure("e")
    with pytest.raises(FileNotFoundError):
        heap.statistics("nothing")
    with pytest.raises(TypeError):
        heap.measure(5)
