"""The same scenarios with the objects of threading, of multiprocessing and of
neap: a script that changes only where an object comes from does the same.

A scenario returns what it saw; exceptions are seen by the name by which
threading's users catch them. Where multiprocessing has another one it is left
out. What differs on purpose is tested at the end.
"""
import errno
import multiprocessing
import threading
import time

import neap
import pytest
from conftest import eventually
from waiting import fails_with, soon

ALL = ("threading", "multiprocessing", "neap")
ALIKE = ("threading", "neap")


@pytest.fixture(scope="module", autouse=True)
def arena():
    """The memory of multiprocessing's barriers, which it keeps for ever."""
    yield multiprocessing.Barrier(1)


class FromNeap:
    """The same names and arguments as in threading."""

    def __init__(self, heap):
        self.heap = heap

    def Lock(self):
        return self.heap.mutex("lock")

    def RLock(self):
        return self.heap.mutex("rlock", recursive=True)

    def Semaphore(self, value=1):
        return self.heap.semaphore("semaphore", value)

    def BoundedSemaphore(self, value=1):
        return self.heap.semaphore("bounded", value, bound=value)

    def Condition(self, lock=None):
        return self.heap.condition("condition", lock)

    def Event(self):
        return self.heap.event("event")

    def Barrier(self, parties, action=None, timeout=None):
        return self.heap.barrier("barrier", parties, action=action,
                                 timeout=timeout)


@pytest.fixture
def source(request, heap):
    return {"threading": threading, "multiprocessing": multiprocessing,
            "neap": FromNeap(heap)}[request.param]


def of(*families):
    return pytest.mark.parametrize("source", families, indirect=True)


def seen(call, *arguments, **words):
    """What it returns, or what it raises as threading's users catch it."""
    try:
        return call(*arguments, **words)
    except (threading.BrokenBarrierError, ValueError, TypeError) as error:
        for known in (threading.BrokenBarrierError, ValueError, TypeError):
            if isinstance(error, known):
                return known
    except RuntimeError:
        return RuntimeError


def elsewhere(call, *arguments, **words):
    """What another thread sees."""
    result = []
    thread = threading.Thread(
        target=lambda: result.append(seen(call, *arguments, **words)))
    thread.start()
    thread.join()
    return result[0]


