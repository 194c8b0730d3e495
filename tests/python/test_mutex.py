import errno
import os
import signal
import threading
import time

import neap
import pytest
from conftest import eventually


@pytest.fixture
def lock(heap):
    lock = heap.mutex("lock")
    yield lock
    lock.close()


def kill_owner(lock):
    """A process dies inside its critical section."""
    def die():
        lock.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(neap.WorkerKilled):
        neap.fork(die).wait()


class Holder:
    """A child that holds the mutex until it is told to let go."""

    def __init__(self, lock):
        self.wake, hold = os.pipe()[::-1]
        self.hold = hold

        def held():
            with lock:
                os.read(hold, 1)

        self.process = neap.fork(held)
        eventually(lambda: lock.holder == self.process.pid)

    def __enter__(self):
        return self

    def let_go(self):
        os.write(self.wake, b".")
        self.process.wait()

    def __exit__(self, *error):
        self.let_go()
        os.close(self.wake)
        os.close(self.hold)


def test_with_locks_and_unlocks(lock):
    with lock as it:
        assert it is lock
        assert lock.mine
        assert lock.locked()
        assert lock.holder == os.getpid()
    assert not lock.mine
    assert not lock.locked()
    assert lock.holder == 0


def test_with_unlocks_after_an_exception(lock):
    with pytest.raises(KeyError):
        with lock:
            raise KeyError
    assert not lock.locked()


def test_lock_and_unlock_are_other_words_for_acquire_and_release(lock):
    assert lock.lock() is True
    assert lock.unlock() is None
    assert lock.acquire() is True
    lock.release()


def test_acquire_returns_false_when_another_has_it(lock):
    with Holder(lock):
        assert lock.acquire(blocking=False) is False
        assert lock.acquire(False) is False
        assert lock.acquire(timeout=0) is False
        assert lock.acquire(timeout=0.01) is False
        assert lock.acquire(True, 0.01) is False
    assert lock.acquire(blocking=False) is True
    lock.release()


def test_a_wait_ends_when_the_mutex_is_free(lock):
    with Holder(lock) as holder:
        timer = threading.Timer(0.05, lambda: os.write(holder.wake, b"."))
        timer.start()
        assert lock.acquire(timeout=30) is True
        lock.release()
        timer.join()


def test_waiting_releases_the_gil(lock):
    entered, left = threading.Event(), threading.Event()
    with Holder(lock) as holder:
        def wait():
            entered.set()
            with lock:
                left.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert entered.wait(20)
        assert not left.is_set()
        os.write(holder.wake, b".")
        assert left.wait(20)
        thread.join()


def test_threads_exclude_one_another(heap, lock):
    data = heap.array("data", 1, "i8")

    def count():
        for _ in range(300):
            with lock:
                data[0] += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert data[0] == 1200


def test_processes_exclude_one_another(heap, lock):
    data = heap.array("data", 2, "i8")

    def count(worker):
        for _ in range(2000):
            with lock:
                data[0] += 1
                data[1] = data[0]

    neap.run(4, count)
    assert list(data) == [8000, 8000]


def test_the_next_owner_learns_that_the_last_one_died(lock):
    assert not lock.abandoned
    kill_owner(lock)
    with lock:
        assert lock.abandoned
    assert lock.dead_owner > 0
    with pytest.raises(PermissionError, match="only its owner"):
        lock.repaired()
    with lock:
        assert lock.abandoned
        lock.repaired()
    assert lock.dead_owner is None
    with lock:
        assert not lock.abandoned


def test_the_owner_of_a_recursive_mutex_may_lock_it_again(heap):
    lock = heap.mutex("again", recursive=True)
    assert lock.recursive and not heap.mutex("once").recursive
    with lock:
        with lock:
            assert neap.fork(lambda: lock.acquire(blocking=False)).wait() is False
        assert lock.mine
    assert not lock.mine
    with pytest.raises(PermissionError):
        lock.release()
    with pytest.raises(neap.TypeMismatch, match="recursive mutex"):
        heap.mutex("again", recursive=False)
    with pytest.raises(TypeError, match="recursive must be a bool"):
        heap.mutex("other", recursive="yes")


def test_acquire_is_true_for_an_abandoned_mutex(lock):
    kill_owner(lock)
    assert lock.acquire(timeout=20) is True
    assert lock.abandoned
    lock.release()


def test_who_waits_is_woken_by_the_death_of_the_owner(lock):
    def hold():
        lock.acquire()
        signal.pause()

    process = neap.fork(hold)
    eventually(lambda: lock.holder == process.pid)
    timer = threading.Timer(0.05, lambda: process.kill(signal.SIGKILL))
    timer.start()
    with lock:
        assert lock.abandoned
    timer.join()
    with pytest.raises(neap.WorkerKilled):
        process.wait()


