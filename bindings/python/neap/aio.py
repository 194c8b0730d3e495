"""neap's waiting calls as coroutines: the objects with asyncio's manners.

    import asyncio, neap, neap.aio

    async def main(heap):
        async with neap.aio.Mutex(heap.mutex("lock")):
            ...
        await neap.aio.Event(heap.event("go")).wait()

Each takes an object of a heap and has all that it has; the calls that wait are
coroutines. There are no timeouts: asyncio.wait_for() and asyncio.timeout() do
that, for a wait that is cancelled has taken nothing. A mutex belongs to the
thread of the event loop: tasks of one loop exclude each other, too. A read-write
lock, and a once while its function runs, belong to a thread of their own for each
task that has it.
"""
import asyncio
import contextlib
import inspect
import threading

import neap

__all__ = ["Barrier", "Condition", "Event", "Latch", "Mutex", "Once", "RWLock",
           "Semaphore", "wait_any"]

# How often a thread that waits for the sake of a task looks whether it still
# should.
_LOOK = 0.05


async def _readable(descriptor):
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def tell():
        loop.remove_reader(descriptor)
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, tell)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


async def _until(attempt, handle):
    """Attempt until it gives something, whenever the handle can be had."""
    result = attempt()
    if result:
        return result
    with neap.watch(handle) as watch:
        while True:
            readable = watch.rearm()
            result = attempt()
            if result:
                return result
            if readable:  # somebody was faster
                await asyncio.sleep(0)
            else:
                await _readable(watch.fileno())


async def wait_any(objects):
    """neap.wait_any() as a coroutine: the object that came, and was taken."""
    objects = [getattr(thing, "handle", thing) for thing in objects]
    result = neap.wait_any(objects, 0)
    while result is None:
        await _until_one_is_ready(objects)
        result = neap.wait_any(objects, 0)
    return result


