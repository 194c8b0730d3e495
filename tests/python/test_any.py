"""Waiting for whichever of several objects comes first."""
import errno
import signal
import time

import neap
import pytest
from conftest import eventually
from waiting import die, fails_with, kill, signal_soon, soon


@pytest.fixture
def things(heap):
    """One of each kind, none of which can be had (but for the mutex)."""
    things = (heap.event("event"), heap.latch("latch", 1),
              heap.semaphore("semaphore", 0), heap.mutex("mutex"))
    yield things
    for thing in things:
        thing.close()


def test_the_first_that_can_be_had_is_returned_and_taken(things):
    event, latch, semaphore, mutex = things
    semaphore.release(2)
    assert neap.wait_any([event, latch, semaphore, mutex]) is semaphore
    assert semaphore.value == 1
    assert not mutex.mine
    assert neap.wait_any((event, mutex, semaphore), timeout=0) is mutex
    assert mutex.mine and not mutex.abandoned
    mutex.release()
    event.set()
    assert neap.wait_any([latch, event], 1) is event
    latch.count_down()
    assert neap.wait_any(iter([latch, event])) is latch


def test_none_comes_in_time(things):
    assert neap.wait_any(things[:3], timeout=0) is None
    before = time.monotonic()
    assert neap.wait_any(things[:3], 0.05) is None
    assert time.monotonic() - before >= 0.05


@pytest.mark.parametrize("which", range(3))
def test_another_thread_brings_it(things, which):
    bring = (things[0].set, things[1].count_down, things[2].release)[which]
    with soon(bring):
        assert neap.wait_any(things[:3]) is things[which]


def test_another_process_unlocks_it(heap, things):
    event, _, semaphore, mutex = things

    def work():
        with mutex:
            semaphore.release()
            event.wait(0.05)

    process = neap.fork(work)
    semaphore.acquire()
    assert neap.wait_any([event, mutex]) is mutex
    mutex.release()
    process.wait()


def test_a_mutex_whose_owner_died_comes_abandoned(things):
    event, _, _, mutex = things
    process = neap.fork(lambda: mutex.acquire() and die())
    with pytest.raises(neap.WorkerKilled):
        process.wait()
    assert neap.wait_any([event, mutex]) is mutex
    assert mutex.abandoned
    mutex.release()


def test_a_killed_waiter_harms_nobody(heap, things):
    event, _, semaphore, _ = things
    ready = heap.event("ready")

    def wait():
        ready.set()
        neap.wait_any([event, semaphore])

    process = neap.fork(wait)
    ready.wait()
    kill(process)
    with soon(semaphore.release):
        assert semaphore.acquire(timeout=30)
    assert heap.check().problems == 0


def test_ctrl_c_ends_the_wait_and_nothing_is_taken(things):
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        neap.wait_any(things[:3])
    things[2].release()
    assert things[2].value == 1


def test_a_handler_that_raises_nothing_lets_the_wait_go_on(things):
    seen = []
    with signal_soon(signal.SIGUSR1, lambda *_: seen.append(1)):
        assert neap.wait_any(things[:3], 0.3) is None
    assert seen == [1]


def test_a_dropped_one_says_so(heap, things):
    with soon(heap.drop, "latch"):
        fails_with(errno.EIDRM, neap.wait_any, things[:3], 30)


def test_a_mutex_that_this_thread_has_is_a_deadlock(things):
    with things[3]:
        fails_with(errno.EDEADLK, neap.wait_any, [things[0], things[3]])


@pytest.mark.parametrize("objects, error, words", [
    ([], ValueError, "1 to 64"),
    ([1], TypeError, "not int"),
    ([None], TypeError, "not NoneType"),
    (None, TypeError, "iterable"),
])
def test_what_cannot_be_waited_for_is_refused(objects, error, words):
    with pytest.raises(error, match=words):
        neap.wait_any(objects)


def test_wrong_lists_are_refused(heap, things):
    with pytest.raises(ValueError, match="1 to 64"):
        neap.wait_any([things[0]] * 65)
    with pytest.raises(TypeError, match="Barrier"):
        neap.wait_any([things[0], heap.barrier("barrier", 2)])
    with pytest.raises(ValueError, match="timeout"):
        neap.wait_any(things, -1)
    with pytest.raises(TypeError, match="timeout"):
        neap.wait_any(things, "1")
    things[0].close()
    with pytest.raises(neap.Closed):
        neap.wait_any(things)


def test_one_that_is_waited_for_is_not_closed(things):
    def close():
        with pytest.raises(ValueError, match="in use"):
            things[0].close()
        things[2].release()

    with soon(close):
        assert neap.wait_any(things[:3]) is things[2]


def test_a_deadlock_is_an_error_if_the_heap_was_opened_for_that(opened_for_errors):
    heap = opened_for_errors
    a, b, here = heap.mutex("a"), heap.mutex("b"), heap.event("here")

    def work():
        with b:
            here.set()
            with a:
                return "had both"

    with a:
        process = neap.fork(work)
        here.wait()
        eventually(lambda: any(u.role == "waits" and u.name == "a"
                               for u in heap.locks().uses))
        error = fails_with(errno.EDEADLK, neap.wait_any, [b])
        assert "any of several, among them 'b'" in str(error)
    assert process.wait() == "had both"
    for thing in (a, b, here):
        thing.close()


@pytest.fixture
def opened_for_errors(name):
    with neap.open(name, deadlock="error", ephemeral=True) as heap:
        yield heap