def crowd(count, call, *arguments):
    """Threads, and what each saw."""
    results = []
    threads = [threading.Thread(
        target=lambda: results.append(seen(call, *arguments)))
        for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, results


def join(threads):
    for thread in threads:
        thread.join()


def waited(seconds, call, *arguments, **words):
    """What it returned, and that it took no less."""
    begun = time.monotonic()
    result = seen(call, *arguments, **words)
    return result, time.monotonic() - begun >= seconds * 0.99


# -- locks -------------------------------------------------------------------

@of(*ALL)
def test_a_lock(source):
    lock = source.Lock()
    assert lock.acquire() is True
    assert elsewhere(lock.acquire, False) is False
    assert elsewhere(waited, 0.05, lock.acquire, True, 0.05) == (False, True)
    assert elsewhere(lock.acquire, timeout=0.01) is False
    assert lock.release() is None
    with lock:
        assert elsewhere(lock.acquire, False) is False
    assert lock.acquire(False) is True
    lock.release()
    with pytest.raises(LookupError):
        with lock:
            raise LookupError
    assert lock.acquire(False) is True
    lock.release()


@of(*ALIKE)
def test_a_lock_and_its_errors(source):
    lock = source.Lock()
    assert seen(lock.release) is RuntimeError
    assert lock.locked() is False
    assert lock.acquire(blocking=True, timeout=-1) is True
    assert lock.locked() is True
    assert lock.acquire(blocking=False) is False
    assert seen(lock.acquire, False, 1) is ValueError
    assert seen(lock.acquire, True, -2) is ValueError
    assert seen(lock.acquire, timeout="1") is TypeError
    lock.release()
    assert seen(lock.release) is RuntimeError


@of("multiprocessing", "neap")
def test_a_lock_with_the_words_of_multiprocessing(source):
    lock = source.Lock()
    assert lock.acquire(block=True, timeout=None) is True
    assert lock.acquire(block=False) is False
    assert elsewhere(lock.acquire, block=True, timeout=0.01) is False
    lock.release()


@of(*ALL)
def test_a_recursive_lock(source):
    lock = source.RLock()
    assert lock.acquire() is True
    assert lock.acquire(False) is True
    with lock:
        assert elsewhere(lock.acquire, False) is False
    lock.release()
    assert elsewhere(lock.acquire, False) is False
    lock.release()
    assert elsewhere(lambda: (lock.acquire(False), lock.release())) == (
        True, None)


@of(*ALIKE)
def test_a_recursive_lock_and_its_errors(source):
    lock = source.RLock()
    assert seen(lock.release) is RuntimeError
    lock.acquire()
    assert elsewhere(lock.release) is RuntimeError
    lock.release()
    assert seen(lock.release) is RuntimeError


# -- semaphores --------------------------------------------------------------

@of(*ALL)
def test_a_semaphore(source):
    semaphore = source.Semaphore(2)
    assert [semaphore.acquire(False) for _ in range(3)] == [True, True, False]
    assert waited(0.05, semaphore.acquire, True, 0.05) == (False, True)
    assert elsewhere(semaphore.release) is None  # anybody may
    with semaphore:
        assert semaphore.acquire(False) is False
    assert semaphore.acquire(timeout=1) is True
    with soon(semaphore.release):
        assert semaphore.acquire() is True
    for _ in range(5):
        semaphore.release()  # more than there were
    assert [semaphore.acquire(False) for _ in range(6)] == [True] * 5 + [False]


@of(*ALIKE)
def test_a_semaphore_gives_several_back(source):
    semaphore = source.Semaphore(0)
    threads, results = crowd(3, semaphore.acquire)
    assert semaphore.release(2) is None
    eventually(lambda: len(results) == 2)
    assert semaphore.release(n=1) is None
    join(threads)
    assert results == [True] * 3
    assert seen(semaphore.release, 0) is ValueError
    assert seen(semaphore.release, -1) is ValueError
    assert seen(semaphore.acquire, False, 1) is ValueError
    assert semaphore.acquire(blocking=False) is False


@of(*ALL)
def test_a_bounded_semaphore(source):
    semaphore = source.BoundedSemaphore(2)
    assert seen(semaphore.release) is ValueError
    assert semaphore.acquire() is True
    assert semaphore.release() is None
    assert seen(semaphore.release) is ValueError
    with semaphore, semaphore:
        assert semaphore.acquire(False) is False
    assert seen(semaphore.release) is ValueError


@of(*ALIKE)
def test_a_bounded_semaphore_gives_all_or_nothing_back(source):
    semaphore = source.BoundedSemaphore(3)
    semaphore.acquire()
    semaphore.acquire()
    assert seen(semaphore.release, 3) is ValueError
    assert semaphore.release(2) is None
    assert [semaphore.acquire(False) for _ in range(4)] == [True] * 3 + [False]


@of("multiprocessing", "neap")
def test_a_semaphore_tells_its_value(source):
    semaphore = source.Semaphore(2)
    semaphore.acquire(block=True)
    assert semaphore.get_value() == 1
    semaphore.release()
    assert semaphore.get_value() == 2


@of(*ALIKE)
def test_a_semaphore_cannot_begin_below_zero(source):
    assert seen(source.Semaphore, -1) is ValueError


# -- conditions --------------------------------------------------------------

def wait_with(condition, ready, timeout=30):
    with condition:
        ready.append(None)
        return condition.wait(timeout)


def begin(condition, count, timeout=30):
    ready = []
    threads, results = crowd(count, wait_with, condition, ready, timeout)
    eventually(lambda: len(ready) == count)
    with condition:  # the last of them waits, too
        pass
    return threads, results


@of(*ALL)
def test_a_condition(source):
    condition = source.Condition()
    assert condition.acquire() is True
    assert condition.release() is None
    with condition:
        assert waited(0.05, condition.wait, 0.05) == (False, True)
        assert condition.wait(timeout=0.01) is False
        assert condition.notify() is None
        assert condition.notify_all() is None
        assert condition.wait(0.01) is False  # not kept
    threads, results = begin(condition, 1)
    with condition:
        condition.notify()
    join(threads)
    assert results == [True]


@of(*ALL)
def test_a_condition_notifies_as_many_as_it_says(source):
    condition = source.Condition()
    threads, results = begin(condition, 5)
    with condition:
        condition.notify(2)
    eventually(lambda: len(results) == 2)
    time.sleep(0.25)
    assert results == [True] * 2
    with condition:
        condition.notify()
    eventually(lambda: len(results) == 3)
    with condition:
        condition.notify_all()
    join(threads)
    assert results == [True] * 5


@of(*ALL)
def test_a_condition_waits_for_a_predicate(source):
    condition = source.Condition()
    values = []

    def add():
        for i in range(3):
            with condition:
                values.append(i)
                condition.notify_all()

    with condition:
        with soon(add):
            assert condition.wait_for(lambda: len(values) == 3, 30) is True
        assert condition.wait_for(lambda: "value") == "value"
        assert condition.wait_for(lambda: [], timeout=0.01) == []


@of(*ALL)
def test_a_condition_takes_a_lock_and_is_recursive_without_one(source):
    lock = source.Lock()
    condition = source.Condition(lock)
    with condition:
        assert elsewhere(lock.acquire, False) is False
    if isinstance(source, FromNeap):
        source.heap.drop("condition")
    condition = source.Condition()
    with condition:
        with condition:
            assert condition.wait(0.01) is False
            assert elsewhere(condition.acquire, False) is False
        assert elsewhere(condition.acquire, False) is False


@of(*ALIKE)
def test_a_condition_and_its_errors(source):
    condition = source.Condition()
    for call in (condition.wait, condition.notify, condition.notify_all,
                 condition.release):
        assert seen(call) is RuntimeError


# -- events ------------------------------------------------------------------

@of(*ALL)
def test_an_event(source):
    event = source.Event()
    assert event.is_set() is False
    assert waited(0.05, event.wait, 0.05) == (False, True)
    assert event.wait(timeout=0) is False
    threads, results = crowd(3, event.wait, 30)
    assert event.set() is None
    join(threads)
    assert results == [True] * 3
    assert event.is_set() is True
    assert event.wait() is True
    assert event.set() is None
    assert event.clear() is None
    assert event.is_set() is False
    assert event.wait(0) is False


# -- barriers ----------------------------------------------------------------

@of(*ALL)
def test_a_barrier(source):
    barrier = source.Barrier(3)
    assert (barrier.parties, barrier.n_waiting, barrier.broken) == (3, 0, False)
    for _ in range(3):
        threads, results = crowd(3, barrier.wait)
        join(threads)
        assert sorted(results) == [0, 1, 2]
    assert barrier.n_waiting == 0


@of(*ALL)
def test_a_barrier_with_an_action_and_a_timeout(source):
    seen_then = []
    barrier = source.Barrier(2, lambda: seen_then.append(1), 30)
    for _ in range(3):
        threads, results = crowd(2, barrier.wait)
        join(threads)
        assert sorted(results) == [0, 1]
    assert len(seen_then) == 3


@of(*ALL)
def test_a_barrier_whose_timeout_is_the_object_s(source):
    barrier = source.Barrier(2, timeout=0.02)
    assert seen(barrier.wait) is threading.BrokenBarrierError
    assert barrier.broken is True


@of(*ALL)
def test_who_is_late_while_a_barrier_acts_waits_it_out(source):
    barrier = source.Barrier(2, lambda: time.sleep(2.1), 2)
    threads, results = crowd(2, barrier.wait)
    join(threads)
    assert sorted(results) == [0, 1]
    assert barrier.broken is False


@of(*ALL)
def test_a_barrier_whose_action_raises(source):
    def act():
        raise ValueError

    barrier = source.Barrier(2, act)
    threads, results = crowd(2, barrier.wait)
    join(threads)
    assert set(results) == {ValueError, threading.BrokenBarrierError}
    assert barrier.broken is True


@of(*ALL)
def test_a_barrier_that_breaks(source):
    broken = threading.BrokenBarrierError
    barrier = source.Barrier(3)
    threads, results = crowd(1, barrier.wait)
    eventually(lambda: barrier.n_waiting == 1)
    assert seen(barrier.wait, 0.02) is broken
    join(threads)
    assert results == [broken]
    assert barrier.broken is True
    assert seen(barrier.wait) is broken
    assert barrier.reset() is None
    assert barrier.broken is False
    threads, results = crowd(2, barrier.wait)
    eventually(lambda: barrier.n_waiting == 2)
    assert barrier.abort() is None
    join(threads)
    assert results == [broken] * 2
    assert seen(barrier.wait, timeout=1) is broken


@of(*ALL)
def test_a_barrier_that_is_reset_while_two_wait(source):
    broken = threading.BrokenBarrierError
    barrier = source.Barrier(3)
    threads, results = crowd(2, barrier.wait)
    eventually(lambda: barrier.n_waiting == 2)
    barrier.reset()
    join(threads)
    assert results == [broken] * 2
    assert barrier.broken is False
    threads, results = crowd(3, barrier.wait)
    join(threads)
    assert sorted(results) == [0, 1, 2]


# -- what differs, on purpose ------------------------------------------------

def test_a_lock_that_its_owner_locks_again_is_an_error_and_no_deadlock(heap):
    lock = heap.mutex("lock")
    with lock:
        fails_with(errno.EDEADLK, lock.acquire)
        fails_with(errno.EDEADLK, lock.acquire, timeout=1)
        assert lock.acquire(False) is False


def test_only_the_owner_releases_a_lock(heap):
    lock = heap.mutex("lock")
    with lock:
        assert elsewhere(lock.release) is RuntimeError
        assert lock.mine


def test_who_does_not_own_is_told_so_by_one_class(heap):
    assert issubclass(neap.NotOwner, (PermissionError, RuntimeError))
    assert issubclass(neap.NotOwner, PermissionError)
    assert issubclass(neap.NotOwner, neap.Error)
    undo = heap.semaphore("undo", 1, undo=True)
    for call in (heap.mutex("a").release, heap.mutex("a").unlock,
                 heap.mutex("a").repaired, undo.release,
                 heap.rwlock("b").release, heap.rwlock("b").repaired,
                 heap.condition("c").wait, heap.condition("c").notify,
                 heap.condition("c").release):
        with pytest.raises(neap.NotOwner) as info:
            call()
        assert info.value.errno == errno.EPERM
        assert info.value.code == "EPERM"
