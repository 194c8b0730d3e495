"""Heaps: named, typed objects that processes share."""
import copyreg
import functools
import inspect
import os

from . import _neap
from ._array import Shared
from ._info import (
    CheckpointInfo, CheckpointReport, CheckReport, HeapInfo, HeapPart, Locks,
    LockStatistics, LockUse, SlotInfo, object_info,
)
from ._segment import Segment, address_of, bytes_of, mode_of
from ._types import ANY, FLOAT64, as_ndarray, code_of, shape_of

_COUNTER_KINDS = {None: 0, "plain": 1, "striped": 2, "double": 3}
_MUTEX_KINDS = {None: 0, False: 1, True: 2}
_SEMAPHORE_KINDS = {None: 0, False: 1, True: 2}


def _spin_of(spin):
    """Microseconds, -1 for "auto"."""
    if isinstance(spin, str) and spin == "auto":
        return -1
    if isinstance(spin, bool) or not isinstance(spin, int):
        raise TypeError(f'spin must be "auto" or microseconds, not {spin!r}')
    if not 0 <= spin <= 1000000:
        raise ValueError(f'spin must be "auto" or 0 to 1000000 microseconds, '
                         f"not {spin!r}")
    return spin


def _spins(open_it):
    """An object that waits takes spin=, which is its handle's."""
    @functools.wraps(open_it)
    def opened(self, *arguments, spin="auto", **words):
        microseconds = _spin_of(spin)
        thing = open_it(self, *arguments, **words)
        thing._spin(microseconds)
        return thing

    plain = inspect.signature(open_it)
    option = inspect.Parameter("spin", inspect.Parameter.KEYWORD_ONLY,
                               default="auto")
    opened.__signature__ = plain.replace(
        parameters=[*plain.parameters.values(), option])
    return opened


def _level_of(compress):
    """The level of zstd that compress=... means, 0 for none, -1 a good one."""
    if compress is None or isinstance(compress, bool) or compress == "zstd":
        return -1 if compress else 0
    if isinstance(compress, int) and 1 <= compress <= 22:
        return compress
    raise ValueError('compress is True, "zstd", or a level from 1 to 22, not '
                     f"{compress!r}")


