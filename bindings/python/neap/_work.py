"""Workers: fork, share out, collect.

A child calls the function and sends one pickle: what it returned, or how it
failed. It ends in C without unwinding into the parent's frames, so no atexit
handler and no finalizer of the parent runs a second time.
"""
import errno
import functools
import hashlib
import os
import pickle
import random
import signal
import sys
import threading
import time
import traceback
from typing import Set

from . import _neap
from ._progress import Bar, wanted

INTERRUPTED = 130  # a shell's exit code for Ctrl-C
TICK = 0.1         # seconds between two looks at the progress
GRACE = 1.0        # seconds between SIGTERM and SIGKILL for the others


class RemoteTraceback(Exception):
    """The cause of an exception that came from a worker: its traceback."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    def __str__(self):
        return self.text


class Worker:
    """What neap.run passes to the function.

    id counts from 0; workers is how many there are.
    """

    __slots__ = ("id", "workers", "_team")

    def __init__(self, id, workers, team):
        self.id = id
        self.workers = workers
        self._team = team

    def range(self, start, stop=None, step=1, *, chunk=0):
        """The indices of range(start, stop, step), handed out to the workers:
        each goes to one of them, whoever is free takes the next.

        Every worker must open the same ranges in the same order. chunk is how
        many are taken at a time; 0 chooses. An index that was taken by a
        worker that died is not handed out again.
        """
        if stop is None:
            start, stop = 0, start
        indices = range(start, stop, step)
        if not indices:
            return self._team.range(1, 0, 1, chunk)
        return self._team.range(indices[0], indices[-1], step, chunk)

    def __repr__(self):
        return f"<neap.Worker {self.id} of {self.workers}>"


# -- in the child -------------------------------------------------------------


def _dump_exception(error):
    """How a call failed, in what certainly pickles."""
    lines = traceback.format_exception(
        type(error), error, _skip_own_frames(error.__traceback__)
    )
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    try:
        body = pickle.dumps(error, 5)
    except Exception:
        body = None
    try:
        text = str(error)
    except Exception:
        text = "(which does not tell)"
    return "error", body, name.replace("builtins.", ""), text, "".join(lines)


def _skip_own_frames(tb):
    while tb is not None and tb.tb_frame.f_code.co_filename == __file__:
        tb = tb.tb_next
    return tb


def _pickled_answer(call):
    try:
        value = call()
    except SystemExit as error:
        if error.code not in (None, 0):
            return pickle.dumps(_dump_exception(error), 5)
        value = None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return pickle.dumps(_dump_exception(error), 5)
    try:
        return pickle.dumps(("value", value), 5)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        return pickle.dumps(("unsent", type(value).__name__, why), 5)


def _seed_words(seed, index):
    """Sixteen bytes for each worker: repeatable if there is a seed."""
    if seed is None:
        return os.urandom(16)
    return hashlib.sha256(repr((seed, index)).encode()).digest()[:16]


def _reseed(seed, index):
    words = _seed_words(seed, index)
    random.seed(int.from_bytes(words, "little"))
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed([
            int.from_bytes(words[i:i + 4], "little") for i in range(0, 16, 4)
        ])


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # closed, full or None: nobody to tell


def _in_child(call, mask, held, seed, index):
    """Run in the child by the fork in C; returns the exit code."""
    try:
        held.give_back()
        # Ctrl-C reaches the whole group; who tells of it is the parent. A
        # handler of the script's own stays.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _reseed(seed, index)
        answer = _pickled_answer(call)
        threading._shutdown()  # as at any exit: threads come to their end
        _flush()
        _neap.send_answer(answer)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return 1  # the parent no longer listens
    return 0


# -- in the parent ------------------------------------------------------------


class _HeldCtrlC:
    """Ctrl-C is only noted until it is told of.

    It is blocked around a fork, but another thread may get it for the process;
    and what its handler raises in one of Python's hooks around the fork would be
    ignored.
    """

    def __init__(self):
        self._noted = None
        self._handler = signal.getsignal(signal.SIGINT)
        if (threading.current_thread() is not threading.main_thread()
                or not callable(self._handler)):
            self._handler = None  # no hook of this thread runs it
        else:
            signal.signal(signal.SIGINT, self._note)

    def _note(self, *arguments):
        self._noted = arguments

    def give_back(self):
        if self._handler:
            signal.signal(signal.SIGINT, self._handler)

    def tell(self):
        """At the end: may raise KeyboardInterrupt."""
        self.give_back()
        if self._noted:
            self._handler(*self._noted)


def _fork_with(start, call, seed, index):
    """start(child), with Ctrl-C held back until the child is ready for it."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        held = _HeldCtrlC()
        try:
            return start(
                functools.partial(_in_child, call, mask, held, seed, index))
        finally:
            held.tell()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _named(kind, message, worker, pid, number=None):
    error = kind(message)
    error.worker = worker
    error.pid = pid
    if number is not None:
        error.signal = number
    return error


def _raise_killed(who, worker, pid, number):
    if number == signal.SIGINT:
        time.sleep(TICK)  # our own part of the same Ctrl-C may be on its way
    raise _named(
        _neap.WorkerKilled,
        f"{who} was killed by {_neap.signal_name(number)}",
        worker, pid, number,
    )


def _raise_error(who, worker, pid, body, name, text, trace):
    try:
        error = pickle.loads(body) if body is not None else None
    except Exception:
        error = None
    if not isinstance(error, BaseException):
        error = _named(_neap.WorkerError, f"{who} raised {name}: {text}",
                       worker, pid)
    elif isinstance(error, SystemExit):
        error = _named(_neap.WorkerError,
                       f"{who} called sys.exit({error.code!r})", worker, pid)
    raise error from RemoteTraceback(f"in {who}\n\n{trace}")


