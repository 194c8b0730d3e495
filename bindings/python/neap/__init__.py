"""neap: a heap that processes share.

    import neap
    with neap.open("sky") as heap:
        seen = heap.counter("seen")
        grid = heap.array("grid", (512, 512), "f8")  # a numpy.ndarray
        lock = heap.mutex("lock")

        def work(worker):
            for i in worker.range(512):
                grid[i] = worker.id
                seen.add(1)
            with lock:
                ...
            return worker.id

        results = neap.run(4, work)

The same names are the same objects in Lua and C. A process that is killed at
any instruction harms nobody else: what it held is given back, what it was
doing is finished or undone.

Failures of the system are OSError and its subclasses (FileNotFoundError,
PermissionError ...); neap's own are subclasses of neap.Error. Waiting calls
return a bool, as in threading; Ctrl-C ends any wait.
"""
from ._array import Shared, share
from ._fault import MappingFault, check_fault, guard
from ._heap import Heap, checkpoint_info, heap, open, restore
from ._info import (
    CheckpointInfo,
    CheckpointReport,
    CheckReport,
    HeapInfo,
    HeapPart,
    KernelSemaphoreInfo,
    KernelSemaphoreStat,
    KernelSemaphoreUse,
    Locks,
    LockStatistics,
    LockUse,
    ObjectInfo,
    OverlayStats,
    SegmentInfo,
    SegmentStat,
    SlotInfo,
)
from ._kernel import KernelSemaphore
from ._maps import (
    Feature,
    HugePool,
    MapInfo,
    Node,
    PageInfo,
    features,
    huge_pages,
    maps,
    nodes,
    translate,
)
from ._neap import (
    BadArgument,
    Barrier,
    BrokenBarrier,
    Closed,
    Condition,
    Corrupted,
    Counter,
    Error,
    Event,
    Guard,
    Latch,
    LayoutMismatch,
    Mutex,
    NotAHeap,
    NotOwner,
    Once,
    OutOfRange,
    Range,
    RWLock,
    Semaphore,
    SlotsExhausted,
    Timeout,
    TypeMismatch,
    Watch,
    WorkerError,
    WorkerKilled,
    core_version,
    fetch_add,
    wait_any,
    watch,
)
from ._overlay import Overlay, OverlayArray
from ._segment import Mapping, Segment, ftok, map, segments, unlink
from ._work import Process, RemoteTraceback, Worker, fork, run

__version__ = core_version()
del core_version

# Where to find them, for people and for pickle. (Classes on top of SWIG's say
# so themselves: those cannot be changed once they are made.)
for _thing in (
    CheckpointInfo, CheckpointReport, CheckReport, Feature, HeapInfo,
    HeapPart, HugePool, Node, huge_pages, nodes,
    KernelSemaphoreInfo, KernelSemaphoreStat, KernelSemaphoreUse, Locks,
    LockStatistics, LockUse, MapInfo, ObjectInfo, OverlayStats, PageInfo, features, maps,
    translate,
    RemoteTraceback, SegmentInfo, SegmentStat, Shared, SlotInfo, Worker,
    check_fault, checkpoint_info, fork, ftok, guard, heap, map, open, restore, run, segments, share,
    unlink,
):
    _thing.__module__ = "neap"
del _thing

# Not open and map: `from neap import *` should not hide Python's own.
__all__ = [
    "BadArgument",
    "Barrier",
    "BrokenBarrier",
    "CheckReport",
    "CheckpointInfo",
    "CheckpointReport",
    "Closed",
    "Condition",
    "Corrupted",
    "Counter",
    "Error",
    "Event",
    "Feature",
    "HugePool",
    "Guard",
    "Heap",
    "HeapInfo",
    "HeapPart",
    "KernelSemaphore",
    "KernelSemaphoreInfo",
    "KernelSemaphoreStat",
    "KernelSemaphoreUse",
    "Latch",
    "LayoutMismatch",
    "LockStatistics",
    "LockUse",
    "Locks",
    "MapInfo",
    "Mapping",
    "MappingFault",
    "Mutex",
    "Node",
    "NotAHeap",
    "NotOwner",
    "ObjectInfo",
    "Once",
    "OutOfRange",
    "Overlay",
    "OverlayArray",
    "OverlayStats",
    "PageInfo",
    "Process",
    "RWLock",
    "Range",
    "RemoteTraceback",
    "Segment",
    "SegmentInfo",
    "SegmentStat",
    "Semaphore",
    "Shared",
    "SlotInfo",
    "SlotsExhausted",
    "Timeout",
    "TypeMismatch",
    "Watch",
    "Worker",
    "WorkerError",
    "WorkerKilled",
    "check_fault",
    "checkpoint_info",
    "features",
    "huge_pages",
    "fetch_add",
    "fork",
    "ftok",
    "guard",
    "heap",
    "maps",
    "nodes",
    "restore",
    "run",
    "segments",
    "share",
    "translate",
    "unlink",
    "wait_any",
    "watch",
]
