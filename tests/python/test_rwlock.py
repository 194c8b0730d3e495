import errno
import os
import signal
import threading
import time

import neap
import pytest
from conftest import eventually
from waiting import die, fails_with, kill, signal_soon, soon


@pytest.fixture
def lock(heap):
    lock = heap.rwlock("lock")
    yield lock
    lock.close()


class Holder:
    """A child that holds the lock until it is told to let go, or killed."""

    def __init__(self, heap, guard):
        self.here, self.go = heap.event("here"), heap.event("go")
        self.here.clear()
        self.go.clear()

        def hold():
            with guard:
                self.here.set()
                self.go.wait(30)

        self.process = neap.fork(hold)
        assert self.here.wait(20)

    def __enter__(self):
        return self

    def kill(self):
        kill(self.process)
        self.process = None

    def __exit__(self, *error):
        self.go.set()
        if self.process:
            self.process.wait()


def test_with_locks_and_unlocks(lock):
    assert lock.mine is None
    with lock.read() as it:
        assert it is lock
        assert lock.mine == "read"
    assert lock.mine is None
    with lock.write() as it:
        assert it is lock
        assert lock.mine == "write"
    assert lock.mine is None


def test_acquire_and_release(lock):
    assert lock.acquire_read() is True
    assert lock.mine == "read"
    assert lock.release() is None
    assert lock.acquire_write(blocking=False) is True
    assert lock.mine == "write"
    lock.release()


def test_with_unlocks_after_an_exception(lock):
    for guard in (lock.read(), lock.write()):
        with pytest.raises(KeyError):
            with guard:
                raise KeyError
        assert lock.mine is None


def test_a_guard_may_be_used_again(lock):
    guard = lock.write()
    for _ in range(3):
        with guard:
            assert lock.mine == "write"


def test_readers_read_together_and_a_writer_waits(heap, lock):
    with Holder(heap, lock.read()):
        with lock.read():
            pass
        assert lock.acquire_read(False) is True
        lock.release()
        assert lock.acquire_write(False) is False
        assert lock.acquire_write(timeout=0.01) is False
        assert lock.mine is None
    assert lock.acquire_write(False) is True
    lock.release()


def test_a_writer_is_alone(heap, lock):
    with Holder(heap, lock.write()):
        for acquire in (lock.acquire_read, lock.acquire_write):
            assert acquire(blocking=False) is False
            assert acquire(True, 0.01) is False
    with lock.read():
        pass


def test_guards_time_out(heap, lock):
    with Holder(heap, lock.write()):
        for guard in (lock.read(timeout=0.1), lock.write(0.1), lock.read(0)):
            begun = time.monotonic()
            with pytest.raises(neap.Timeout):
                with guard:
                    pytest.fail("it was locked")
            assert isinstance(neap.Timeout(), TimeoutError)
            assert "0.1" not in repr(guard) or time.monotonic() - begun >= 0.1


def test_a_wait_ends_when_the_writer_is_done(heap, lock):
    with Holder(heap, lock.write()) as holder:
        with soon(holder.go.set):
            with lock.read(30):
                pass
    with Holder(heap, lock.read()) as holder:
        with soon(holder.go.set):
            with lock.write(30):
                pass


def test_processes_exclude_one_another(heap, lock):
    data = heap.array("data", 2, "i8")

    def work(worker):
        for _ in range(500):
            if worker.id % 2:
                with lock.read():
                    if data[0] != data[1]:
                        return "torn"
            else:
                with lock.write():
                    data[0] += 1
                    data[1] = data[0]

    assert neap.run(4, work) == [None] * 4
    assert list(data) == [1000, 1000]


def test_threads_exclude_one_another(heap, lock):
    data = heap.array("data", 1, "i8")

    def count():
        for _ in range(300):
            with lock.write():
                data[0] += 1

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert data[0] == 900


def test_a_reader_that_is_killed_lets_the_writer_in(heap, lock):
    with Holder(heap, lock.read()) as holder:
        with soon(holder.kill):
            assert lock.acquire_write(timeout=20) is True
        assert not lock.abandoned
        lock.release()


def test_the_next_to_write_learns_that_a_writer_died(heap, lock):
    with Holder(heap, lock.write()) as holder:
        with soon(holder.kill):
            with lock.write(20):
                assert lock.abandoned
    assert lock.dead_owner > 0
    with pytest.raises(PermissionError, match="for writing"):
        lock.repaired()
    with lock.write():
        assert lock.abandoned
        lock.repaired()
    assert lock.dead_owner is None
    with lock.write():
        assert not lock.abandoned


