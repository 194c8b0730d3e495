import errno
import os
import signal
import threading

import neap
import pytest
from conftest import eventually


@pytest.fixture(params=[False, True], ids=["classic", "undo"])
def undo(request):
    return request.param


def test_a_new_semaphore_has_its_permits(heap, undo):
    slots = heap.semaphore("slots", 3, undo=undo)
    assert slots.value == 3
    assert slots.undo is undo
    assert slots.name == "slots"
    assert heap.semaphore("more").value == 1


def test_acquire_takes_and_release_gives_back(heap, undo):
    slots = heap.semaphore("slots", 2, undo=undo)
    assert slots.acquire() is True
    assert slots.acquire() is True
    assert slots.acquire(blocking=False) is False
    assert slots.acquire(timeout=0.01) is False
    assert slots.value == 0
    slots.release()
    slots.release()
    assert slots.value == 2


def test_with_takes_a_permit_and_gives_it_back(heap, undo):
    slots = heap.semaphore("slots", 2, undo=undo)
    with slots as it:
        assert it is slots
        assert slots.value == 1
    assert slots.value == 2


def test_release_gives_several(heap):
    slots = heap.semaphore("slots", 0)
    slots.release(3)
    slots.release(n=2)
    assert slots.value == 5


def test_anyone_may_release_a_classic_one(heap):
    ready = heap.semaphore("ready", 0)
    neap.fork(ready.release).wait()
    assert ready.acquire(timeout=20) is True


def test_a_release_wakes_who_waits(heap, undo):
    slots = heap.semaphore("slots", 1, undo=undo)
    slots.acquire()
    process = neap.fork(lambda: (slots.acquire(timeout=30), slots.release()))
    threading.Timer(0.05, lambda: None).run()
    slots.release()
    assert process.wait() == (True, None)


def test_a_permit_with_undo_returns_when_its_holder_dies(heap):
    slots = heap.semaphore("slots", 1, undo=True)

    def die():
        slots.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(neap.WorkerKilled):
        neap.fork(die).wait()
    assert slots.acquire(timeout=20) is True
    slots.release()
    assert slots.value == 1


def test_a_permit_without_undo_is_gone_with_its_holder(heap):
    slots = heap.semaphore("slots", 1)

    def die():
        slots.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(neap.WorkerKilled):
        neap.fork(die).wait()
    heap.reap()
    assert slots.acquire(timeout=0) is False
    assert slots.value == 0


def test_only_a_holder_releases_a_permit_with_undo(heap):
    slots = heap.semaphore("slots", 1, undo=True)
    with pytest.raises(PermissionError):
        slots.release()
    assert slots.value == 1


def test_workers_share_the_permits(heap, undo):
    slots = heap.semaphore("slots", 2, undo=undo)
    inside = heap.counter("inside")
    most = heap.counter("most")

    def work(worker):
        for _ in range(300):
            with slots:
                most.max(inside.add(1))
                inside.add(-1)

    neap.run(4, work)
    assert 1 <= most.get() <= 2
    assert slots.value == 2


def test_ctrl_c_ends_a_wait(heap):
    empty = heap.semaphore("empty", 0)
    timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        empty.acquire()
    timer.join()
    assert empty.value == 0


def test_who_waits_for_one_that_is_dropped_gets_an_error(heap):
    empty = heap.semaphore("empty", 0)
    timer = threading.Timer(0.05, heap.drop, ["empty"])
    timer.start()
    with pytest.raises(OSError) as info:
        empty.acquire()
    assert info.value.errno == errno.EIDRM
    timer.join()


def test_the_kind_of_one_that_is_there_is_checked(heap):
    heap.semaphore("slots", 2, undo=True)
    assert heap.semaphore("slots", 7).value == 2
    assert heap.semaphore("slots").undo is True
    with pytest.raises(neap.TypeMismatch, match="slots"):
        heap.semaphore("slots", 2, undo=False)


@pytest.mark.parametrize("initial, error", [
    (-1, ValueError), (2**31, ValueError), (2**70, OverflowError),
    ("3", TypeError), (1.5, TypeError), (None, TypeError),
])
def test_a_bad_initial_value_is_refused(heap, initial, error):
    with pytest.raises(error):
        heap.semaphore("slots", initial)
    assert "slots" not in heap


def test_undo_must_be_a_bool(heap):
    with pytest.raises(TypeError, match="undo"):
        heap.semaphore("slots", 1, undo="yes")


@pytest.mark.parametrize("n, error", [
    (0, ValueError), (-1, ValueError), ("2", TypeError), (1.0, TypeError),
])
def test_a_bad_number_of_permits_is_refused(heap, n, error):
    slots = heap.semaphore("slots", 1)
    with pytest.raises(error):
        slots.release(n)
    assert slots.value == 1


def test_a_closed_semaphore_is_a_value_error(heap):
    slots = heap.semaphore("slots")
    slots.close()
    for call in (slots.acquire, slots.release, lambda: slots.value):
        with pytest.raises(neap.Closed):
            call()
    assert "closed" in repr(slots)


def test_a_thread_that_ends_gives_its_undo_permits_back(heap):
    slots = heap.semaphore("slots", 1, undo=True)
    thread = threading.Thread(target=slots.acquire)
    thread.start()
    thread.join()
    eventually(lambda: slots.value == 1)


def test_many_permits_are_taken_at_once_or_not_at_all(heap):
    slots = heap.semaphore("slots", 4)
    assert slots.acquire_many(3)
    assert slots.acquire_many(2, timeout=0) is False
    assert slots.value == 1
    slots.release(3)
    assert slots.value == 4
    for n in (0, -1, 2**40):
        with pytest.raises((ValueError, OverflowError)):
            slots.acquire_many(n)


def test_a_bound_is_never_exceeded(heap):
    slots = heap.semaphore("slots", 2, bound=2)
    assert slots.bound == 2 and heap.semaphore("free").bound is None
    with pytest.raises(ValueError, match="'slots'"):  # as BoundedSemaphore
        slots.release()
    with slots:
        pass
    with pytest.raises(ValueError, match="1 to 2"):
        slots.acquire_many(3)
    with pytest.raises(neap.TypeMismatch, match="a bound of 2, not one of 5"):
        heap.semaphore("slots", 2, bound=5)
    for bound in (0, -1):
        with pytest.raises(ValueError, match="a bound is 1 or more"):
            heap.semaphore("other", bound=bound)
