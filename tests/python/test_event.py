import errno
import signal
import threading
import time

import neap
import pytest
from conftest import eventually
from waiting import die, fails_with, kill, signal_soon, soon

BAD_TIMEOUTS = [("1", TypeError), ([], TypeError), (-1, ValueError),
                (-0.5, ValueError), (float("nan"), ValueError)]


# -- events ---------------------------------------------------------------

@pytest.fixture
def event(heap):
    event = heap.event("event")
    yield event
    event.close()


def test_an_event_has_the_methods_of_threading(event):
    theirs = threading.Event()
    for it in (event, theirs):
        assert it.is_set() is False
        assert it.wait(0) is False
        assert it.wait(timeout=0.01) is False
        assert it.set() is None
        assert it.is_set() is True
        assert it.wait() is True
        assert it.wait(0) is True
        assert it.clear() is None
        assert it.is_set() is False


def test_a_timeout_is_seconds(event):
    begun = time.monotonic()
    assert event.wait(0.2) is False
    assert time.monotonic() - begun >= 0.2


def test_set_wakes_everybody_in_all_processes(heap, event):
    here = heap.counter("here")

    def wait(worker):
        if worker.id == 0:
            eventually(lambda: here.get() == 3)
            event.set()
        else:
            here.add()
        return event.wait(30)

    assert neap.run(4, wait) == [True] * 4


def test_waiting_releases_the_gil(event):
    with soon(event.set):
        assert event.wait(30) is True


def test_an_event_stays_set_when_who_set_it_dies(event):
    with pytest.raises(neap.WorkerKilled):
        neap.fork(lambda: (event.set(), die())).wait()
    assert event.wait(0) is True


def test_the_death_of_one_who_waits_harms_nobody(event):
    processes = [neap.fork(event.wait, 30) for _ in range(3)]
    time.sleep(0.02)
    kill(processes[0])
    event.set()
    assert [p.wait() for p in processes[1:]] == [True, True]


def test_ctrl_c_ends_a_wait_for_an_event(event):
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        event.wait()
    assert not event.is_set()


def test_a_signal_handler_runs_and_the_wait_goes_on(event):
    calls = []

    def handler(*arguments):
        calls.append(time.monotonic())

    begun = time.monotonic()
    with signal_soon(signal.SIGUSR1, handler):
        assert event.wait(0.3) is False
    assert calls
    assert time.monotonic() - begun >= 0.3


def test_a_handler_that_sets_the_event_ends_the_wait(event):
    with signal_soon(signal.SIGUSR1, lambda *a: event.set()):
        assert event.wait(30) is True


@pytest.mark.parametrize("timeout, error", BAD_TIMEOUTS)
def test_a_bad_timeout_of_an_event_is_refused(event, timeout, error):
    with pytest.raises(error, match="timeout"):
        event.wait(timeout)


def test_a_dropped_event_says_so(heap, event):
    heap.drop("event")
    for call in (event.set, event.clear, event.is_set, event.wait):
        fails_with(errno.EIDRM, call)
    assert "dropped" in repr(event)


def test_who_waits_for_an_event_that_is_dropped_gets_an_error(heap, event):
    with soon(heap.drop, "event"):
        fails_with(errno.EIDRM, event.wait, 30)


def test_a_closed_event_is_a_value_error(event):
    event.close()
    for call in (event.set, event.clear, event.is_set, event.wait,
                 lambda: event.name):
        with pytest.raises(neap.Closed):
            call()
    assert repr(event) == "<neap.Event, closed>"


def test_an_event_that_is_waited_for_cannot_be_closed(event):
    thread = threading.Thread(target=event.wait, args=[30])
    thread.start()
    time.sleep(0.05)
    with pytest.raises(neap.BadArgument, match="in use"):
        event.close()
    event.set()
    thread.join()
    event.close()


def test_a_reader_looks_and_cannot_set(name):
    with neap.open(name) as heap:
        heap.event("event").set()
        with neap.open(name, read_only=True) as reader:
            event = reader.event("event")
            assert event.is_set() and event.wait(0)
            with pytest.raises(PermissionError):
                event.clear()
            event.close()