class Heap(_neap.Heap):
    """A heap of named, typed objects. Made by neap.open() and neap.heap().

    A context manager that closes; objects and arrays opened from it stay
    usable after that. Iterating gives the names of its objects, and
    `name in heap` tells whether there is one. Pickles as its address.

    What opens an object that waits (mutex, semaphore, event, latch, condition,
    rwlock, barrier, once) takes spin=: how many microseconds a wait of this handle
    looks again and again before it sleeps. "auto": as long as has been worth it
    for that object of late; 0: it sleeps at once.
    """

    __module__ = "neap"

    # -- objects -----------------------------------------------------------

    def counter(self, name, kind=None):
        """The Counter of that name, made (at 0) if it is missing.

        kind is "plain" (the default when it is made), "striped" or "double";
        None takes whatever is there. TypeMismatch when another type or kind
        is there; BadArgument for a bad name.
        """
        try:
            code = _COUNTER_KINDS[kind]
        except (KeyError, TypeError):
            raise ValueError(
                f'kind {kind!r} is none of "plain", "striped", "double"'
            ) from None
        return self._counter(name, code)

    @_spins
    def mutex(self, name, recursive=None):
        """The Mutex of that name, made (unlocked) if it is missing.

        recursive=True: its owner may lock it again; None takes whatever is
        there, else False. TypeMismatch when the other kind is there.
        """
        try:
            code = _MUTEX_KINDS[recursive]
        except (KeyError, TypeError):
            raise TypeError(
                f"recursive must be a bool, not {recursive!r}") from None
        return self._mutex(name, code)

    @_spins
    def semaphore(self, name, initial=1, undo=None, bound=None):
        """The Semaphore of that name, made with `initial` permits if it is
        missing (ignored when it is there).

        undo=True: a permit belongs to the thread that acquired it and returns
        when that thread dies; None takes whatever is there, else False.
        bound: there are never more permits than that, and a release beyond it
        is a ValueError; None takes whatever is there, else none.
        """
        if bound is not None and bound < 1:
            raise ValueError(f"a bound is 1 or more, not {bound!r}")
        try:
            code = _SEMAPHORE_KINDS[undo]
        except (KeyError, TypeError):
            raise TypeError(f"undo must be a bool, not {undo!r}") from None
        return self._semaphore(name, initial, bound or 0, code)

    @_spins
    def event(self, name):
        """The Event of that name, made (not set) if it is missing."""
        return self._event(name)

    @_spins
    def latch(self, name, count=None):
        """The Latch of that name, made with `count` to count down (ignored
        when it is there) if it is missing.

        Without count it must be there: FileNotFoundError. ValueError for a
        count that is not 1 to 2**31 - 1.
        """
        if count is None:
            self._find(name)
            count = 1
        return self._latch(name, count)

    @_spins
    def condition(self, name, mutex=None):
        """The Condition of that name, made if it is missing.

        It goes with `mutex`, a Mutex from this Heap, or without one with
        self.mutex(name + ".mutex"), recursive if that is missing, too. The heap does not remember which: all who
        use the condition must say the same. BadArgument for a mutex of another
        heap, or of another opening of this one.
        """
        return self._condition(name, mutex)

    @_spins
    def rwlock(self, name):
        """The RWLock of that name, made (free) if it is missing."""
        return self._rwlock(name)

    @_spins
    def barrier(self, name, parties=None, shrink=None, counted=False,
                action=None, timeout=None):
        """The Barrier of that name, made for `parties` (ignored when it is
        there) if it is missing.

        Without parties it must be there: FileNotFoundError. ValueError for a
        number that is not 1 to 65535. shrink=True: a party that dies while it
        waits does not break it, the others go on without; None takes whatever
        is there, else False. counted=True: its parties are the threads that
        joined, none at first, and `parties` is None; one that ends or dies
        anywhere without having left breaks it, or makes it smaller.
        TypeMismatch when another kind is there.

        action and timeout are this handle's, as threading.Barrier has them: a
        function that exactly one party calls in each phase when all are there,
        before any of them goes on, and the timeout of a wait() that says none.
        """
        for flag in (shrink, counted):
            if flag not in (None, False, True):
                raise TypeError(
                    f"shrink and counted must be bools, not {flag!r}")
        kind = 0 if shrink is None and not counted else 2 if shrink else 1
        return self._barrier(name, parties, kind + 4 if counted else kind,
                             action, timeout)

    @_spins
    def once(self, name):
        """The Once of that name, made (not done) if it is missing."""
        return self._once(name)

    def array(self, name, shape=None, dtype=None):
        """The array of that name as a numpy.ndarray over the shared memory,
        made (zero-filled, 64-byte aligned) if it is missing.

        shape is an int or a tuple of up to 8; without it the array must be
        there. dtype is anything numpy takes as one, or "f64", "i32" ... ("i8"
        is numpy's: eight bytes); when left out it is what is there, and
        float64 for a new one. The ndarray keeps the memory mapped, whatever
        becomes of the heap's handle; it is read-only if the heap is. Without
        numpy it is a memoryview. TypeMismatch when another type or shape is
        there, FileNotFoundError when nothing is and no shape was given, OSError
        ENOSPC.
        """
        return as_ndarray(self._open_array(name, shape, dtype))

    def memoryview(self, name, shape=None, dtype=None):
        """The same as array(), as a typed memoryview."""
        return memoryview(self._open_array(name, shape, dtype))

    def array_handle(self, name, shape=None, dtype=None):
        """The same as array(), as a Shared, which pickles as its address.

        (An ndarray pickles by value, as numpy decided.)
        """
        return Shared(self.memoryview(name, shape, dtype))

    def _open_array(self, name, shape, dtype):
        lengths = shape_of(shape)
        if dtype is not None:
            return self._array(name, code_of(dtype), lengths)
        try:
            return self._array(name, ANY, lengths)
        except FileNotFoundError:
            if not lengths:
                raise
            return self._array(name, FLOAT64, lengths)

    def object(self, name):
        """Whatever is there under that name: a Counter, Mutex, array and so
        on (a Condition with its own mutex). FileNotFoundError when there is
        nothing."""
        return _OPENERS[object_info(self._find(name)).kind](self, name)

    # -- what is in it -----------------------------------------------------

    def list(self):
        """What is in it: a list of ObjectInfo, sorted by name."""
        return sorted(object_info(raw) for raw in self._list())

    def find(self, name):
        """The ObjectInfo of one name. FileNotFoundError."""
        return object_info(self._find(name))

    def __iter__(self):
        return iter([item.name for item in self.list()])

    def __contains__(self, name):
        return self._has(name)

    def info(self):
        """Its size, use, slots and so on: a HeapInfo."""
        return HeapInfo(*self._info())

    def slots(self):
        """The threads that are attached: a list of SlotInfo."""
        return [SlotInfo(*raw) for raw in self._slots()]

    def locks(self):
        """Who holds what and who waits for what, and which threads wait for
        each other for ever: Locks, with a list of LockUse and one of texts."""
        uses, deadlocks = self._locks()
        return Locks([LockUse(*raw) for raw in uses], deadlocks)

    def parts(self):
        """What its bytes are used for, from the first to the last: a list of
        HeapPart."""
        return [HeapPart(*raw) for raw in reversed(self._parts())]

    def processes(self):
        """The numbers of the processes that have it mapped, this one included;
        those that may not be looked at are left out."""
        return self._processes()

    def measure(self, name=None, on=True):
        """Begin to measure a mutex, an rwlock or a semaphore afresh, or end
        that (on=False); without a name all that are there now. How many. It
        costs their users a look at the clock or two each time.

        FileNotFoundError; TypeMismatch: it is none of them.
        """
        return self._measure(name, on)

    def statistics(self, name):
        """What was measured of a lock: LockStatistics. FileNotFoundError;
        TypeMismatch."""
        return LockStatistics(*self._statistics(name))

    def snapshot(self, *, nobody_writes=False):
        """The heap as it is at one instant, in memory that nobody can change: a
        sealed memfd Segment. Pass it on with send() or give(); segment.heap()
        opens it. It is taken as a checkpoint is."""
        return Segment.from_fd(self._snapshot(nobody_writes))

    def segment(self):
        """A Segment of a heap without a name, to pass on: whoever opens it
        works in the same heap. OSError ENOTSUP for one that has a name."""
        return Segment.from_fd(self._segment())

    def serve(self, path, timeout=None, *, mode=0o600, count=0, fresh=1.0):
        """Give a snapshot to each process that takes it at that path of a Unix
        socket (Segment.take(path).heap()): how many did.

        Until `timeout` seconds are over, or `count` have been served. mode says
        who may connect, by its write bits. A snapshot is given again to others
        for `fresh` seconds, so that nobody can make the heap's users stand still
        all the time. OSError EADDRINUSE somebody serves there; FileExistsError.
        """
        return self._serve(os.fsdecode(path), mode_of(mode), count, fresh,
                           timeout)

    def checkpoint(self, path, *, mode=0o600, nobody_writes=False,
                   compress=False):
        """Write the heap to a file as it is at one instant, while others go on
        with it: a CheckpointReport.

        They stand still only while what changed meanwhile is copied; with
        nobody_writes=True, which the caller must know, not at all. With
        compress=True, "zstd" or a level of it from 1 to 22 the file is
        compressed: OSError (ENOSYS) without libzstd. A checkpoint
        that is there already is replaced in one step; anything else is left
        alone: FileExistsError. PermissionError when somebody cannot be made to
        stand still. Takes it back: neap.restore().
        """
        return CheckpointReport(*self._checkpoint(
            os.fspath(path), mode_of(mode), nobody_writes, _level_of(compress)))

    def check(self):
        """Walk everything and look for damage: a CheckReport.

        It reads only; on a heap in use it holds the heap's lock meanwhile.
        """
        return CheckReport(*self._check())

    # -- the handle --------------------------------------------------------

    @property
    def address(self):
        """Its address, fit for neap.open()."""
        return self._place()[0]

    @property
    def read_only(self):
        """True if this handle may only read."""
        return self._place()[2]

    @property
    def closed(self):
        """True after close()."""
        return not self._is_open()

    def __enter__(self):
        self._place()  # a closed one is refused
        return self

    def __exit__(self, *error):
        self.close()

    def __repr__(self):
        if self.closed:
            return "<neap.Heap, closed>"
        return f"<neap.Heap {self.address!r}>"

    def __reduce__(self):
        return _attach, self._place()


