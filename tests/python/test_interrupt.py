"""A signal during each waiting call: Ctrl-C ends it at once and leaves the object
as it was; a handler that raises nothing leaves the wait as it is."""
import contextlib
import signal
import time

import neap
import pytest
from waiting import signal_soon


class Held:
    """Something that another process has taken and keeps."""

    def __init__(self, heap, take):
        self.here, self.go = heap.event("here"), heap.event("end")
        self.process = neap.fork(self.keep, take)
        self.here.wait()

    def keep(self, take):
        with take():
            self.here.set()
            self.go.wait()

    def end(self):
        self.go.set()
        self.process.wait()
        self.process = None  # its descriptors go with it
        self.here.close()
        self.go.close()


class Case:
    """An object that cannot be had, the call that waits for it, and what there
    is to see of it afterwards."""

    def __init__(self, heap, noun, arguments=(), held=None, call="acquire",
                 words=(), state=None, mutex=False):
        self.thing = getattr(heap, noun)("thing", *arguments)
        self.held = held and Held(heap, lambda: held(self.thing))
        self.call, self.words, self.mutex = call, words, mutex
        self.look = state
        if mutex:
            self.thing.acquire()

    def wait(self, timeout):
        call = getattr(self.thing, self.call)
        return call(*self.words, timeout=timeout)

    def state(self):
        return self.look(self.thing)

    def end(self):
        if self.mutex:
            self.thing.release()
        if self.held:
            self.held.end()
        self.thing.close()


def permits(semaphore):
    return semaphore.value


CASES = {
    "mutex": dict(noun="mutex", held=lambda m: m, state=lambda m: m.mine),
    "recursive mutex": dict(noun="mutex", arguments=(True,), held=lambda m: m,
                            state=lambda m: m.mine),
    "semaphore": dict(noun="semaphore", arguments=(0,), state=permits),
    "several permits": dict(noun="semaphore", arguments=(1,), state=permits,
                            call="acquire_many", words=(2,)),
    "undo semaphore": dict(noun="semaphore", arguments=(1, True),
                           held=lambda s: s, state=permits),
    "several undo permits": dict(noun="semaphore", arguments=(2, True),
                                 held=lambda s: s, state=permits,
                                 call="acquire_many", words=(2,)),
    "event": dict(noun="event", call="wait", state=lambda e: e.is_set()),
    "latch": dict(noun="latch", arguments=(2,), call="wait",
                  state=lambda latch: latch.left),
    "condition": dict(noun="condition", call="wait", mutex=True,
                      state=lambda c: c.mutex.mine),
    "condition for a predicate": dict(
        noun="condition", call="wait_for", words=(lambda: False,), mutex=True,
        state=lambda c: c.mutex.mine),
    "mutex of a condition": dict(noun="condition", held=lambda c: c,
                                 state=lambda c: c.mutex.mine),
    "reading": dict(noun="rwlock", held=lambda lock: lock.write(),
                    call="acquire_read", state=lambda lock: lock.mine),
    "writing": dict(noun="rwlock", held=lambda lock: lock.read(),
                    call="acquire_write", state=lambda lock: lock.mine),
}


@pytest.fixture(params=CASES, ids=lambda name: name.replace(" ", "-"))
def case(request, heap):
    case = Case(heap, **CASES[request.param])
    yield case
    case.end()


def test_ctrl_c_ends_each_wait_and_changes_nothing(heap, case):
    before = case.state()
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        case.wait(None)
    assert case.state() == before
    assert not case.wait(0)
    assert case.state() == before
    assert heap.check().problems == 0


def test_an_exception_of_a_handler_ends_each_wait(case):
    def handler(number, frame):
        raise LookupError("told by the handler")

    before = case.state()
    with signal_soon(signal.SIGUSR1, handler):
        with pytest.raises(LookupError, match="told by the handler"):
            case.wait(None)
    assert case.state() == before


def test_a_handler_that_raises_nothing_lets_each_wait_go_on(case):
    seen = []
    before, start = case.state(), time.monotonic()
    with signal_soon(signal.SIGUSR1, lambda *_: seen.append(1)):
        assert not case.wait(0.3)
    assert time.monotonic() - start >= 0.3
    assert seen == [1]
    assert case.state() == before


# -- those whose calls or states are of another make ---------------------------

def test_ctrl_c_breaks_a_barrier_and_a_quiet_handler_does_not(heap):
    seen = []
    with contextlib.closing(heap.barrier("step", 2)) as barrier:
        with signal_soon(signal.SIGUSR1, lambda *_: (
                seen.append(barrier.n_waiting), barrier.abort())):
            with pytest.raises(neap.BrokenBarrier):
                barrier.wait()
        assert seen == [1]
        barrier.reset()
        with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
            barrier.wait()
        assert barrier.broken and barrier.n_waiting == 0


def test_ctrl_c_ends_a_wait_for_once(heap):
    once, here, go = heap.once("once"), heap.event("here"), heap.event("go")

    def run():
        once.run(lambda: (here.set(), go.wait()))

    process = neap.fork(run)
    here.wait()
    with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
        once.run(print)
    assert not once.done
    go.set()
    process.wait()
    assert once.done
    for thing in (once, here, go):
        thing.close()


@pytest.mark.parametrize("wait", [
    lambda process: process.wait(),
    lambda process: process.wait(30),
])
def test_ctrl_c_ends_a_wait_for_a_process(heap, wait):
    with contextlib.closing(heap.event("go")) as go:
        process = neap.fork(go.wait)
        with signal_soon(signal.SIGINT), pytest.raises(KeyboardInterrupt):
            wait(process)
        assert process.alive
        go.set()
        assert process.wait() is True