def test_locking_twice_is_an_error_and_not_a_standstill(lock):
    with lock:
        with pytest.raises(OSError) as info:
            lock.acquire()
        assert info.value.errno == errno.EDEADLK
        assert lock.acquire(blocking=False) is False
    assert not lock.locked()


def test_unlocking_what_one_does_not_have_is_a_permission_error(lock):
    with pytest.raises(PermissionError, match="lock"):
        lock.release()
    with Holder(lock):
        with pytest.raises(PermissionError):
            lock.unlock()


def test_a_child_does_not_own_what_its_parent_locked(lock):
    with lock:
        with pytest.raises(PermissionError):
            neap.fork(lock.release).wait()
        assert lock.mine


def test_a_signal_handler_runs_during_a_wait_and_the_wait_goes_on(lock):
    calls = []
    old = signal.signal(signal.SIGUSR1, lambda *a: calls.append(a))
    try:
        with Holder(lock) as holder:
            def knock():
                os.kill(os.getpid(), signal.SIGUSR1)
                eventually(lambda: calls)
                os.write(holder.wake, b".")

            thread = threading.Thread(target=knock)
            thread.start()
            assert lock.acquire() is True
            lock.release()
            thread.join()
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert calls


def test_an_exception_of_a_signal_handler_ends_a_wait(lock):
    class Knock(Exception):
        pass

    def handler(*arguments):
        raise Knock

    old = signal.signal(signal.SIGUSR1, handler)
    try:
        with Holder(lock):
            timer = threading.Timer(
                0.05, lambda: os.kill(os.getpid(), signal.SIGUSR1))
            timer.start()
            with pytest.raises(Knock):
                lock.acquire()
            timer.join()
            assert not lock.mine
    finally:
        signal.signal(signal.SIGUSR1, old)


def test_ctrl_c_ends_a_wait(lock):
    with Holder(lock):
        timer = threading.Timer(
            0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            with lock:
                pass
        timer.join()


def test_a_timeout_is_seconds(lock):
    with Holder(lock):
        begun = time.monotonic()
        assert lock.acquire(timeout=0.2) is False
        assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize("timeout, error", [
    ("1", TypeError), ([], TypeError), (-0.5, ValueError), (-2, ValueError),
    (float("nan"), ValueError),
])
def test_a_bad_timeout_says_what_is_wanted(lock, timeout, error):
    with pytest.raises(error, match="timeout"):
        lock.acquire(timeout=timeout)
    assert not lock.locked()


def test_a_timeout_of_minus_1_is_for_ever_as_in_threading(lock):
    assert lock.acquire(True, -1) is True
    lock.release()


def test_a_timeout_beyond_all_clocks_is_fine(lock):
    assert lock.acquire(timeout=float("inf")) is True
    lock.release()
    assert lock.acquire(timeout=1e300) is True
    lock.release()


def test_not_blocking_takes_no_timeout(lock):
    with pytest.raises(ValueError, match="takes no timeout"):
        lock.acquire(False, 1)


def test_a_dropped_mutex_says_so(heap, lock):
    heap.drop("lock")
    with pytest.raises(OSError) as info:
        lock.acquire()
    assert info.value.errno == errno.EIDRM
    with pytest.raises(OSError):
        lock.locked()


def test_who_waits_for_a_mutex_that_is_dropped_gets_an_error(heap, lock):
    with Holder(lock):
        timer = threading.Timer(0.05, heap.drop, ["lock"])
        timer.start()
        with pytest.raises(OSError) as info:
            lock.acquire()
        assert info.value.errno == errno.EIDRM
        timer.join()


def test_a_closed_mutex_is_a_value_error(heap):
    lock = heap.mutex("lock")
    lock.close()
    for call in (lock.acquire, lock.release, lock.locked, lock.__enter__,
                 lambda: lock.abandoned, lambda: lock.name):
        with pytest.raises(neap.Closed):
            call()


def test_a_mutex_that_is_waited_for_cannot_be_closed(lock):
    with Holder(lock) as holder:
        thread = threading.Thread(
            target=lambda: (lock.acquire(), lock.release()))
        thread.start()

        def refused():
            try:
                lock.close()
            except OSError as error:
                return "'lock' is in use" in str(error)
            raise AssertionError("it was closed under a thread that waits")

        time.sleep(0.05)
        assert refused()
        os.write(holder.wake, b".")
        thread.join()


def test_repr_tells_the_state(lock):
    assert repr(lock) == "<neap.Mutex 'lock', free>"
    with lock:
        assert repr(lock) == f"<neap.Mutex 'lock', locked by {os.getpid()}>"