# How object() opens what is there: by its kind.
_OPENERS = {
    kind: getattr(Heap, kind) for kind in (
        "array", "barrier", "condition", "counter", "event", "latch", "mutex",
        "once", "rwlock", "semaphore",
    )
}


def _attach(address, uuid, read_only):
    """The heap that a pickled handle came from."""
    flags = _neap.OPEN_READ_ONLY if read_only else _neap.OPEN_EXISTING
    return Heap(address, flags, 0, 0, 0, 0, uuid, None, None)


def _again(address, uuid, read_only, name):
    """The object that a pickled handle meant."""
    return _attach(address, uuid, read_only).object(name)


def _reduce(handle):
    return _again, (*handle._place(), handle.name)


def _condition_again(address, uuid, read_only, name, mutex):
    """The condition that a pickled handle meant, with its mutex."""
    heap = _attach(address, uuid, read_only)
    heap.find(name)
    return heap.condition(name, heap.object(mutex))


def _reduce_condition(handle):
    return _condition_again, (*handle._place(), handle.name,
                              handle.mutex.name)


for _kind in (
    _neap.Barrier, _neap.Counter, _neap.Event, _neap.Latch, _neap.Mutex,
    _neap.Once, _neap.RWLock, _neap.Semaphore,
):
    copyreg.pickle(_kind, _reduce)
