"""Semaphores of the kernel and the C library, to work beside programs that know
nothing of neap."""
from . import _neap
from ._info import KernelSemaphoreInfo, KernelSemaphoreStat, KernelSemaphoreUse
from ._segment import mode_of, segment_of


class KernelSemaphore(_neap.KernelSemaphore):
    """A posix semaphore ("jobs", as sem_open has it) or a System V set
    ("sysv:5678" or 5678, as semget has it).

    Opens what is there, or makes it with create=True; exclusive=True insists on
    making it. `initial` is the value of each when made, `count` how many are in
    a set. With undo=True what this process took of a set returns when it ends.
    `with semaphore:` takes one and gives it back; len() is how many there are.
    Pickles as its address. Within neap use heap.semaphore().

    FileNotFoundError; FileExistsError; PermissionError; BadArgument; OSError
    ENOSPC a limit of the kernel, ENOTSUP.
    """

    __module__ = "neap"

    def __init__(self, address, create=False, initial=0, mode=0o600, count=None,
                 exclusive=False, undo=False):
        super().__init__(segment_of(address), create, exclusive, undo,
                         mode_of(mode), count or 0, initial)
        self._undo = bool(undo)

    @staticmethod
    def unlink(address):
        """Take its name away. Who has a posix one open goes on; a set is gone,
        and who waits for it gets OSError EIDRM. FileNotFoundError;
        PermissionError."""
        _neap.unlink_kernel_semaphore(segment_of(address))

    @staticmethod
    def list():
        """The posix semaphores and the sets of this machine: a list of
        KernelSemaphoreInfo."""
        return [KernelSemaphoreInfo(address, KernelSemaphoreStat(*stat))
                for address, stat in _neap.list_kernel_semaphores()]

    def acquire(self, blocking=True, timeout=None, n=1, index=0):
        """Take one, or n at once; of a set, of that index. True when taken,
        False when there were too few in time."""
        return self._apply([(index, -_at_least_one(n))], blocking, timeout)

    def release(self, n=1, index=0):
        """Give one back, or n. OSError EOVERFLOW or ERANGE beyond the largest
        value."""
        self._apply([(index, _at_least_one(n))], True, None)

    def apply(self, changes, timeout=None):
        """Make several changes of a set at once, (index, by) each, or wait until
        all can be made: what C calls semop. A change by 0 waits until that
        value is 0. True when done, False when not in time."""
        return self._apply(list(changes), True, timeout)

    def get_value(self, index=0):
        """The value now."""
        return self._look(index)[0]

    def set_value(self, value, index=0):
        """Set a value, of System V's; what was to be undone of it is
        forgotten."""
        self._set(index, value)

    def look(self, index=0):
        """One of it and who is concerned: a KernelSemaphoreUse."""
        return KernelSemaphoreUse(*self._look(index))

    def stat(self):
        """What the kernel knows of it: a KernelSemaphoreStat."""
        return KernelSemaphoreStat(*self._stat())

    @property
    def value(self):
        """The value of the first now."""
        return self.get_value()

    @property
    def values(self):
        """The values of all, as a list; each is read on its own."""
        return [self.get_value(i) for i in range(len(self))]

    @property
    def address(self):
        """Its address, as the class takes it."""
        return self._address()

    @property
    def undo(self):
        """True if what this handle took returns when the process ends."""
        return self._undo

    def __len__(self):
        return self._count()

    def __enter__(self):
        self.acquire()
        return True

    def __exit__(self, *error):
        self.release()

    def __reduce__(self):
        return _reopen, (self.address, self.undo)


def _reopen(address, undo):
    return KernelSemaphore(address, undo=undo)


def _at_least_one(n):
    if n < 1:
        raise ValueError(f"n must be 1 or more, not {n}")
    return n