def test_repr_tells_the_state_of_an_event(event):
    assert repr(event) == "<neap.Event 'event', not set>"
    event.set()
    assert repr(event) == "<neap.Event 'event', set>"


def test_the_list_tells_events_and_latches(heap, event):
    event.set()
    heap.latch("latch", 5).count_down(2)
    event_info, latch_info = heap.list()
    assert (event_info.kind, event_info.value) == ("event", True)
    assert (latch_info.kind, latch_info.value) == ("latch", 3)
    assert isinstance(heap.object("event"), neap.Event)
    assert heap.object("latch").left == 3
    with pytest.raises(neap.TypeMismatch):
        heap.latch("event", 3)


# -- latches ---------------------------------------------------------------

@pytest.fixture
def latch(heap):
    latch = heap.latch("latch", 3)
    yield latch
    latch.close()


def test_a_latch_opens_at_zero_and_stays_open(latch):
    assert latch.left == 3
    assert latch.wait(0) is False
    latch.count_down()
    latch.count_down(n=2)
    assert latch.left == 0
    assert latch.wait() is True
    assert latch.wait(timeout=0) is True


def test_workers_count_down_and_all_go_on(heap):
    latch = heap.latch("latch", 4)

    def work(worker):
        latch.count_down()
        return latch.wait(30)

    assert neap.run(4, work) == [True] * 4
    assert latch.left == 0


def test_a_latch_that_is_there_keeps_its_count(heap, latch):
    assert heap.latch("latch").left == 3
    assert heap.latch("latch", 7).left == 3
    with pytest.raises(FileNotFoundError, match="nothing"):
        heap.latch("nothing")
    assert "nothing" not in heap


def test_what_a_dead_process_counted_down_stays_so(latch):
    with pytest.raises(neap.WorkerKilled):
        neap.fork(lambda: (latch.count_down(), die())).wait()
    assert latch.left == 2


def test_the_death_of_one_who_waits_at_a_latch_harms_nobody(latch):
    processes = [neap.fork(latch.wait, 30) for _ in range(3)]
    time.sleep(0.02)
    kill(processes[0])
    latch.count_down(3)
    assert [p.wait() for p in processes[1:]] == [True, True]


def test_more_than_is_left_cannot_be_counted_down(latch):
    latch.count_down(2)
    assert "1 left" in str(fails_with(errno.EOVERFLOW, latch.count_down, 2))
    assert latch.left == 1


@pytest.mark.parametrize("n, error", [
    (0, ValueError), (-1, ValueError), ("2", TypeError), (1.0, TypeError),
    (2**70, OverflowError),
])
def test_a_bad_number_to_count_down_is_refused(latch, n, error):
    with pytest.raises(error):
        latch.count_down(n)
    assert latch.left == 3


@pytest.mark.parametrize("count, error", [
    (0, ValueError), (-1, ValueError), (2**31, ValueError), ("3", TypeError),
    (2**70, OverflowError), (1.5, TypeError),
])
def test_a_bad_count_is_refused(heap, count, error):
    with pytest.raises(error):
        heap.latch("latch", count)
    assert "latch" not in heap


@pytest.mark.parametrize("timeout, error", BAD_TIMEOUTS)
def test_a_bad_timeout_of_a_latch_is_refused(latch, timeout, error):
    with pytest.raises(error, match="timeout"):
        latch.wait(timeout)


def test_ctrl_c_ends_a_wait_for_a_latch(latch):
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        latch.wait()
    assert latch.left == 3


def test_a_dropped_or_closed_latch_says_so(heap, latch):
    with soon(heap.drop, "latch"):
        fails_with(errno.EIDRM, latch.wait, 30)
    fails_with(errno.EIDRM, latch.count_down)
    fails_with(errno.EIDRM, lambda: latch.left)
    assert "dropped" in repr(latch)
    latch.close()
    for call in (latch.count_down, latch.wait, lambda: latch.left):
        with pytest.raises(neap.Closed):
            call()
    assert repr(latch) == "<neap.Latch, closed>"


def test_repr_tells_what_is_left(latch):
    assert repr(latch) == "<neap.Latch 'latch', 3 left>"
