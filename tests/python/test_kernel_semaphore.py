"""Semaphores of the kernel and the C library."""
import errno
import os
import pickle
import threading

import neap
import pytest

KEY = 0x5D000000 + os.getpid() % 0x100000
ADDRESSES = [f"neap-test-{os.getpid()}-ksem", KEY]


@pytest.fixture(params=ADDRESSES, ids=["posix", "sysv"])
def address(request):
    yield request.param
    try:
        neap.KernelSemaphore.unlink(request.param)
    except FileNotFoundError:
        pass


@pytest.fixture
def a_set():
    semaphores = neap.KernelSemaphore(KEY, create=True, count=3, initial=1)
    yield semaphores
    try:
        neap.KernelSemaphore.unlink(KEY)
    except FileNotFoundError:
        pass


def test_one_is_taken_and_given_back(address):
    jobs = neap.KernelSemaphore(address, create=True, initial=1)
    assert jobs.acquire() is True
    assert jobs.acquire(blocking=False) is False
    assert jobs.acquire(timeout=0.02) is False
    assert jobs.value == 0
    jobs.release()
    with jobs:
        assert jobs.get_value() == 0
    assert jobs.values == [1]
    assert len(jobs) == 1
    with pytest.raises(FileExistsError):
        neap.KernelSemaphore(address, create=True, exclusive=True)


def test_a_wait_lets_other_threads_run(address):
    jobs = neap.KernelSemaphore(address, create=True)
    threading.Timer(0.05, jobs.release).start()
    assert jobs.acquire(timeout=20)


def test_close_lets_a_waiter_be(address):
    jobs = neap.KernelSemaphore(address, create=True)
    waiter = threading.Thread(target=jobs.acquire)
    waiter.start()
    refused = 0
    while not refused:
        try:
            jobs.get_value()
            if waiter.is_alive():
                jobs.close()
        except neap.BadArgument as error:
            assert "a thread is in" in str(error)
            refused += 1
        else:
            if not waiter.is_alive() or "closed" in repr(jobs):
                break
    if refused:
        jobs.release()
        waiter.join()
        jobs.close()
    with pytest.raises(neap.Closed):
        jobs.get_value()


def test_it_is_told_and_listed(address):
    jobs = neap.KernelSemaphore(address, create=True, mode=0o640)
    stat = jobs.stat()
    assert stat.mode == 0o640 and stat.count == 1 and stat.uid == os.getuid()
    (listed,) = [i for i in jobs.list() if i.address == jobs.address]
    assert listed.stat == stat
    assert jobs.look().value == 0
    assert repr(jobs) == f"<neap.KernelSemaphore '{jobs.address}'>"


def test_pickles_as_its_address(address):
    jobs = neap.KernelSemaphore(address, create=True, initial=3)
    again = pickle.loads(pickle.dumps(jobs))
    again.acquire()
    assert jobs.value == 2


def test_a_set_changes_all_at_once_or_nothing(a_set):
    assert a_set.apply([(0, -1), (1, 4)])
    assert a_set.values == [0, 5, 1]
    assert a_set.apply([(1, -5), (2, -2)], timeout=0) is False
    assert a_set.apply(((1, -5), (0, 0)), timeout=0.02)
    a_set.set_value(7, index=2)
    assert a_set.acquire(n=6, index=2)
    a_set.release(n=2, index=2)
    assert a_set.get_value(2) == 3
    assert a_set.look(2).last_pid == os.getpid()


def test_with_undo_what_the_dead_took_returns(a_set):
    pid = os.fork()
    if pid == 0:
        neap.KernelSemaphore(KEY, undo=True).acquire(index=1)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert a_set.values == [1, 1, 1]
    pid = os.fork()
    if pid == 0:
        neap.KernelSemaphore(KEY).acquire(index=1)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert a_set.values == [1, 0, 1]


def test_a_removed_set_says_so(a_set):
    neap.KernelSemaphore.unlink(KEY)
    with pytest.raises(OSError) as error:
        a_set.acquire()
    assert error.value.errno == errno.EIDRM


def test_bad_arguments(a_set):
    for call, kind in (
        (lambda: a_set.acquire(n=0), ValueError),
        (lambda: a_set.acquire(timeout=-2), ValueError),
        (lambda: a_set.acquire(blocking=False, timeout=1), ValueError),
        (lambda: a_set.apply([(0,)]), TypeError),
        (lambda: a_set.apply([]), neap.BadArgument),
        (lambda: a_set.apply([(0, 0)] * 501), ValueError),
        (lambda: a_set.apply([(-1, 0)]), ValueError),
        (lambda: neap.KernelSemaphore("file:x"), OSError),
        (lambda: neap.KernelSemaphore(""), neap.BadArgument),
        (lambda: neap.KernelSemaphore("x", create=True, initial=-1),
         neap.BadArgument),
        (lambda: neap.KernelSemaphore(KEY, count=4), neap.BadArgument),
        (lambda: neap.KernelSemaphore("neap-test-none"), FileNotFoundError),
        (lambda: neap.KernelSemaphore.unlink("neap-test-none"),
         FileNotFoundError),
    ):
        with pytest.raises(kind):
            call()
    for call, number in (
        (lambda: a_set.release(n=40000), errno.ERANGE),
        (lambda: a_set.get_value(3), errno.EFBIG),
        (lambda: neap.KernelSemaphore("x", undo=True), errno.ENOTSUP),
    ):
        with pytest.raises(OSError) as error:
            call()
        assert error.value.errno == number
    assert a_set.values == [1, 1, 1]