async def _until_one_is_ready(objects):
    waits = [asyncio.ensure_future(_until_ready(one)) for one in objects]
    try:
        done, _ = await asyncio.wait(
            waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in done:
            wait.result()
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _until_ready(handle):
    with neap.watch(handle) as watch:
        await _readable(watch.fileno())


async def _in_thread(work, stop):
    """Run work() in a thread; should the task be cancelled, stop() it first."""
    loop = asyncio.get_running_loop()
    result = loop.create_future()

    def tell(error, value):
        if error is None:
            result.set_result(value)
        else:
            result.set_exception(error)

    def run():
        try:
            answer = (None, work())
        except Exception as error:  # the task's, not this thread's
            answer = (error, None)
        loop.call_soon_threadsafe(tell, *answer)

    threading.Thread(target=run, daemon=True).start()
    try:
        return await asyncio.shield(result)
    except asyncio.CancelledError:
        stop()
        await _despite_cancels(asyncio.wait([result]))
        result.exception()
        raise


async def _despite_cancels(coroutine):
    """Finish it, whoever cancels meanwhile, and tell of that afterwards."""
    task = asyncio.ensure_future(coroutine)
    cancelled = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled:
        raise cancelled


def _tell(future, error, value=None):
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


def _tell_loop(loop, future, error, value=None):
    with contextlib.suppress(RuntimeError):  # it ended, and nobody asks
        loop.call_soon_threadsafe(_tell, future, error, value)


class _Keeper:
    """A thread that has something for a task until that gives it back.

    attempt(seconds) gives None as long as it cannot be had; if what it gives is
    true, give(*arguments) gives it back.
    """

    def __init__(self, attempt, give):
        self._attempt, self._give = attempt, give
        self._arguments = ()
        self._over = threading.Event()

    def _run(self, loop):
        error = None
        try:
            got = self._attempt(0)
            while got is None and not self._over.is_set():
                got = self._attempt(_LOOK)
            _tell_loop(loop, self._taken, None, got)
            if got:
                self._over.wait()
                self._give(*self._arguments)
        except Exception as raised:  # the task's, not this thread's
            error = raised
        _tell_loop(loop, self._taken, error)
        _tell_loop(loop, self._ended, error)

    async def take(self):
        """Wait for it: what the attempt gave."""
        loop = asyncio.get_running_loop()
        self._taken, self._ended = loop.create_future(), loop.create_future()
        threading.Thread(target=self._run, args=(loop,), daemon=True).start()
        try:
            return await asyncio.shield(self._taken)
        except BaseException:
            try:
                await self.give()
            except Exception:  # what take() raises itself
                pass
            if self._taken.done():
                self._taken.exception()
            raise

    async def give(self, *arguments):
        """Give it back: it is when this ends."""
        self._arguments = arguments
        self._over.set()
        try:
            await _despite_cancels(asyncio.wait([self._ended]))
        finally:
            self._ended.exception()
        self._ended.result()


class _Form:
    def __init__(self, handle):
        if not isinstance(handle, self._of):
            raise TypeError(f"a neap.{self._of.__name__} expected, not "
                            f"{type(handle).__name__}")
        self.handle = handle

    def __getattr__(self, name):
        if name == "handle":  # not there yet
            raise AttributeError(name)
        return getattr(self.handle, name)

    def __repr__(self):
        return f"<neap.aio.{type(self).__name__} of {self.handle!r}>"


class Event(_Form):
    """A neap.Event whose wait() is a coroutine."""

    _of = neap.Event

    async def wait(self):
        """Wait until it is set: True."""
        return await _until(lambda: self.handle.wait(0), self.handle)


class Latch(_Form):
    """A neap.Latch whose wait() is a coroutine."""

    _of = neap.Latch

    async def wait(self):
        """Wait until nothing is left: True."""
        return await _until(lambda: self.handle.wait(0), self.handle)


class _Lock(_Form):
    async def acquire(self):
        """Take it: True. Nothing is taken when the wait is cancelled."""
        return await _until(lambda: self.handle.acquire(blocking=False),
                            self.handle)

    def release(self):
        """Give it back."""
        self.handle.release()

    async def __aenter__(self):
        await self.acquire()
        return self

    async def __aexit__(self, kind, error, traceback):
        self.release()


class Semaphore(_Lock):
    """A neap.Semaphore whose acquire() is a coroutine; `async with` takes a
    permit and gives it back."""

    _of = neap.Semaphore


class Mutex(_Lock):
    """A neap.Mutex whose acquire() is a coroutine, for `async with`. A recursive
    one is refused: two tasks of one thread would both have it."""

    _of = neap.Mutex

    def __init__(self, handle):
        super().__init__(handle)
        if handle.recursive:
            raise ValueError(
                f"mutex {handle.name!r} is recursive, so two tasks of one "
                "thread would both have it: take one that is not")


class _Wait:
    """A thread that waits for a condition in the place of a task, which has the
    mutex: asyncio must not sleep."""

    def __init__(self, handle):
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._woken, self._ended = (self._loop.create_future() for _ in "we")
        self._counted, self._locked = threading.Event(), threading.Event()
        self._cancelled = False
        self.notified = False
        threading.Thread(target=self._run, daemon=True).start()
        self._counted.wait()  # a moment: the mutex is ours until then

    def _run(self):
        error = None
        try:
            self.notified = self._handle._stand_in(
                self._counted.set, lambda: not self._cancelled, self._wake)
        except Exception as raised:  # the task's, not this thread's
            error = raised
        self._counted.set()
        _tell_loop(self._loop, self._woken, None)
        _tell_loop(self._loop, self._ended, error)

    def _wake(self):
        _tell_loop(self._loop, self._woken, None)
        self._locked.wait()

    async def sleep(self):
        try:
            await asyncio.shield(self._woken)
        except asyncio.CancelledError:
            self._cancelled = True
            await _despite_cancels(asyncio.wait([self._woken]))
            raise

    async def end(self):
        """With the mutex locked again."""
        self._locked.set()
        await _despite_cancels(asyncio.wait([self._ended]))
        self._ended.result()


class Condition(_Lock):
    """A neap.Condition for `async with`, whose wait() and wait_for() are
    coroutines.

    Its mutex must not be recursive: heap.condition(name, heap.mutex(...)).
    """

    _of = neap.Condition

    def __init__(self, handle):
        super().__init__(handle)
        self._lock = Mutex(handle.mutex)

    async def acquire(self):
        """Lock its mutex: True."""
        return await self._lock.acquire()

    def _check_mine(self):
        if not self.handle.mutex.mine:
            raise RuntimeError("cannot wait for a condition whose mutex this "
                               "thread does not have")

    async def wait(self):
        """Give up the mutex until notified, and lock it again: True.

        A wait that is cancelled has the mutex again, and hands on what it was
        notified of. A thread sleeps meanwhile, for asyncio must not.
        """
        self._check_mine()
        wait = _Wait(self.handle)
        self.handle.release()
        cancelled = True
        try:
            await wait.sleep()
            cancelled = False
        finally:
            await self._have_again(wait, cancelled)
        return True

    async def _have_again(self, wait, cancelled):
        try:
            await _despite_cancels(self.acquire())
        except asyncio.CancelledError:
            cancelled = True
            raise
        finally:
            await wait.end()
            if cancelled and wait.notified:
                self.handle.notify()

    async def wait_for(self, predicate):
        """wait() until predicate() holds, and return what that gave. It is called
        with the mutex locked."""
        self._check_mine()
        result = predicate()
        while not result:
            await self.wait()
            result = predicate()
        return result


class Barrier(_Form):
    """A neap.Barrier whose wait() is a coroutine; `async with` waits.

    A party that is cancelled breaks it, as one that is interrupted does.
    """

    _of = neap.Barrier

    async def wait(self):
        """Wait until all parties are here: this one's number among them."""
        return await _in_thread(self.handle.wait, self._abort)

    def _abort(self):
        try:
            self.handle.abort()
        except OSError:  # it was dropped, which ends the wait as well
            pass

    async def __aenter__(self):
        return await self.wait()

    async def __aexit__(self, kind, error, traceback):
        pass


class RWLock(_Form):
    """A neap.RWLock for `async with lock.read()` and `async with lock.write()`.

    Any number of tasks read at a time, or one writes. A task that reads and wants
    to write waits for itself.
    """

    _of = neap.RWLock

    @contextlib.asynccontextmanager
    async def _kept(self, acquire):
        keeper = _Keeper(lambda seconds: acquire(timeout=seconds) or None,
                         self.handle.release)
        await keeper.take()
        try:
            yield self
        finally:
            await keeper.give()

    def read(self):
        """For `async with`: read it meanwhile."""
        return self._kept(self.handle.acquire_read)

    def write(self):
        """For `async with`: have it alone meanwhile."""
        return self._kept(self.handle.acquire_write)


class Once(_Form):
    """A neap.Once whose run() is a coroutine, of a function or a coroutine
    function. One that comes here again waits for itself."""

    _of = neap.Once

    async def run(self, fn, /, *args, **kwargs):
        """Do it if nobody has; True if this call did. A task that is cancelled,
        or whose function raises, leaves it to the next to come."""
        if self.handle.done:
            return False
        keeper = _Keeper(self.handle._begin, self._end)
        if not await keeper.take():
            return False
        done = False
        try:
            result = fn(*args, **kwargs)
            if inspect.isawaitable(result):
                await result
            done = True
        finally:
            await keeper.give(done)
        return True

    def _end(self, done=False):
        self.handle._end(done)
