"""Descriptors that become readable when an object can be had."""
import errno
import select

import neap
import pytest
from waiting import fails_with, soon


def readable(watch, timeout=0):
    return bool(select.select([watch], [], [], timeout)[0])


@pytest.fixture
def semaphore(heap):
    semaphore = heap.semaphore("semaphore", 0)
    yield semaphore
    semaphore.close()


def test_it_is_readable_when_the_object_can_be_had(semaphore):
    with neap.watch(semaphore) as watch:
        assert watch.name == "semaphore"
        assert not readable(watch)
        with soon(semaphore.release):
            assert readable(watch, 30)
        assert semaphore.acquire(timeout=0)
        assert watch.rearm() is False
        assert not readable(watch)
        semaphore.release(2)
        assert readable(watch, 30)
        assert semaphore.acquire(timeout=0)
        assert watch.rearm() is True
        assert readable(watch)


def test_it_watches_events_latches_and_mutexes(heap):
    things = heap.event("event"), heap.latch("latch", 1), heap.mutex("mutex")
    things[2].acquire()
    bring = things[0].set, things[1].count_down, things[2].release
    for thing, come in zip(things, bring):
        with neap.watch(thing) as watch:
            assert not watch.rearm()
            come()
            assert readable(watch, 30)
        thing.close()


def test_a_child_has_a_watch_of_its_own(heap, semaphore):
    done = heap.event("done")
    with neap.watch(semaphore) as watch:
        def work():
            assert not watch.rearm()
            semaphore.release()
            assert readable(watch, 30)
            assert semaphore.acquire(timeout=0)
            assert not watch.rearm()
            done.set()

        neap.fork(work).wait()
        assert done.is_set()
        assert not watch.rearm()
    done.close()


def test_a_dropped_object_is_told(heap, semaphore):
    with neap.watch(semaphore) as watch:
        heap.drop("semaphore")
        assert readable(watch, 30)
        fails_with(errno.EIDRM, neap.watch, semaphore)


def test_it_outlives_the_handle_of_its_object(heap):
    event = heap.event("event")
    with neap.watch(event) as watch:
        event.close()
        other = heap.event("event")
        other.set()
        assert readable(watch, 30)
        other.close()


def test_what_cannot_be_watched_is_refused(heap):
    for wrong in (None, 1, heap):
        with pytest.raises(TypeError, match="watch takes events"):
            neap.watch(wrong)
    event = heap.event("event")
    event.close()
    with pytest.raises(neap.Closed):
        neap.watch(event)


def test_a_closed_one_says_so(heap, semaphore):
    watch = neap.watch(semaphore)
    assert repr(watch) == "<neap.Watch of 'semaphore'>"
    watch.close()
    watch.close()
    assert repr(watch) == "<neap.Watch, closed>"
    for call in (watch.fileno, watch.rearm, lambda: watch.name):
        with pytest.raises(neap.Closed):
            call()
