import errno
import os
import signal
import threading

import neap
import pytest
from conftest import eventually
from waiting import die, fails_with, kill, signal_soon, soon


@pytest.fixture
def once(heap):
    once = heap.once("once")
    yield once
    once.close()


def test_the_first_runs_it_and_the_others_do_not(once):
    calls = []
    assert once.done is False
    assert once.run(calls.append, 1) is True
    assert once.done is True
    assert once.run(calls.append, 2) is False
    assert calls == [1]


def test_arguments_are_passed_on(once):
    got = []
    once.run(lambda *a, **w: got.append((a, w)), 1, "two", three=3)
    assert got == [((1, "two"), {"three": 3})]


def test_it_runs_exactly_once_among_processes(heap):
    seen = heap.counter("seen")

    def work(worker):
        ran = 0
        for i in range(50):
            ran += heap.once(f"once{i}").run(seen.add)
        return ran

    assert sum(neap.run(4, work)) == 50
    assert seen.get() == 50


def test_the_others_wait_until_it_is_done(heap, once):
    done = heap.counter("done")

    def work(worker):
        once.run(lambda: (worker.range(1), done.add()))
        return done.get()

    assert neap.run(4, work) == [1] * 4


def test_threads_wait_too_without_the_gil(once):
    inside, go, ran = threading.Event(), threading.Event(), []

    def slow():
        inside.set()
        assert go.wait(20)

    first = threading.Thread(target=lambda: ran.append(once.run(slow)))
    first.start()
    assert inside.wait(20)
    second = threading.Thread(target=lambda: ran.append(once.run(slow)))
    second.start()
    go.set()
    first.join()
    second.join()
    assert sorted(ran) == [False, True]


def test_what_the_function_raises_is_raised_and_it_is_not_done(once):
    def fails():
        raise KeyError("half-way")

    for _ in range(2):
        with pytest.raises(KeyError, match="half-way"):
            once.run(fails)
        assert once.done is False
    assert once.run(int) is True


def test_it_is_done_again_when_its_runner_was_killed(once):
    with pytest.raises(neap.WorkerKilled):
        neap.fork(once.run, die).wait()
    assert once.done is False
    calls = []
    assert once.run(calls.append, 1) is True
    assert calls == [1] and once.done


def test_who_waits_does_it_when_the_runner_is_killed(heap, once):
    inside = heap.event("inside")
    process = neap.fork(once.run, lambda: (inside.set(), signal.pause()))
    assert inside.wait(20)
    with soon(kill, process):
        assert once.run(int) is True


def test_a_child_of_the_runner_is_not_the_runner(once):
    def forks():
        with pytest.raises(neap.BadArgument, match="in use"):
            once.close()
        process = neap.fork(once.run, int)
        kill(process)

    assert once.run(forks) is True


def test_a_function_that_comes_here_again_is_an_error(once):
    error = fails_with(errno.EDEADLK, once.run, once.run, int)
    assert "already" in str(error)
    assert once.done is False
    assert once.run(int) is True


def test_ctrl_c_ends_a_wait(heap, once):
    inside, go = heap.event("inside"), heap.event("go")
    process = neap.fork(once.run, lambda: (inside.set(), go.wait(30)))
    assert inside.wait(20)
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        once.run(int)
    with signal_soon(signal.SIGUSR1, lambda *a: go.set()):
        assert once.run(int) is False
    assert process.wait() is True


def test_ctrl_c_in_the_function_leaves_it_not_done(once):
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        once.run(signal.pause)
    assert once.done is False


def test_what_is_no_function_is_a_type_error(once):
    for arguments in ((), (5,), (None, int)):
        with pytest.raises(TypeError, match="function"):
            once.run(*arguments)
    with pytest.raises(TypeError):
        once.run(int, nothing=1)
    assert once.done is False


def test_a_dropped_once_says_so(heap, once):
    heap.drop("once")
    fails_with(errno.EIDRM, once.run, int)
    fails_with(errno.EIDRM, lambda: once.done)
    assert repr(once) == "<neap.Once 'once', dropped>"


def test_who_waits_for_one_that_is_dropped_gets_an_error(heap, once):
    inside, go = heap.event("inside"), heap.event("go")
    process = neap.fork(once.run, lambda: (inside.set(), go.wait(30)))
    assert inside.wait(20)
    with soon(heap.drop, "once"):
        fails_with(errno.EIDRM, once.run, int)
    go.set()
    process.wait()


def test_a_closed_once_is_a_value_error(once):
    once.close()
    for call in (lambda: once.run(int), lambda: once.done, lambda: once.name):
        with pytest.raises(neap.Closed):
            call()
    assert repr(once) == "<neap.Once, closed>"


def test_the_list_tells_who_does_it_and_whether_it_is_done(heap, once):
    holders = []
    once.run(lambda: holders.append(heap.find("once")))
    assert (holders[0].holder, holders[0].value) == (os.getpid(), False)
    assert (heap.find("once").holder, heap.find("once").value) == (0, True)
    assert heap.find("once").kind == "once"
    assert isinstance(heap.object("once"), neap.Once)
    assert repr(once) == "<neap.Once 'once', done>"
    eventually(lambda: heap.object("once").done)
