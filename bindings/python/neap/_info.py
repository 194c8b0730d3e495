"""What neap tells about heaps, objects, slots and segments: named tuples."""
from typing import List, NamedTuple, Optional, Tuple, Union

from ._types import LONG_NAMES


class HeapInfo(NamedTuple):
    """A heap; see neap_heap_info. Sizes are in bytes."""

    address: str
    kind: str
    mode: int
    uid: int
    gid: int
    layout: int
    size: int
    used: int
    reserved: int
    objects: int
    slots: int
    attached: int
    dead: int
    deaths: int
    read_only: bool
    ephemeral: bool
    uuid: str
    created: int


class LockUse(NamedTuple):
    """That a thread holds an object, reads under it, or waits for it."""

    name: str
    kind: str  # of the object
    role: str  # "holds", "reads", "waits"
    slot: int
    pid: int
    tid: int
    dead: bool
    waited: Optional[float]  # seconds so far
    held: Optional[float]  # likewise, of a lock that is measured
    permits: int  # of an undo semaphore


class HeapPart(NamedTuple):
    """What some bytes of a heap are used for."""

    kind: str  # "header", "slots", "records", "array", "free", "bare", "reserve"
    offset: int
    size: int
    resident: int  # bytes of it that are in memory
    name: str  # of the array, else ""
    others: int  # of what is resident, in other processes' page tables; -1 unknown


class OverlayStats(NamedTuple):
    """What an overlay has done."""

    loads: int  # parts brought into a frame
    hits: int  # parts that were there already
    replaced: int  # loads that took another part's frame
    loaded: int  # bytes
    written: int  # bytes, back to the segment, of copies
    frames: int
    used: int  # frames with a part in them
    pinned: int  # of them, those in use


class LockStatistics(NamedTuple):
    """What was measured of a lock since heap.measure(); in seconds. The last
    three are of owners and writers, None for a semaphore, which has none."""

    kind: str
    measured: bool  # still
    acquisitions: int
    contended: int  # of them, those that had to wait
    longest_wait: float
    waited: Optional[float]  # in all
    longest_hold: Optional[float]
    held: Optional[float]  # in all


class Locks(NamedTuple):
    """Who holds and waits, and the deadlocks in words."""

    uses: List[LockUse]
    deadlocks: List[str]


class KernelSemaphoreStat(NamedTuple):
    """What the kernel knows of a semaphore of its own."""

    kind: str  # "posix", "sysv"
    count: int  # in the set
    mode: int
    uid: int
    gid: int
    id: int  # of System V, else -1
    operated: int  # seconds since 1970 of the last semop, 0 never
    changed: int  # seconds since 1970


class KernelSemaphoreInfo(NamedTuple):
    """A semaphore of this machine."""

    address: str
    stat: KernelSemaphoreStat


class KernelSemaphoreUse(NamedTuple):
    """One semaphore of a set; a posix one tells its value only."""

    value: int
    last_pid: int  # who changed it last, 0 nobody
    waiting: int  # for it to grow
    waiting_for_zero: int


class CheckpointReport(NamedTuple):
    """What taking a checkpoint took; bytes and seconds."""

    size: int  # of the heap
    stored: int  # in the file: what is not zero
    changed: int  # copied while all stood still
    stopped: int  # processes that did
    pause: float  # for how long
    took: float  # in all


class CheckpointInfo(NamedTuple):
    """What a checkpoint says of itself; sizes are in bytes."""

    kind: str  # of the heap that it was taken of
    size: int
    stored: int
    taken: int  # seconds since 1970
    uuid: str
    host: str
    address: str


class ObjectInfo(NamedTuple):
    """An object of a heap.

    kind is "counter", "array", "mutex", "semaphore", "event", "latch",
    "condition", "rwlock", "barrier" or "once"; variant tells counters
    ("plain", "striped", "double") and semaphores ("classic", "undo") apart.
    value is what a counter holds, a semaphore's permits, whether an event is
    set or a once done, what is left of a latch, how many wait at a barrier.
    """

    name: str
    kind: str
    variant: Optional[str]
    dtype: Optional[str]  # arrays: "float64"
    shape: Optional[Tuple[int, ...]]  # arrays
    bytes: int  # arrays: of their elements
    value: Union[int, float, None]
    holder: int  # mutexes, once, writers: the pid of who has it, 0 nobody
    id: int  # never used again in this heap


def object_info(raw):
    name, kind, variant, _, code, shape, size, value, holder, id = raw
    return ObjectInfo(
        name, kind, variant, LONG_NAMES.get(code), shape, size, value, holder,
        id,
    )


class SlotInfo(NamedTuple):
    """A thread's place in a heap; pid and tid as its own namespace has them."""

    number: int
    incarnation: int
    dead: bool
    pid: int
    tid: int
    held: int  # locks
    permits: int  # kinds of undo permits


class CheckReport(NamedTuple):
    """What heap.check() found; `problems` is 0 for a sound heap."""

    problems: int
    leaks: int
    doubles: int
    torn: int
    blocks: int
    free_blocks: int
    used_bytes: int
    free_bytes: int
    objects: int
    text: str  # the first problems, a line each


class SegmentStat(NamedTuple):
    """A segment; see neap_segment_stat. Times are seconds since 1970."""

    kind: str
    size: int
    allocated: int
    mode: int
    uid: int
    gid: int
    attached: int  # -1 unknown
    creator_pid: int  # sysv, else 0
    accessed: int
    modified: int
    changed: int
    last_pid: int  # sysv: who attached or detached last, else 0
    id: int  # sysv: what ipcs calls shmid, else -1
    removed: bool  # sysv: its key is gone; it lives as long as its mappings
    page: int  # bytes of a page of it; 0 not known: another's sysv, not mapped


class SegmentInfo(NamedTuple):
    """A segment of this machine; is_heap tells that neap formatted it."""

    address: str
    is_heap: bool
    stat: SegmentStat
