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
def condition(heap):
    condition = heap.condition("condition")
    yield condition
    condition.close()


def notify(condition, n=1):
    with condition:
        condition.notify(n)


def waiters(heap, condition, count):
    """Processes that wait: each says so with the mutex held."""
    here = heap.counter("here")
    here.set(0)

    def wait():
        with condition:
            here.add()
            return condition.wait(30)

    processes = [neap.fork(wait) for _ in range(count)]
    eventually(lambda: here.get() == count)
    return processes


def test_a_condition_comes_with_a_mutex_of_its_own(heap, condition):
    assert condition.mutex.name == "condition.mutex"
    assert isinstance(heap.object("condition.mutex"), neap.Mutex)
    with condition as it:
        assert it is condition
        assert condition.mutex.mine
        assert heap.mutex("condition.mutex").mine
    assert not condition.mutex.locked()


def test_a_mutex_can_be_given(heap):
    lock = heap.mutex("lock")
    condition = heap.condition("condition", lock)
    assert condition.mutex is lock
    assert "condition.mutex" not in heap
    with lock:
        condition.notify_all()
        assert condition.wait(timeout=0) is False
        assert lock.mine


def test_two_conditions_can_share_a_mutex(heap):
    lock = heap.mutex("lock")
    items = heap.array("items", 2, "i8")
    full = heap.condition("full", mutex=lock)
    empty = heap.condition("empty", mutex=lock)

    def put():
        for i in range(200):
            with empty:
                empty.wait_for(lambda: items[0] == 0)
                items[0] = i + 1
                full.notify()

    process = neap.fork(put)
    for _ in range(200):
        with full:
            full.wait_for(lambda: items[0])
            items[1] += items[0]
            items[0] = 0
            empty.notify()
    process.wait()
    assert items[1] == 200 * 201 / 2


def test_acquire_and_release_are_those_of_the_mutex(condition):
    assert condition.acquire() is True
    assert condition.acquire(False) is True  # recursive, as in threading
    condition.release()
    assert condition.release() is None
    assert condition.acquire(blocking=True, timeout=1) is True
    condition.release()
    with pytest.raises(PermissionError):
        condition.release()


def test_the_mutex_is_free_during_a_wait_and_held_after_it(condition):
    with condition, soon(notify, condition):
        assert condition.wait(30) is True
        assert condition.mutex.mine


def test_a_wait_that_is_not_notified_returns_false(condition):
    with condition:
        begun = time.monotonic()
        assert condition.wait(0.2) is False
        assert time.monotonic() - begun >= 0.2
        assert condition.wait(timeout=0) is False
        assert condition.mutex.mine


def test_notify_all_wakes_all_processes(heap, condition):
    processes = waiters(heap, condition, 4)
    with condition:
        condition.notify_all()
    assert [p.wait() for p in processes] == [True] * 4


def test_no_more_are_notified_than_notify_says(heap, condition):
    waits, notified = heap.counter("waits"), heap.counter("notified")

    def wait():
        with condition:
            waits.add()
            assert condition.wait(30)
        notified.add()

    processes = [neap.fork(wait) for _ in range(4)]
    eventually(lambda: waits.get() == 4)
    notify(condition)
    notify(condition, 2)
    eventually(lambda: notified.get() >= 3)
    time.sleep(0.3)
    assert notified.get() == 3
    notify(condition)
    for process in processes:
        process.wait()


def test_a_mutex_other_than_that_of_those_who_wait_is_refused(heap, condition):
    processes = waiters(heap, condition, 1)
    other = heap.condition("condition", heap.mutex("other"))
    with other:
        with pytest.raises(neap.BadArgument) as info:
            other.wait(0)
        assert "'other'" in str(info.value)
        assert "'condition.mutex'" in str(info.value)
        assert other.mutex.mine
    notify(condition)
    assert processes[0].wait() is True
    with other:
        assert other.wait(0) is False
    other.close()


def test_enough_notifications_of_one_wake_all(heap, condition):
    processes = waiters(heap, condition, 3)
    for _ in processes:
        notify(condition)
    assert [p.wait() for p in processes] == [True] * 3