copyreg.pickle(_neap.Condition, _reduce_condition)


def _flags_of(create, read_only, ephemeral):
    if create not in (True, False, "new"):
        raise ValueError(f'create must be True, False or "new", not {create!r}')
    if read_only and create == "new":
        raise ValueError("a new heap cannot be read-only: nobody could fill it")
    flags = 0 if create is True else _neap.OPEN_EXISTING
    if create == "new":
        flags = _neap.OPEN_NEW
    if read_only:
        flags = _neap.OPEN_READ_ONLY
    return flags | (_neap.OPEN_EPHEMERAL if ephemeral else 0)


def _deadlock_flag(deadlock):
    if deadlock not in ("wait", "error"):
        raise ValueError(f'deadlock is "wait" or "error", not {deadlock!r}')
    return _neap.OPEN_DEADLOCK_ERROR if deadlock == "error" else 0


def open(address, *, create=True, read_only=False, ephemeral=False,
         mode=0o600, slots=0, reserve=0, size=0, deadlock="wait"):
    """Open a heap, or make it if it is missing: a Heap.

    Of many callers at once one creates and all get the same heap. address is
    "sky" (POSIX shared memory), "sysv:5678", "file:results.neap" or a path
    object. create=False refuses to make it (FileNotFoundError), create="new"
    to open it (FileExistsError). read_only implies create=False and takes no
    slot.

    When it is made: ephemeral removes it with its last user; mode is its
    permissions; slots is how many threads may attach at once (default 1024);
    reserve how far it may grow, in bytes or as "64G" (the default; it costs
    nothing); size what is set aside at birth (for sysv, which cannot grow, its
    size for good).

    deadlock="error": a wait of this process that would close a cycle of waiting
    threads is OSError EDEADLK, with the cycle in its text.

    NotAHeap, LayoutMismatch, Corrupted for what is not a sound heap; OSError.
    """
    if address is None or address == "":
        raise ValueError("an address is needed; neap.heap() makes a heap "
                         "without a name")
    flags = _flags_of(create, read_only, ephemeral) | _deadlock_flag(deadlock)
    return Heap(address_of(address), flags, mode_of(mode), slots,
                bytes_of(reserve, "reserve"), bytes_of(size), None, None, None)


def heap_in(segment, read_only, deadlock):
    flags = _flags_of(False, read_only, False) | _deadlock_flag(deadlock)
    return Heap("", flags, 0, 0, 0, 0, None, None, segment)


def restore(path, address=None, *, mode=0o600, reserve=0, ephemeral=False):
    """Make a heap of a checkpoint, under an address that nobody has yet (None:
    without a name), with a uuid of its own, and open it: a Heap.

    What those were doing who used the old one is finished or undone, as after a
    kill: mutexes that were held are abandoned, undo permits are back.
    FileNotFoundError, FileExistsError; NotAHeap for what is no checkpoint,
    LayoutMismatch, Corrupted; OSError ENOSPC.
    """
    return Heap(address_of(address) if address else "",
                _flags_of(True, False, ephemeral), mode_of(mode), 0,
                bytes_of(reserve, "reserve"), 0, None, os.fspath(path), None)


def checkpoint_info(path):
    """What a checkpoint says of itself: a CheckpointInfo. All of it is read and
    compared with its checksums: Corrupted."""
    return CheckpointInfo(*_neap._checkpoint_look(os.fspath(path)))


def heap(*, slots=0, reserve=0, size=0):
    """A heap without a name: children of a fork share it, its handles pickle
    while this process has it open, and it goes away with its last user."""
    return Heap("", 0, 0o600, slots, bytes_of(reserve, "reserve"),
                bytes_of(size), None, None, None)
