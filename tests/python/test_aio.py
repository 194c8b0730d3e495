"""Coroutine forms of the objects."""
import asyncio
import errno
import time

import neap
import neap.aio
import pytest
from waiting import die, fails_with


async def soon(condition):
    """Let others run until it holds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        await asyncio.sleep(0)


async def cancelled_soon(coroutine):
    """Let it wait for a moment, then cancel it."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
def opened(heap):
    """Open an object that is closed at the end: opened("event", "name")."""
    handles = []

    def make(noun, *arguments, **words):
        handles.append(getattr(heap, noun)(*arguments, **words))
        return handles[-1]

    yield make
    for handle in handles:
        handle.close()


def test_an_event_of_another_process_ends_a_wait(opened):
    event, asked = opened("event", "event"), opened("event", "asked")

    def work():
        asked.wait()
        event.set()

    async def main():
        form = neap.aio.Event(event)
        waits = [asyncio.ensure_future(form.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not form.is_set()
        asked.set()
        assert await asyncio.gather(*waits) == [True] * 3

    process = neap.fork(work)
    asyncio.run(main())
    process.wait()


def test_a_latch_opens(opened):
    latch = opened("latch", "latch", 2)

    async def main():
        form = neap.aio.Latch(latch)
        wait = asyncio.ensure_future(form.wait())
        form.count_down()
        await asyncio.sleep(0.01)
        assert not wait.done() and form.left == 1
        form.count_down()
        assert await wait is True

    asyncio.run(main())


def test_permits_go_to_tasks_and_processes(opened):
    semaphore = opened("semaphore", "semaphore", 2)
    most, inside = opened("counter", "most"), opened("counter", "inside")

    async def use(form):
        for _ in range(20):
            async with form:
                most.max(inside.add(1))
                await asyncio.sleep(0)
                inside.add(-1)

    async def main():
        form = neap.aio.Semaphore(semaphore)
        await asyncio.gather(*[use(form) for _ in range(4)])

    neap.run(2, lambda worker: asyncio.run(main()))
    assert semaphore.value == 2
    assert 1 <= most.get() <= 2


def test_a_mutex_excludes_tasks_and_processes(opened):
    mutex, counter = opened("mutex", "mutex"), opened("counter", "counter")

    async def add(form):
        for _ in range(10):
            async with form:
                value = counter.get()
                await asyncio.sleep(0.0002)
                counter.set(value + 1)

    async def main():
        form = neap.aio.Mutex(mutex)
        await asyncio.gather(*[add(form) for _ in range(3)])

    neap.run(2, lambda worker: asyncio.run(main()))
    assert counter.get() == 60


def test_a_mutex_whose_owner_died_is_abandoned(opened):
    mutex = opened("mutex", "mutex")
    process = neap.fork(lambda: mutex.acquire() and die())
    with pytest.raises(neap.WorkerKilled):
        process.wait()

    async def main():
        async with neap.aio.Mutex(mutex) as form:
            assert form.abandoned

    asyncio.run(main())


def test_a_cancelled_wait_has_taken_nothing(opened):
    event = opened("event", "event")
    semaphore, mutex = opened("semaphore", "slots", 0), opened("mutex", "mutex")

    async def main():
        await cancelled_soon(neap.aio.Event(event).wait())
        await cancelled_soon(neap.aio.Semaphore(semaphore).acquire())
        semaphore.release()
        assert semaphore.value == 1
        async with neap.aio.Mutex(mutex):
            await cancelled_soon(neap.aio.Mutex(mutex).acquire())
        assert not mutex.locked()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(neap.aio.Event(event).wait(), 0.02)

    asyncio.run(main())


def test_the_first_of_several_comes(opened):
    event, semaphore = opened("event", "event"), opened("semaphore", "slots", 0)

    async def main():
        things = [neap.aio.Event(event), semaphore]
        wait = asyncio.ensure_future(neap.aio.wait_any(things))
        await asyncio.sleep(0.02)
        assert not wait.done()
        semaphore.release()
        assert await wait is semaphore
        assert semaphore.value == 0
        await cancelled_soon(neap.aio.wait_any(things))
        event.set()
        assert await neap.aio.wait_any(things) is event

    asyncio.run(main())


def test_a_condition_waits_for_a_predicate(heap, opened):
    mutex, value = opened("mutex", "mutex"), opened("counter", "value")
    condition = opened("condition", "changed", mutex)

    def work():
        for _ in range(3):
            with condition:
                value.add(1)
                condition.notify_all()

    async def main():
        form = neap.aio.Condition(condition)
        async with form:
            process = neap.fork(work)
            assert await form.wait_for(lambda: value.get() == 3) is True
            assert form.mutex.mine
        process.wait()

    asyncio.run(main())
    assert not mutex.locked()


def test_no_notification_is_missed_between_unlocking_and_sleeping(heap, opened):
    mutex, turns = opened("mutex", "mutex"), opened("counter", "turns")
    condition = opened("condition", "changed", mutex)

    def work():  # whenever it gets the mutex, the task waits
        for _ in range(100):
            with condition:
                turns.add(1)
                condition.notify()

    async def main():
        form = neap.aio.Condition(condition)
        seen = 0
        async with form:
            process = neap.fork(work)
            while turns.get() < 100:
                assert await form.wait() is True
                seen += 1
                assert form.mutex.mine
        process.wait()
        return seen

    assert 1 <= asyncio.run(main()) <= 100
    assert not mutex.locked()


def test_a_notification_ends_one_wait_of_two_tasks(opened):
    mutex = opened("mutex", "mutex")
    condition = opened("condition", "changed", mutex)
    ended = []

    async def wait(form, name, both):
        async with form:
            both.append(name)
            await form.wait()
            ended.append(name)

    async def main():
        form, both = neap.aio.Condition(condition), []
        tasks = [asyncio.ensure_future(wait(form, n, both)) for n in "ab"]
        await soon(lambda: len(both) == 2)
        for count in (1, 2):
            async with form:
                form.notify()
            await soon(lambda: len(ended) == count)
            for _ in range(20):  # who is woken gets its mutex in between
                async with form:
                    await asyncio.sleep(0)
            assert len(ended) == count
        await asyncio.gather(*tasks)

    asyncio.run(main())


def test_a_cancelled_wait_hands_on_what_it_was_notified_of(opened):
    mutex, waiting = opened("mutex", "mutex"), opened("counter", "waiting")
    condition = opened("condition", "changed", mutex)

    def work():
        with condition:
            waiting.add(1)
            return condition.wait(30)

    async def main():
        form = neap.aio.Condition(condition)
        other = neap.fork(work)
        await soon(lambda: waiting.get() == 1)

        async def wait():
            async with form:
                waiting.add(1)
                await form.wait()

        task = asyncio.ensure_future(wait())
        await soon(lambda: waiting.get() == 2)
        async with form:  # one of both is notified, and none has the mutex
            form.notify()
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert other.wait() is True

    asyncio.run(main())
    assert not mutex.locked()


def test_a_wait_for_a_dropped_condition_says_so_and_has_the_mutex(heap, opened):
    mutex = opened("mutex", "mutex")
    condition = opened("condition", "changed", mutex)

    async def main():
        form = neap.aio.Condition(condition)
        async with form:
            asyncio.get_running_loop().call_soon(heap.drop, "changed")
            with pytest.raises(OSError) as info:
                await form.wait()
            assert info.value.errno == errno.EIDRM
            assert mutex.mine

    asyncio.run(main())
    assert not mutex.locked()


def test_a_cancelled_wait_for_a_condition_has_its_mutex_again(opened):
    mutex = opened("mutex", "mutex")
    condition = opened("condition", "changed", mutex)

    async def main():
        form = neap.aio.Condition(condition)
        async with form:
            await cancelled_soon(form.wait_for(lambda: False))
            assert mutex.mine
        with pytest.raises(RuntimeError, match="does not have"):
            await form.wait_for(lambda: True)

    asyncio.run(main())
    assert not mutex.locked()


def test_a_barrier_lets_all_parties_go_on(opened):
    barrier = opened("barrier", "step", 3)

    async def main():
        form = neap.aio.Barrier(barrier)
        return sorted(await asyncio.gather(form.wait(), form.wait()))

    process = neap.fork(barrier.wait)
    numbers = asyncio.run(main())
    assert sorted(numbers + [process.wait()]) == [0, 1, 2]


def test_a_cancelled_party_breaks_its_barrier(opened):
    barrier = opened("barrier", "step", 2)

    async def main():
        await cancelled_soon(neap.aio.Barrier(barrier).wait())
        with pytest.raises(neap.BrokenBarrier):
            await neap.aio.Barrier(barrier).wait()

    asyncio.run(main())
    assert barrier.broken


def test_many_tasks_read_and_one_writes(opened):
    lock, inside = opened("rwlock", "lock"), []

    async def read(form, both):
        async with form.read():
            inside.append("r")
            await both.wait() if inside.count("r") < 2 else both.set()

    async def write(form):
        async with form.write() as same:
            assert same is form
            value = len(inside)
            await asyncio.sleep(0.01)
            inside.append("w")
            assert len(inside) == value + 1

    async def main():
        form, both = neap.aio.RWLock(lock), asyncio.Event()
        await asyncio.gather(read(form, both), read(form, both))
        await asyncio.gather(write(form), write(form))

    asyncio.run(main())
    assert inside == ["r", "r", "w", "w"]
    assert lock.acquire_write(blocking=False)
    lock.release()


def test_a_cancelled_wait_for_a_rwlock_has_nothing(opened):
    lock = opened("rwlock", "lock")

    async def main():
        form = neap.aio.RWLock(lock)
        async with form.write():
            await cancelled_soon(form.read().__aenter__())
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(form.write().__aenter__(), 0.02)
        async with form.read():
            await cancelled_soon(form.write().__aenter__())
            async with form.read():
                pass

    asyncio.run(main())
    assert lock.acquire_write(blocking=False)
    lock.release()


def test_a_writer_that_died_leaves_an_abandoned_rwlock(opened):
    lock, here = opened("rwlock", "lock"), opened("event", "here")

    def work():
        with lock.write():
            here.set()
            while True:
                time.sleep(1)

    async def main():
        form = neap.aio.RWLock(lock)
        wait = asyncio.ensure_future(form.write().__aenter__())
        await asyncio.sleep(0.05)
        assert not wait.done()
        process.kill(9)
        await wait
        assert form.abandoned

    process = neap.fork(work)
    here.wait()
    asyncio.run(main())
    with pytest.raises(neap.WorkerKilled):
        process.wait()


def test_once_is_done_by_one_task(opened):
    once, times = opened("once", "once"), []

    async def work(word):
        await asyncio.sleep(0.01)
        times.append(word)

    async def main():
        form = neap.aio.Once(once)
        done = await asyncio.gather(*[form.run(work, "did") for _ in range(4)])
        assert sorted(done) == [False] * 3 + [True]
        assert await form.run(times.append, "again") is False

    asyncio.run(main())
    assert times == ["did"] and once.done


def test_once_is_not_done_by_who_is_cancelled_or_raises(opened):
    once = opened("once", "once")

    async def fail():
        raise LookupError("told by the function")

    async def main():
        form = neap.aio.Once(once)
        await cancelled_soon(form.run(asyncio.sleep, 30))
        assert not form.done
        with pytest.raises(LookupError, match="told by the function"):
            await form.run(fail)
        first = asyncio.ensure_future(form.run(asyncio.sleep, 30))
        await asyncio.sleep(0.02)
        await cancelled_soon(form.run(print))
        first.cancel()
        assert await form.run(lambda: None) is True

    asyncio.run(main())
    assert once.done


def test_once_is_done_again_when_the_other_process_died(opened):
    once, here = opened("once", "once"), opened("event", "here")

    def work():
        once.run(lambda: (here.set(), time.sleep(60)))

    async def main():
        form, times = neap.aio.Once(once), []
        run = asyncio.ensure_future(form.run(times.append, 1))
        await asyncio.sleep(0.05)
        assert not run.done()
        process.kill(9)
        assert await run is True and times == [1]

    process = neap.fork(work)
    here.wait()
    asyncio.run(main())
    with pytest.raises(neap.WorkerKilled):
        process.wait()


def test_a_dropped_rwlock_and_once_end_their_waits(heap, opened):
    lock, once = opened("rwlock", "lock"), opened("once", "once")

    async def main():
        heap.drop("lock")
        heap.drop("once")
        for wait in (neap.aio.RWLock(lock).write().__aenter__(),
                     neap.aio.Once(once).run(print)):
            with pytest.raises(OSError) as info:
                await wait
            assert info.value.errno == errno.EIDRM

    asyncio.run(main())


def test_a_dropped_object_ends_a_wait(heap, opened):
    event = opened("event", "event")

    async def main():
        wait = asyncio.ensure_future(neap.aio.Event(event).wait())
        await asyncio.sleep(0.02)
        heap.drop("event")
        with pytest.raises(OSError) as info:
            await wait
        assert info.value.errno == errno.EIDRM

    asyncio.run(main())


def test_what_is_no_object_of_the_kind_is_refused(opened):
    event = opened("event", "event")
    with pytest.raises(TypeError, match="a neap.Mutex expected, not Event"):
        neap.aio.Mutex(event)
    with pytest.raises(ValueError, match="recursive"):
        neap.aio.Mutex(opened("mutex", "deep", recursive=True))
    with pytest.raises(ValueError, match="recursive"):
        neap.aio.Condition(opened("condition", "own"))
    form = neap.aio.Event(event)
    assert repr(form).startswith("<neap.aio.Event of <neap.Event 'event'")
    with pytest.raises(AttributeError):
        form.nothing