def test_a_writer_that_is_killed_lets_readers_in(heap, lock):
    with Holder(heap, lock.write()) as holder:
        holder.kill()
        with lock.read(20):
            assert not lock.abandoned
        with lock.write(20):
            assert lock.abandoned


def test_a_writer_that_is_killed_while_it_waits_bars_nobody(heap, lock):
    with Holder(heap, lock.read()):
        writer = neap.fork(lock.acquire_write)
        eventually(lambda: not lock.acquire_read(False) or lock.release())
        kill(writer)
        with lock.read(20):
            pass


def test_holding_it_twice_is_an_error_and_not_a_standstill(lock):
    for first in (lock.read, lock.write):
        for second in (lock.acquire_read, lock.acquire_write):
            with first():
                error = fails_with(errno.EDEADLK, second)
                assert "unlock it first" in str(error)
                fails_with(errno.EDEADLK, second, blocking=False)
                assert lock.mine == ("read" if first == lock.read
                                     else "write")
            assert lock.mine is None


def test_releasing_what_one_does_not_hold_is_a_permission_error(heap, lock):
    with pytest.raises(PermissionError, match="lock"):
        lock.release()
    for guard in (lock.read(), lock.write()):
        with Holder(heap, guard):
            with pytest.raises(PermissionError):
                lock.release()
        with guard:
            with pytest.raises(PermissionError):
                neap.fork(lock.release).wait()
            assert lock.mine


def test_ctrl_c_ends_a_wait(heap, lock):
    for guard, other in ((lock.write(), lock.read()),
                         (lock.write(), lock.write()),
                         (lock.read(), lock.write())):
        with Holder(heap, guard):
            with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
                with other:
                    pytest.fail("it was locked")
            assert lock.mine is None
        with other:
            pass


def test_a_signal_handler_runs_and_the_wait_goes_on(heap, lock):
    with Holder(heap, lock.write()) as holder:
        with signal_soon(signal.SIGUSR1, lambda *a: holder.go.set()):
            with lock.read(30):
                assert lock.mine == "read"


@pytest.mark.parametrize("timeout, error", [
    ("1", TypeError), (-0.5, ValueError), (-2, ValueError),
    (float("nan"), ValueError),
])
def test_a_bad_timeout_is_refused(lock, timeout, error):
    for call in (lock.read, lock.write, lock.acquire_read, lock.acquire_write):
        with pytest.raises(error, match="timeout"):
            call(timeout=timeout)
    assert lock.mine is None


def test_not_blocking_takes_no_timeout(lock):
    with pytest.raises(ValueError, match="takes no timeout"):
        lock.acquire_read(False, 1)


def test_a_dropped_lock_says_so(heap, lock):
    with Holder(heap, lock.write()):
        with soon(heap.drop, "lock"):
            fails_with(errno.EIDRM, lock.acquire_read)
        fails_with(errno.EIDRM, lock.acquire_write)
        with pytest.raises(OSError):
            with lock.read():
                pass


def test_a_closed_lock_is_a_value_error(lock):
    guard = lock.read()
    lock.close()
    for call in (lock.acquire_read, lock.acquire_write, lock.release,
                 lock.read, lock.write, guard.__enter__, lambda: lock.mine,
                 lambda: lock.abandoned, lambda: guard.__exit__(*[None] * 3)):
        with pytest.raises(neap.Closed):
            call()
    assert repr(lock) == "<neap.RWLock, closed>"


def test_a_guard_keeps_its_lock(heap):
    guard = heap.rwlock("lock").write()
    with guard as lock:
        assert lock.mine == "write"
    with pytest.raises(TypeError):
        neap.Guard()


def test_the_list_tells_the_writer(heap, lock):
    assert heap.find("lock").kind == "rwlock"
    with lock.write():
        assert heap.find("lock").holder == os.getpid()
    assert heap.find("lock").holder == 0
    assert isinstance(heap.object("lock"), neap.RWLock)


def test_repr_tells_how_this_thread_holds_it(lock):
    assert repr(lock) == "<neap.RWLock 'lock'>"
    with lock.read():
        assert repr(lock) == "<neap.RWLock 'lock', this thread's to read>"
    assert repr(lock.write()) == (
        "<neap.Guard of <neap.RWLock 'lock'>, to write>")


def test_a_process_that_ends_gives_back_what_it_holds(heap, lock):
    neap.fork(lock.acquire_write).wait()
    assert lock.acquire_read(timeout=20) is True
    lock.release()
    with pytest.raises(neap.WorkerKilled):
        neap.fork(lambda: (lock.acquire_read(), die())).wait()
    assert lock.acquire_write(timeout=20) is True
    lock.release()
