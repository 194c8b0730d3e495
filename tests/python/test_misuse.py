"""What every object says to who misuses it: its name, and what to do."""
import contextlib
import errno

import neap
import pytest
from conftest import eventually
from waiting import fails_with


# How to make it, the calls that wait (with a mutex held where one must be), what
# gives back what this thread does not have, and what is beyond a bound.
OBJECTS = {
    "mutex": dict(make=lambda h: h.mutex("thing"), held=True,
                  waits=[lambda m, **w: m.acquire(**w)],
                  strange=[lambda m: m.release()]),
    "recursive mutex": dict(make=lambda h: h.mutex("thing", recursive=True),
                            held=True, waits=[lambda m, **w: m.acquire(**w)],
                            strange=[lambda m: m.release()]),
    "semaphore": dict(make=lambda h: h.semaphore("thing", 0),
                      waits=[lambda s, **w: s.acquire(**w)]),
    "undo semaphore": dict(make=lambda h: h.semaphore("thing", 1, True),
                           held=True, waits=[lambda s, **w: s.acquire(**w)],
                           strange=[lambda s: s.release()]),
    "bounded semaphore": dict(make=lambda h: h.semaphore("thing", 0, bound=1),
                              waits=[lambda s, **w: s.acquire(**w)]),
    "event": dict(make=lambda h: h.event("thing"),
                  waits=[lambda e, **w: e.wait(**w)]),
    "latch": dict(make=lambda h: h.latch("thing", 1),
                  waits=[lambda latch, **w: latch.wait(**w)]),
    "condition": dict(make=lambda h: h.condition("thing"), mutex=True,
                      waits=[lambda c, **w: c.wait(**w),
                             lambda c, **w: c.wait_for(lambda: False, **w)],
                      strange=[lambda c: c.wait(), lambda c: c.notify(),
                               lambda c: c.release()]),
    "rwlock": dict(make=lambda h: h.rwlock("thing"), held=True,
                   take=lambda r: r.write(),
                   waits=[lambda r, **w: r.acquire_read(**w),
                          lambda r, **w: r.acquire_write(**w)],
                   strange=[lambda r: r.release()]),
    "barrier": dict(make=lambda h: h.barrier("thing", 2),
                    waits=[lambda b, **w: b.wait(**w)]),
    "counted barrier": dict(make=lambda h: h.barrier("thing", counted=True),
                            waits=[], strange=[lambda b: b.wait(),
                                               lambda b: b.leave()]),
    "once": dict(make=lambda h: h.once("thing"), waits=[]),
}


@pytest.fixture(params=OBJECTS, ids=lambda name: name.replace(" ", "-"))
def kind(request):
    return OBJECTS[request.param]


@pytest.fixture
def thing(kind, heap):
    thing = kind["make"](heap)
    yield thing
    thing.close()


def test_giving_back_what_one_does_not_have_names_it(kind, thing):
    for call in kind.get("strange", []):
        with pytest.raises((neap.NotOwner, RuntimeError, OSError)) as info:
            call(thing)
        assert "'thing" in str(info.value), call


def test_a_bad_timeout_is_refused(kind, thing):
    for call in kind["waits"]:
        for bad in (-2, -0.5, float("nan")):
            with pytest.raises(ValueError, match="timeout"):
                call(thing, timeout=bad)
        with pytest.raises(TypeError, match="timeout"):
            call(thing, timeout="soon")


def test_a_closed_one_says_so_with_its_name(kind, heap):
    thing = kind["make"](heap)
    thing.close()
    calls = kind["waits"] + kind.get("strange", [])
    calls += [lambda t: t.run(print)] if isinstance(thing, neap.Once) else []
    for call in calls:
        with pytest.raises(neap.Closed, match="thing"):
            call(thing)