def test_notify_of_several_wakes_several(heap, condition):
    processes = waiters(heap, condition, 3)
    notify(condition, 3)
    assert [p.wait() for p in processes] == [True] * 3


def test_wait_for_returns_the_last_value(heap, condition):
    seen = heap.counter("seen")

    def change():
        for _ in range(3):
            with condition:
                seen.add()
                condition.notify_all()

    with condition:
        assert condition.wait_for(lambda: "here at once") == "here at once"
        assert condition.wait_for(lambda: 0, timeout=0.05) == 0
        assert condition.wait_for(lambda: [], 0) == []
        process = neap.fork(change)
        assert condition.wait_for(lambda: seen.get() > 2 and "three",
                                  timeout=30) == "three"
        assert condition.mutex.mine
    process.wait()


def test_what_a_predicate_raises_is_raised(condition):
    def fails():
        raise KeyError("predicate")

    with condition:
        with pytest.raises(KeyError, match="predicate"):
            condition.wait_for(fails)
        assert condition.mutex.mine
        with pytest.raises(TypeError):
            condition.wait_for(5)


def test_without_the_mutex_it_is_a_runtime_error_as_in_threading(condition):
    for it in (condition, threading.Condition()):
        for call in (it.wait, it.notify, it.notify_all,
                     lambda: it.wait_for(lambda: False)):
            with pytest.raises(RuntimeError):
                call()
    with pytest.raises(RuntimeError, match="'condition.mutex' before"):
        condition.notify()
    with condition:
        for call in (condition.wait, condition.notify):
            with pytest.raises(RuntimeError):
                neap.fork(call).wait()


def test_a_waiter_that_is_killed_does_not_keep_a_notification(heap, condition):
    here, tokens = heap.counter("here"), heap.counter("tokens")

    def take():
        with condition:
            here.add()
            took = condition.wait_for(tokens.get, 30)
            tokens.add(-1)
            return took

    for _ in range(5):
        here.set(0)
        processes = [neap.fork(take) for _ in range(3)]
        eventually(lambda: here.get() == 3)
        with condition:
            tokens.add(2)
            condition.notify(2)
            kill(processes[0])  # it may have had one of them
        assert all(p.wait() for p in processes[1:])
        assert tokens.get() == 0


def test_a_dead_owner_of_the_mutex_is_told(heap, condition):
    def end():
        with condition:
            condition.notify()
            die()

    with condition:
        process = neap.fork(end)
        assert condition.wait(30) is True
        assert condition.mutex.abandoned
    with pytest.raises(neap.WorkerKilled):
        process.wait()
    with condition:
        assert condition.mutex.abandoned
        condition.mutex.repaired()
    with condition:
        assert not condition.mutex.abandoned


def test_ctrl_c_ends_a_wait_with_the_mutex_held(condition):
    with condition:
        with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
            condition.wait()
        assert condition.mutex.mine
    assert not condition.mutex.locked()


def test_a_signal_handler_runs_with_the_mutex_and_the_wait_goes_on(condition):
    held = []

    def handler(*arguments):
        held.append(condition.mutex.mine)

    with condition, signal_soon(signal.SIGUSR1, handler):
        begun = time.monotonic()
        assert condition.wait(0.3) is False
        assert time.monotonic() - begun >= 0.3
    assert held == [True]


def asleep_on(process):
    """The address of the futex on which its only thread sleeps, or None."""
    with open(f"/proc/{process.pid}/syscall") as file:
        words = file.read().split()
    return words[1] if len(words) > 2 else None


def test_a_notification_after_a_signal_and_before_the_lock_is_not_lost(
        heap, condition):
    old = signal.signal(signal.SIGUSR1, lambda *a: None)
    try:
        process, = waiters(heap, condition, 1)
    finally:
        signal.signal(signal.SIGUSR1, old)
    with condition:
        seen = []
        eventually(lambda: seen.append(asleep_on(process)) or seen[-1])
        process.kill(signal.SIGUSR1)
        eventually(lambda: asleep_on(process) not in (None, seen[-1]))
        condition.notify()  # it waits for the mutex now
    assert process.wait() is True


