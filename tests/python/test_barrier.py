import contextlib
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
def barrier(heap):
    barrier = heap.barrier("barrier", 3)
    yield barrier
    barrier.close()


def waiting(barrier, count):
    """Processes that wait."""
    before = barrier.n_waiting
    processes = [neap.fork(barrier.wait, 30) for _ in range(count)]
    eventually(lambda: barrier.n_waiting == before + count)
    return processes


def all_broken(processes):
    for process in processes:
        with pytest.raises(neap.BrokenBarrier):
            process.wait()
    return True


def test_the_parties_go_on_together_each_with_a_place(barrier):
    assert (barrier.parties, barrier.n_waiting) == (3, 0)
    processes = waiting(barrier, 2)
    assert barrier.n_waiting == 2
    assert barrier.wait() == 0
    assert sorted(p.wait() for p in processes) == [1, 2]
    assert barrier.n_waiting == 0
    assert barrier.broken is False


def test_it_can_be_used_again_and_again(heap):
    barrier = heap.barrier("barrier", 4)
    steps = heap.array("steps", 4, "i8")

    def work(worker):
        places = []
        for step in range(200):
            steps[worker.id] = step
            places.append(barrier.wait(30))
            if steps.min() < step or steps.max() > step:
                return "not together"
            barrier.wait(30)
        return places

    places = neap.run(4, work)
    assert all(sorted(p) == [0, 1, 2, 3] for p in zip(*places))