def test_a_dropped_one_says_so_with_its_name(kind, heap, thing):
    heap.drop("thing")
    calls = list(kind["waits"])
    if kind.get("mutex"):
        calls = [lambda c: c.acquire()]
        heap.drop("thing.mutex") if "thing.mutex" in heap else None
    calls += [lambda t: t.run(print)] if isinstance(thing, neap.Once) else []
    for call in calls:
        error = fails_with(errno.EIDRM, call, thing)
        assert "'thing" in str(error)


def test_who_waits_for_one_that_is_dropped_is_woken(kind, heap, thing):
    here, go = heap.event("here"), heap.event("go")

    def hold():
        with kind.get("take", lambda t: t)(thing):
            here.set()
            go.wait()

    def wait(call):
        if kind.get("mutex"):
            with thing:
                here.set()
                call(thing)
        call(thing)

    holder = None
    if kind.get("held"):
        holder = neap.fork(hold)
        here.wait()
    waiters = [neap.fork(wait, call) for call in kind["waits"][:1]]
    eventually(lambda: all(
        any(u.role == "waits" and u.pid == w.pid for u in heap.locks().uses)
        for w in waiters))
    heap.drop("thing")
    for waiter in waiters:
        assert "'thing'" in str(fails_with(errno.EIDRM, waiter.wait))
    go.set()
    if holder:
        with contextlib.suppress(OSError):  # it gives back what is gone
            holder.wait()
    here.close()
    go.close()


@pytest.mark.parametrize("make, error, text", [
    (lambda h: h.barrier("thing", 0), ValueError, "parties"),
    (lambda h: h.barrier("thing", -1), ValueError, "parties"),
    (lambda h: h.latch("thing", 0), ValueError, "count"),
    (lambda h: h.semaphore("thing", -1), ValueError, "thing|permits"),
    (lambda h: h.semaphore("thing", 3, bound=2), ValueError, "thing"),
    (lambda h: h.semaphore("thing", 1, bound=0), ValueError, "bound"),
])
def test_what_cannot_be_is_not_made(heap, make, error, text):
    with pytest.raises(error, match=text):
        make(heap)
    assert "thing" not in heap


def test_beyond_a_bound_and_twice_are_refused(heap):
    with contextlib.closing(heap.semaphore("thing", 1, bound=1)) as semaphore:
        with pytest.raises(ValueError, match="'thing'"):
            semaphore.release()
        assert semaphore.value == 1
    with contextlib.closing(heap.latch("gate", 1)) as latch:
        latch.count_down()
        with pytest.raises(ValueError, match="'gate'"):
            latch.count_down()
    for take in (heap.mutex("lock"), heap.rwlock("shelf").write()):
        with take:
            fails_with(errno.EDEADLK, take.__enter__)


@pytest.mark.parametrize("open_it", [
    "mutex", "semaphore", "event", "latch", "condition", "rwlock", "barrier",
    "once"])
def test_how_long_a_wait_spins_is_an_option_of_each(heap, open_it):
    make = getattr(heap, open_it)
    count = {"latch": (1,), "barrier": (2,)}.get(open_it, ())
    for bad, error in ((-1, ValueError), (1000001, ValueError), (0.5, TypeError),
                       (True, TypeError), ("long", TypeError),
                       (None, TypeError)):
        with pytest.raises(error, match="spin must be"):
            make("thing", *count, spin=bad)
    assert "thing" not in heap
    for spin in ("auto", 0, 200):
        make("thing", *count, spin=spin).close()


@pytest.mark.parametrize("spin", ["auto", 0, 200])
def test_a_wait_that_spins_or_does_not_ends_in_time(heap, spin):
    with contextlib.closing(heap.event("go", spin=spin)) as event:
        assert event.wait(0.01) is False
        process = neap.fork(event.wait)
        event.set()
        assert process.wait() is True
    with contextlib.closing(heap.barrier("step", 2, spin=spin)) as barrier:
        process = neap.fork(lambda: [barrier.wait() for _ in range(100)])
        places = [barrier.wait() for _ in range(100)]
        assert [sum(both) for both in zip(places, process.wait())] == [1] * 100