def test_among_signals_nobody_sleeps_for_ever(heap, condition):
    turn = heap.counter("turn")
    parent = os.getpid()

    def answer():
        for i in range(1, 400, 2):
            with condition:
                if not condition.wait_for(lambda: turn.get() == i, 30):
                    return turn.get()
                os.kill(parent, signal.SIGUSR1)
                turn.add()
                condition.notify()

    calls = []
    old = signal.signal(signal.SIGUSR1, lambda *a: calls.append(a))
    try:
        process = neap.fork(answer)
        for i in range(0, 400, 2):
            with condition:
                assert condition.wait_for(lambda: turn.get() == i, 30)
                turn.add()
                condition.notify()
        assert process.wait() is None
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert calls


@pytest.mark.parametrize("timeout, error", [
    ("1", TypeError), (-1, ValueError), (-0.5, ValueError),
    (float("nan"), ValueError),
])
def test_a_bad_timeout_is_refused(condition, timeout, error):
    with condition:
        with pytest.raises(error, match="timeout"):
            condition.wait(timeout)
        with pytest.raises(error, match="timeout"):
            condition.wait_for(lambda: True, timeout)
        assert condition.mutex.mine


@pytest.mark.parametrize("n, error", [
    (0, ValueError), (-1, ValueError), ("2", TypeError),
])
def test_a_bad_number_to_notify_is_refused(condition, n, error):
    with condition, pytest.raises(error):
        condition.notify(n)


def test_a_mutex_of_another_heap_is_refused(heap, name):
    with neap.heap() as other, neap.open(name) as again:
        for where in (other, again):
            with pytest.raises(neap.BadArgument, match="same Heap"):
                heap.condition("condition", where.mutex("lock"))
    for thing in (5, "lock", heap, heap.counter("c"), heap.event("e")):
        with pytest.raises(TypeError, match="mutex must be"):
            heap.condition("condition", thing)
    closed = heap.mutex("lock")
    closed.close()
    with pytest.raises(neap.Closed):
        heap.condition("condition", closed)


def test_a_bad_name_makes_nothing(heap):
    for bad, error in ((5, TypeError), ("", ValueError), ("a" * 201, ValueError),
                       (None, TypeError)):
        with pytest.raises(error):
            heap.condition(bad)
    heap.counter("counter")
    with pytest.raises(neap.TypeMismatch):
        heap.condition("counter")
    assert list(heap) == ["counter"]


def test_who_waits_on_one_that_is_dropped_gets_an_error(heap, condition):
    with condition:
        with soon(heap.drop, "condition"):
            fails_with(errno.EIDRM, condition.wait, 30)
        assert condition.mutex.mine
        fails_with(errno.EIDRM, condition.notify)


def test_one_whose_mutex_is_dropped_says_so(heap, condition):
    with soon(heap.drop, "condition.mutex"):
        condition.acquire()
        fails_with(errno.EIDRM, condition.wait, 0.5)


def test_a_closed_condition_is_a_value_error(heap, condition):
    lock = condition.mutex
    condition.close()
    for call in (condition.acquire, condition.release, condition.wait,
                 condition.notify, condition.notify_all, condition.__enter__,
                 lambda: condition.mutex, lambda: condition.name):
        with pytest.raises(neap.Closed):
            call()
    assert repr(condition) == "<neap.Condition, closed>"
    other = heap.condition("condition", lock)
    lock.close()
    for call in (other.acquire, other.release, other.wait, other.notify):
        with pytest.raises(neap.Closed, match="mutex"):
            call()


def test_neither_it_nor_its_mutex_is_closed_while_a_thread_waits(condition):
    inside = threading.Event()

    def wait():
        with condition:
            inside.set()
            condition.wait(30)

    thread = threading.Thread(target=wait)
    thread.start()
    assert inside.wait(20)
    with condition:
        for handle in (condition, condition.mutex):
            with pytest.raises(neap.BadArgument, match="in use"):
                handle.close()
        condition.notify()
    thread.join()


def test_repr_names_both(condition):
    assert repr(condition) == (
        "<neap.Condition 'condition' with "
        "<neap.Mutex 'condition.mutex', free>>")


def test_the_list_and_object_know_conditions(heap, condition):
    assert heap.find("condition").kind == "condition"
    other = heap.object("condition")
    assert isinstance(other, neap.Condition)
    assert other.mutex.name == "condition.mutex"