def test_threads_are_parties_too(barrier):
    places = []
    threads = [threading.Thread(target=lambda: places.append(barrier.wait(30)))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(places) == [0, 1, 2]


def test_a_barrier_of_one_never_waits(heap):
    barrier = heap.barrier("alone", 1)
    assert [barrier.wait(0) for _ in range(3)] == [0, 0, 0]


def test_a_broken_barrier_is_the_error_of_threading(heap):
    assert issubclass(neap.BrokenBarrier, threading.BrokenBarrierError)
    assert issubclass(neap.BrokenBarrier, neap.Error)
    for it in (heap.barrier("barrier", 2), threading.Barrier(2)):
        it.abort()
        assert it.broken is True
        with pytest.raises(threading.BrokenBarrierError):
            it.wait()
        it.reset()
        assert it.broken is False


def test_who_gives_up_breaks_it_as_in_threading(barrier):
    for it in (barrier, threading.Barrier(3)):
        begun = time.monotonic()
        with pytest.raises(threading.BrokenBarrierError):
            it.wait(timeout=0.1)
        assert time.monotonic() - begun >= 0.1
        assert it.broken
        assert it.n_waiting == 0
    barrier.reset()
    with pytest.raises(neap.BrokenBarrier):
        barrier.wait(0)
    assert barrier.broken


def test_a_time_out_of_one_ends_the_wait_of_all(barrier):
    processes = waiting(barrier, 1)
    with pytest.raises(neap.BrokenBarrier):
        barrier.wait(0.05)
    assert all_broken(processes)


def test_a_party_that_is_killed_breaks_it_until_it_is_reset(barrier):
    first, second = waiting(barrier, 2)
    kill(first)
    assert all_broken([second])
    assert barrier.broken
    with pytest.raises(neap.BrokenBarrier, match="reset"):
        barrier.wait()
    barrier.reset()
    processes = waiting(barrier, 2)
    assert barrier.wait(30) == 0
    assert sorted(p.wait() for p in processes) == [1, 2]


def test_one_that_shrinks_goes_on_without_the_killed(heap):
    barrier = heap.barrier("barrier", 3, shrink=True)
    assert (barrier.shrinks, barrier.counted) == (True, False)
    first, second = waiting(barrier, 2)
    kill(first)
    assert heap.reap() in (0, 1)
    eventually(lambda: barrier.parties == 2)
    assert barrier.wait(30) == 0
    second.wait()
    assert not barrier.broken


def test_of_a_counted_one_those_who_joined_are_the_parties(heap):
    barrier = heap.barrier("barrier", counted=True, shrink=True)
    assert (barrier.parties, barrier.counted) == (0, True)
    fails_with(errno.EPERM, barrier.wait)
    barrier.join()
    fails_with(errno.EALREADY, barrier.join)

    def member():
        barrier.join()
        return barrier.wait(30)

    process = neap.fork(member)
    eventually(lambda: barrier.n_waiting == 1)
    assert barrier.parties == 2
    barrier.leave()
    assert process.wait() == 1
    with pytest.raises(PermissionError, match="join"):
        barrier.leave()
    assert heap.object("barrier").counted
    assert heap.check().problems == 0


def test_a_member_that_dies_between_two_waits_breaks_a_counted_one(heap):
    barrier = heap.barrier("barrier", counted=True)
    process = neap.fork(lambda: (barrier.join(), time.sleep(60)))
    eventually(lambda: barrier.parties == 1)
    barrier.join()
    kill(process)
    with pytest.raises(neap.BrokenBarrier):
        barrier.wait(30)
    barrier.reset()
    assert barrier.parties == 1
    assert barrier.wait(0) == 0
    barrier.leave()


def test_kinds_of_barriers_that_do_not_agree_are_refused(heap, barrier):
    with pytest.raises(neap.TypeMismatch, match="a breaking barrier"):
        heap.barrier("barrier", 3, shrink=True)
    with pytest.raises(neap.TypeMismatch):
        heap.barrier("barrier", counted=True)
    with pytest.raises(neap.BadArgument, match="counted"):
        heap.barrier("other", 3, counted=True)
    with pytest.raises(TypeError, match="bools"):
        heap.barrier("other", 3, shrink="yes")
    for call in (barrier.join, barrier.leave):
        with pytest.raises(neap.BadArgument, match="fixed"):
            call()
    assert "other" not in heap


def test_who_comes_after_a_death_was_noticed_finds_it_broken(heap):
    barrier = heap.barrier("barrier", 2)
    process, = waiting(barrier, 1)
    kill(process)
    assert heap.reap() == 1
    assert (barrier.n_waiting, barrier.broken) == (0, True)
    with pytest.raises(neap.BrokenBarrier):
        barrier.wait(30)


def test_abort_wakes_all_who_wait(barrier):
    processes = waiting(barrier, 2)
    barrier.abort()
    assert all_broken(processes)
    assert barrier.broken


def test_reset_wakes_all_who_wait_and_leaves_it_whole(barrier):
    processes = waiting(barrier, 2)
    barrier.reset()
    assert all_broken(processes)
    assert barrier.broken is False
    processes = waiting(barrier, 2)
    assert barrier.wait(30) == 0
    for process in processes:
        process.wait()


def test_ctrl_c_ends_a_wait_and_breaks_it(barrier):
    processes = waiting(barrier, 1)
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        barrier.wait()
    assert all_broken(processes)
    assert barrier.broken


def test_a_handler_that_raises_nothing_leaves_the_wait_as_it_is(heap):
    barrier = heap.barrier("barrier", 2)
    handled = threading.Event()
    counted = []

    def handle(*_):
        counted.append(barrier.n_waiting)
        handled.set()

    def come_then():
        handled.wait(30)
        barrier.wait(30)

    other = threading.Thread(target=come_then)
    other.start()
    with signal_soon(signal.SIGUSR1, handle):
        assert barrier.wait(30) == 1
    other.join()
    assert counted == [1]
    assert not barrier.broken


def test_a_handler_that_raises_breaks_it(barrier):
    def handle(*_):
        raise LookupError("enough")

    with signal_soon(signal.SIGUSR1, handle):
        with pytest.raises(LookupError, match="enough"):
            barrier.wait(30)
    assert barrier.broken
    assert barrier.n_waiting == 0


def test_waiting_releases_the_gil(heap):
    barrier = heap.barrier("barrier", 2)
    with soon(barrier.wait, 30):
        barrier.wait(30)


def test_a_barrier_that_is_there_keeps_its_parties(heap, barrier):
    assert heap.barrier("barrier").parties == 3
    assert heap.barrier("barrier", 5).parties == 3
    with pytest.raises(FileNotFoundError, match="nothing"):
        heap.barrier("nothing")
    assert "nothing" not in heap


@pytest.mark.parametrize("parties, error", [
    (0, ValueError), (-1, ValueError), (65536, ValueError),
    (2**70, OverflowError), ("3", TypeError), (1.5, TypeError),
])
def test_a_bad_number_of_parties_is_refused(heap, parties, error):
    with pytest.raises(error, match="parties"):
        heap.barrier("barrier", parties)
    assert "barrier" not in heap


@pytest.mark.parametrize("timeout, error", [
    ("1", TypeError), (-1, ValueError), (-0.5, ValueError),
    (float("nan"), ValueError),
])
def test_a_bad_timeout_is_refused_and_breaks_nothing(barrier, timeout, error):
    with pytest.raises(error, match="timeout"):
        barrier.wait(timeout)
    assert not barrier.broken


def test_a_dropped_barrier_says_so(heap, barrier):
    with soon(heap.drop, "barrier"):
        fails_with(errno.EIDRM, barrier.wait, 30)
    for call in (barrier.wait, barrier.abort, barrier.reset,
                 lambda: barrier.parties, lambda: barrier.broken,
                 lambda: barrier.n_waiting):
        fails_with(errno.EIDRM, call)
    assert "dropped" in repr(barrier)


def test_a_closed_barrier_is_a_value_error(barrier):
    barrier.close()
    for call in (barrier.wait, barrier.abort, barrier.reset,
                 lambda: barrier.parties, lambda: barrier.broken,
                 lambda: barrier.n_waiting, lambda: barrier.name):
        with pytest.raises(neap.Closed):
            call()
    assert repr(barrier) == "<neap.Barrier, closed>"


def test_a_barrier_that_is_waited_at_cannot_be_closed(barrier):
    thread = threading.Thread(
        target=lambda: pytest.raises(neap.BrokenBarrier, barrier.wait, 30))
    thread.start()
    eventually(lambda: barrier.n_waiting == 1)
    with pytest.raises(neap.BadArgument, match="in use"):
        barrier.close()
    barrier.abort()
    thread.join()


def test_the_list_tells_who_waits(heap, barrier):
    processes = waiting(barrier, 2)
    info = heap.find("barrier")
    assert (info.kind, info.value) == ("barrier", 2)
    assert repr(barrier) == "<neap.Barrier 'barrier', 2 of 3 wait>"
    heap.object("barrier").wait(30)
    for process in processes:
        process.wait()
    barrier.abort()
    assert repr(barrier) == "<neap.Barrier 'barrier', 0 of 3 wait, broken>"


def test_a_party_that_exits_before_it_waits_is_no_party(barrier):
    with pytest.raises(neap.WorkerKilled):
        neap.fork(die).wait()
    neap.fork(os.getpid).wait()
    processes = waiting(barrier, 2)
    assert barrier.wait(30) == 0
    for process in processes:
        process.wait()


# -- the action, and the handle's timeout --------------------------------------

def test_one_party_calls_its_action_before_the_others_go_on(heap):
    times, seen = heap.counter("times"), []

    def act():
        seen.append(barrier.n_waiting)
        fails_with(errno.EDEADLK, barrier.wait)
        with pytest.raises(neap.BadArgument, match="in use"):
            barrier.close()
        times.add(1)

    def party():
        barrier.wait(30)
        return times.get()

    barrier = heap.barrier("barrier", 3, action=act)
    for step in range(1, 4):
        processes = [neap.fork(party) for _ in range(2)]
        eventually(lambda: barrier.n_waiting == 2)
        assert barrier.wait() == 0
        assert [p.wait() for p in processes] == [step, step]
    assert (times.get(), seen) == (3, [3, 3, 3])
    barrier.close()
    times.close()


def test_what_an_action_raises_breaks_it_and_is_raised(heap):
    def act():
        raise LookupError("told by the action")

    barrier = heap.barrier("barrier", 2, action=act)
    processes = waiting(barrier, 1)
    with pytest.raises(LookupError, match="told by the action"):
        barrier.wait()
    assert all_broken(processes) and barrier.broken
    barrier.reset()
    barrier.close()


def test_ctrl_c_in_an_action_breaks_it(heap):
    barrier = heap.barrier("barrier", 2, action=lambda: time.sleep(30))
    processes = waiting(barrier, 1)
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        barrier.wait()
    assert all_broken(processes) and barrier.broken
    barrier.close()


@pytest.mark.parametrize("shrink", [False, True])
def test_who_dies_in_its_action_breaks_it_or_leaves_it_to_another(heap, shrink):
    times, here = heap.counter("times"), os.getpid()

    def act():
        times.add(1)
        if times.get() == 1:
            die()

    barrier = heap.barrier("barrier", 2, shrink=shrink, action=act)
    process = neap.fork(barrier.wait)
    eventually(lambda: barrier.n_waiting == 1)
    other = neap.fork(barrier.wait)  # the last to come is the one to die
    with pytest.raises(neap.WorkerKilled):
        other.wait()
    if shrink:
        assert process.wait() == 1
        assert (times.get(), barrier.parties, barrier.broken) == (2, 1, False)
    else:
        assert all_broken([process]) and times.get() == 1
    assert os.getpid() == here
    barrier.close()
    times.close()


def test_a_handle_has_a_timeout(heap):
    with contextlib.closing(heap.barrier("barrier", 2, timeout=0.02)) as barrier:
        with pytest.raises(neap.BrokenBarrier):
            barrier.wait()
        assert barrier.broken
        barrier.reset()
        processes = waiting(barrier, 1)
        assert barrier.wait(30) == 0
        assert processes[0].wait() == 1


@pytest.mark.parametrize("words, error, text", [
    (dict(action=3), TypeError, "action must be a function"),
    (dict(timeout=-1), ValueError, "timeout"),
    (dict(timeout="soon"), TypeError, "timeout"),
])
def test_bad_manners_are_refused(heap, words, error, text):
    with pytest.raises(error, match=text):
        heap.barrier("barrier", 2, **words)