def _outcome(who, worker, end, answer):
    """What a child returned; raises if it did not return."""
    pid, code, number = end
    if number:
        _raise_killed(who, worker, pid, number)
    if not answer:
        raise _named(
            _neap.WorkerError,
            f"{who} ended with exit code {code} before it returned",
            worker, pid,
        )
    try:
        kind, *rest = pickle.loads(answer)
    except Exception as error:
        raise _named(
            _neap.WorkerError,
            f"{who} returned what cannot be unpickled: {error}", worker, pid,
        ) from error
    if kind == "value":
        return rest[0]
    if kind == "unsent":
        raise _named(
            _neap.WorkerError,
            f"{who} returned a {rest[0]}, which cannot be pickled ({rest[1]}): "
            "return plain values, or keep it in a heap", worker, pid,
        )
    return _raise_error(who, worker, pid, *rest)


def _collect(team, label, bar):
    """What the workers return, as they end."""
    results = [None] * team.workers
    while True:
        event = team.next(TICK if bar else None)
        if bar:
            bar.show(*team.progress())
        if event is None:
            return results
        if event is False:
            continue
        index, *end = event
        who = f"{label}worker {index} (pid {end[0]})"
        results[index] = _outcome(who, index, end, team.answered(index))


class _Team(_neap.Team):
    """A team that is stopped on every way out."""

    def __init__(self, workers):
        super().__init__(workers)
        self.workers = workers

    def start(self, fn, args, seed):
        for index in range(self.workers):
            worker = Worker(index, self.workers, self)
            call = functools.partial(fn, worker, *args)
            _fork_with(functools.partial(self.fork, index), call, seed, index)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, tb):
        try:
            if kind is not None:
                self.stop(GRACE)
        finally:
            self.close()


def run(n, fn, *args, progress="auto", seed=None, name=None):
    """Fork n workers that each call fn(worker, *args); the list of what they
    returned, in order.

    worker.id counts from 0, worker.workers is n, worker.range(...) shares out
    indices. Whatever was made before is there in each worker: heaps, arrays
    and locks shared, everything else a copy. Returned values are pickled.

    An exception in a worker is raised here, with the worker's traceback as
    its cause (WorkerError if it cannot be pickled); a worker that a signal
    killed is WorkerKilled, with .worker, .pid and .signal. Either way, and on
    Ctrl-C, the others are stopped first: by SIGTERM, a second later by
    SIGKILL. A worker never outlives this process.

    progress shows a bar on stderr for the ranges: True, False, or "auto" if
    it is a terminal. The generators of random and numpy.random (if it is
    imported) differ between workers; with a seed they are the same in each
    run. name stands before the bar and in messages.
    """
    if not callable(fn):
        raise TypeError(f"fn must be a function of a worker, not {fn!r}")
    label = f"{name}: " if name else ""
    bar = Bar(name) if wanted(progress) else None
    with _Team(n) as team:
        _flush()
        try:
            team.start(fn, args, seed)
            return _collect(team, label, bar)
        finally:
            if bar:
                bar.end()


# Children that run and of which nobody may hold a handle: dropping the handle
# would end them.
_running: Set["Process"] = set()
os.register_at_fork(after_in_child=_running.clear)


class Process(_neap.Process):
    """A child that runs a function. Made by neap.fork().

    A context manager: its end waits for the child (and raises what it raised,
    unless wait() did before); an exception in the block ends the child.
    """

    __module__ = "neap"

    def __init__(self, fn, args, kwargs):
        call = functools.partial(fn, *args, **kwargs)
        _flush()
        _fork_with(super().__init__, call, None, None)
        self._told = False

    @property
    def pid(self):
        """Its process number."""
        return self._pid()

    @property
    def alive(self):
        """True while it runs."""
        return self._alive()

    def kill(self, signal=signal.SIGTERM):
        """Send it a signal. One that has ended is left in peace."""
        self._kill(signal)

    def wait(self, timeout=None):
        """Wait for its end and return what the function returned.

        Raises what it raised, WorkerKilled when a signal killed it, Timeout
        when it still runs after `timeout` seconds (None: no limit).
        """
        end = self._wait(timeout)
        who = f"process {self.pid}"
        if end is None:
            raise _neap.Timeout(errno.ETIMEDOUT,
                                f"{who} still runs after {timeout} s")
        _running.discard(self)
        self._told = True
        return _outcome(who, None, end, self._answered())

    def __enter__(self):
        return self

    def __exit__(self, kind, error, tb):
        if kind is not None:
            self._kill(signal.SIGKILL)
            self._wait(None)
            _running.discard(self)
        elif not self._told:
            self.wait()

    def __repr__(self):
        state = "runs" if self.alive else "ended"
        return f"<neap.Process {self.pid}, {state}>"

    def __reduce__(self):
        raise TypeError("a process belongs to its parent: it cannot be pickled")


def fork(fn, *args, **kwargs):
    """Fork a child that calls fn(*args, **kwargs): a Process.

    What it returns comes back, pickled, from process.wait(). It is killed
    when this process ends.
    """
    if not callable(fn):
        raise TypeError(f"fn must be a function, not {fn!r}")
    for process in [p for p in _running if not p.alive]:
        _running.discard(process)
    process = Process(fn, args, kwargs)
    _running.add(process)
    return process
