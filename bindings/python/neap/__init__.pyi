import builtins
import os
from types import TracebackType
from typing import (
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    SupportsIndex,
    Tuple,
    Type,
    TypeVar,
    Union,
)

from . import _neap
from ._neap import BadArgument as BadArgument
from ._neap import Barrier as Barrier
from ._neap import BrokenBarrier as BrokenBarrier
from ._neap import Closed as Closed
from ._neap import Condition as Condition
from ._neap import Corrupted as Corrupted
from ._neap import Counter as Counter
from ._neap import Error as Error
from ._neap import Event as Event
from ._neap import Guard as Guard
from ._neap import Latch as Latch
from ._neap import LayoutMismatch as LayoutMismatch
from ._neap import Mutex as Mutex
from ._neap import NotAHeap as NotAHeap
from ._neap import NotOwner as NotOwner
from ._neap import Once as Once
from ._neap import OutOfRange as OutOfRange
from ._neap import Range as Range
from ._neap import RWLock as RWLock
from ._neap import Semaphore as Semaphore
from ._neap import SlotsExhausted as SlotsExhausted
from ._neap import Timeout as Timeout
from ._neap import TypeMismatch as TypeMismatch
from ._neap import Watch as Watch
from ._neap import WorkerError as WorkerError
from ._neap import WorkerKilled as WorkerKilled
from ._neap import fetch_add as fetch_add
from ._neap import wait_any as wait_any
from ._neap import watch as watch

__version__: str
__all__: List[str]

_T = TypeVar("_T")
_Address = Union[str, os.PathLike[str]]
_Raw = Union[str, int, os.PathLike[str]]
_Size = Union[int, str]
_Shape = Union[SupportsIndex, Sequence[SupportsIndex]]

class HeapInfo(NamedTuple):
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

class ObjectInfo(NamedTuple):
    name: str
    kind: str
    variant: Optional[str]
    dtype: Optional[str]
    shape: Optional[Tuple[int, ...]]
    bytes: int
    value: Union[int, float, None]
    holder: int
    id: int

class SlotInfo(NamedTuple):
    number: int
    incarnation: int
    dead: bool
    pid: int
    tid: int
    held: int
    permits: int

class LockUse(NamedTuple):
    name: str
    kind: str
    role: str
    slot: int
    pid: int
    tid: int
    dead: bool
    waited: Optional[float]
    held: Optional[float]
    permits: int

class MappingFault(OSError): ...

def guard(on: Optional[bool] = None) -> bool: ...
def check_fault() -> None: ...

class HeapPart(NamedTuple):
    kind: str
    offset: int
    size: int
    resident: int
    name: str
    others: int

class OverlayStats(NamedTuple):
    loads: int
    hits: int
    replaced: int
    loaded: int
    written: int
    frames: int
    used: int
    pinned: int

class Overlay(_neap.Overlay):
    def __init__(
        self, segment: Union[Segment, _Raw], *, zone: _Size = "64M", frames: int = 8,
        copy: bool = False, read_only: bool = False, address: int = 0,
    ) -> None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def size(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def zone(self) -> Tuple[int, int]: ...
    @property
    def frame_size(self) -> int: ...
    def load(self, offset: int, length: int, write: bool = False) -> Mapping: ...
    def windows(
        self, size: Optional[_Size] = None, write: bool = False
    ) -> Iterator[Tuple[int, Mapping]]: ...
    def read(self, offset: int, dtype: Any) -> Any: ...
    def write(self, offset: int, dtype: Any, value: Any) -> None: ...
    def array(self, dtype: Any, shape: Any = None, offset: int = 0) -> OverlayArray: ...
    def flush(self, sync: bool = False) -> None: ...
    def stats(self) -> OverlayStats: ...
    def close(self) -> None: ...
    def __enter__(self) -> Overlay: ...
    def __exit__(self, *error: Any) -> None: ...

class OverlayArray:
    overlay: Overlay
    shape: Tuple[int, ...]
    offset: int
    def __init__(self, overlay: Overlay, dtype: Any, shape: Any = None, offset: int = 0) -> None: ...
    @property
    def dtype(self) -> Any: ...
    @property
    def size(self) -> int: ...
    def windows(self, write: bool = False) -> Iterator[Tuple[int, Any]]: ...
    def sum(self) -> Any: ...
    def min(self) -> Any: ...
    def max(self) -> Any: ...
    def mean(self) -> Any: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __getitem__(self, key: Any) -> Any: ...
    def __setitem__(self, key: Any, value: Any) -> None: ...

class LockStatistics(NamedTuple):
    kind: str
    measured: bool
    acquisitions: int
    contended: int
    longest_wait: float
    waited: Optional[float]
    longest_hold: Optional[float]
    held: Optional[float]

class Locks(NamedTuple):
    uses: List[LockUse]
    deadlocks: List[str]

class CheckpointReport(NamedTuple):
    size: int
    stored: int
    changed: int
    stopped: int
    pause: float
    took: float

class CheckpointInfo(NamedTuple):
    kind: str
    size: int
    stored: int
    taken: int
    uuid: str
    host: str
    address: str

class MapInfo(NamedTuple):
    address: int
    size: int
    offset: int
    device: int
    inode: int
    protection: str
    shared: bool
    deleted: bool
    kind: str
    resident: int
    others: int
    dirty: int
    swapped: int
    name: str

class PageInfo(NamedTuple):
    page: int
    offset: int
    page_size: int
    present: bool
    swapped: bool
    frame: Optional[int]
    mapped: Optional[int]
    sharers: Tuple[int, ...]
    node: Optional[int]
    map: MapInfo

class Node(NamedTuple):
    node: int
    total: int
    free: int

class HugePool(NamedTuple):
    page: int
    total: int
    free: int

class Feature(NamedTuple):
    name: str
    present: bool
    use: str
    without: str

class CheckReport(NamedTuple):
    problems: int
    leaks: int
    doubles: int
    torn: int
    blocks: int
    free_blocks: int
    used_bytes: int
    free_bytes: int
    objects: int
    text: str

class SegmentStat(NamedTuple):
    kind: str
    size: int
    allocated: int
    mode: int
    uid: int
    gid: int
    attached: int
    creator_pid: int
    accessed: int
    modified: int
    changed: int
    last_pid: int
    id: int
    removed: bool
    page: int

class SegmentInfo(NamedTuple):
    address: str
    is_heap: bool
    stat: SegmentStat

class KernelSemaphoreStat(NamedTuple):
    kind: str
    count: int
    mode: int
    uid: int
    gid: int
    id: int
    operated: int
    changed: int

class KernelSemaphoreInfo(NamedTuple):
    address: str
    stat: KernelSemaphoreStat

class KernelSemaphoreUse(NamedTuple):
    value: int
    last_pid: int
    waiting: int
    waiting_for_zero: int

class KernelSemaphore(_neap.KernelSemaphore):
    def __init__(
        self, address: _Raw, create: bool = False, initial: int = 0, mode: int = 0o600,
        count: Optional[int] = None, exclusive: bool = False, undo: bool = False,
    ) -> None: ...
    @staticmethod
    def unlink(address: _Raw) -> None: ...
    @staticmethod
    def list() -> List[KernelSemaphoreInfo]: ...
    def acquire(
        self, blocking: bool = True, timeout: Optional[float] = None, n: int = 1, index: int = 0
    ) -> bool: ...
    def release(self, n: int = 1, index: int = 0) -> None: ...
    def apply(
        self, changes: Iterable[Tuple[int, int]], timeout: Optional[float] = None
    ) -> bool: ...
    def get_value(self, index: int = 0) -> int: ...
    def set_value(self, value: int, index: int = 0) -> None: ...
    def look(self, index: int = 0) -> KernelSemaphoreUse: ...
    def stat(self) -> KernelSemaphoreStat: ...
    @property
    def value(self) -> int: ...
    @property
    def values(self) -> List[int]: ...
    @property
    def address(self) -> str: ...
    @property
    def undo(self) -> bool: ...
    def __len__(self) -> int: ...
    def __enter__(self) -> bool: ...
    def __exit__(self, *error: Any) -> None: ...

class Heap(_neap.Heap):
    @property
    def address(self) -> str: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    def counter(self, name: str, kind: Optional[str] = None) -> Counter: ...
    def mutex(self, name: str, recursive: Optional[bool] = None, *,
        spin: Union[str, int] = "auto") -> Mutex: ...
    def semaphore(self, name: str, initial: int = 1, undo: Optional[bool] = None, bound: Optional[int] = None, *,
        spin: Union[str, int] = "auto") -> Semaphore: ...
    def event(self, name: str, *,
        spin: Union[str, int] = "auto") -> Event: ...
    def latch(self, name: str, count: Optional[int] = None, *,
        spin: Union[str, int] = "auto") -> Latch: ...
    def condition(self, name: str, mutex: Optional[Mutex] = None, *,
        spin: Union[str, int] = "auto") -> Condition: ...
    def rwlock(self, name: str, *,
        spin: Union[str, int] = "auto") -> RWLock: ...
    def barrier(self, name: str, parties: Optional[int] = None,
                shrink: Optional[bool] = None,
                counted: bool = False,
                action: Optional[Callable[[], Any]] = None,
                timeout: Optional[float] = None, *,
        spin: Union[str, int] = "auto") -> Barrier: ...
    def once(self, name: str, *,
        spin: Union[str, int] = "auto") -> Once: ...
    def array(self, name: str, shape: Optional[_Shape] = None, dtype: Any = None) -> Any: ...
    def memoryview(
        self, name: str, shape: Optional[_Shape] = None, dtype: Any = None
    ) -> builtins.memoryview: ...
    def array_handle(
        self, name: str, shape: Optional[_Shape] = None, dtype: Any = None
    ) -> Shared: ...
    def object(self, name: str) -> Any: ...
    def list(self) -> List[ObjectInfo]: ...
    def find(self, name: str) -> ObjectInfo: ...
    def info(self) -> HeapInfo: ...
    def slots(self) -> List[SlotInfo]: ...
    def check(self) -> CheckReport: ...
    def locks(self) -> Locks: ...
    def snapshot(self, *, nobody_writes: bool = False) -> Segment: ...
    def segment(self) -> Segment: ...
    def serve(
        self, path: Union[str, os.PathLike[str]], timeout: Optional[float] = None, *,
        mode: int = 0o600, count: int = 0, fresh: float = 1.0,
    ) -> int: ...
    def parts(self) -> List[HeapPart]: ...
    def processes(self) -> List[int]: ...
    def measure(self, name: Optional[str] = None, on: bool = True) -> int: ...
    def statistics(self, name: str) -> LockStatistics: ...
    def checkpoint(
        self, path: Union[str, os.PathLike[str]], *, mode: int = 0o600,
        nobody_writes: bool = False, compress: Union[bool, str, int, None] = False
    ) -> CheckpointReport: ...
    def __iter__(self) -> Iterator[str]: ...
    def __contains__(self, name: str) -> bool: ...
    def __enter__(self) -> Heap: ...
    def __exit__(self, *error: Any) -> None: ...

class Shared:
    array: Any
    def __init__(self, array: Any) -> None: ...
    @property
    def name(self) -> str: ...

class Segment(_neap.Segment):
    @classmethod
    def create(cls, address: _Raw, size: _Size, mode: int = 0o600, *,
               huge: Optional[str] = None, huge_page: _Size = 0) -> Segment: ...
    @classmethod
    def open(cls, address: _Raw, read_only: bool = False) -> Segment: ...
    @classmethod
    def open_or_create(cls, address: _Raw, size: _Size, mode: int = 0o600) -> Segment: ...
    @property
    def size(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def stat(self) -> SegmentStat: ...
    def resize(self, size: _Size) -> None: ...
    def set_mode(self, mode: int) -> None: ...
    def set_owner(self, uid: Optional[int] = None, gid: Optional[int] = None) -> None: ...
    @classmethod
    def take(cls, path: Union[str, os.PathLike[str]], timeout: Optional[float] = None) -> Segment: ...
    @classmethod
    def receive(cls, socket: Any) -> Segment: ...
    @classmethod
    def from_fd(cls, fd: int) -> Segment: ...
    def heap(self, *, read_only: bool = False, deadlock: str = "wait") -> Heap: ...
    def give(
        self, path: Union[str, os.PathLike[str]], timeout: Optional[float] = None
    ) -> bool: ...
    def send(self, socket: Any) -> None: ...
    def seal(self, *seals: str) -> None: ...
    @property
    def seals(self) -> Set[str]: ...
    def punch(self, offset: _Size, length: _Size) -> None: ...
    def map(
        self,
        offset: _Size = 0,
        length: _Size = 0,
        prot: str = "rw",
        *,
        private: bool = False,
        address: int = 0,
        prefault: bool = False,
        lock: bool = False,
        huge: Optional[str] = None,
    ) -> Mapping: ...
    def __enter__(self) -> Segment: ...
    def __exit__(self, *error: Any) -> None: ...

class Mapping(_neap.Mapping):
    @property
    def closed(self) -> bool: ...
    @property
    def prot(self) -> str: ...
    def __len__(self) -> int: ...
    def read(self, offset: int, dtype: Any) -> Any: ...
    def write(self, offset: int, dtype: Any, value: Any) -> None: ...
    def bytes(self, offset: int = 0, length: Optional[int] = None) -> builtins.bytes: ...
    def write_bytes(self, offset: int, data: Any) -> None: ...
    def array(self, dtype: Any, shape: Optional[_Shape] = None, offset: int = 0) -> Any: ...
    @property
    def address(self) -> int: ...
    def advise(self, advice: str, offset: int = 0, length: int = 0) -> None: ...
    def place(self, placement: str, nodes: Union[int, Iterable[int]] = (), offset: int = 0, length: int = 0) -> None: ...
    def resize(self, segment: Segment, length: _Size = 0, *, move: bool = False) -> None: ...
    def resident(self, offset: int = 0, length: int = 0) -> int: ...
    def protect(self, prot: str, offset: Optional[int] = None, length: int = 0) -> None: ...
    def translate(self, offset: int = 0) -> PageInfo: ...
    def __enter__(self) -> Mapping: ...
    def __exit__(self, *error: Any) -> None: ...

class RemoteTraceback(Exception):
    text: str
    def __init__(self, text: str) -> None: ...

class Worker:
    id: int
    workers: int
    def __init__(self, id: int, workers: int, team: Any) -> None: ...
    def range(
        self, start: int, stop: Optional[int] = None, step: int = 1, *, chunk: int = 0
    ) -> Range: ...

class Process(_neap.Process):
    def __init__(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> None: ...
    @property
    def pid(self) -> int: ...
    @property
    def alive(self) -> bool: ...
    def kill(self, signal: int = ...) -> None: ...
    def wait(self, timeout: Optional[float] = None) -> Any: ...
    def __enter__(self) -> Process: ...
    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        tb: Optional[TracebackType],
    ) -> None: ...

def open(
    address: _Address,
    *,
    create: Union[bool, str] = True,
    read_only: bool = False,
    ephemeral: bool = False,
    mode: int = 0o600,
    slots: int = 0,
    reserve: _Size = 0,
    size: _Size = 0,
    deadlock: str = "wait",
) -> Heap: ...
def restore(
    path: Union[str, os.PathLike[str]],
    address: Optional[_Address] = None,
    *,
    mode: int = 0o600,
    reserve: _Size = 0,
    ephemeral: bool = False,
) -> Heap: ...
def checkpoint_info(path: Union[str, os.PathLike[str]]) -> CheckpointInfo: ...
def heap(*, slots: int = 0, reserve: _Size = 0, size: _Size = 0) -> Heap: ...
def maps(pid: Optional[int] = None) -> List[MapInfo]: ...
def translate(address: int, pid: Optional[int] = None) -> PageInfo: ...
def features() -> List[Feature]: ...
def nodes() -> List[Node]: ...
def huge_pages() -> List[HugePool]: ...
def share(array: Any) -> Shared: ...
def map(
    address: _Raw, size: Optional[_Size] = None, prot: str = "rw", mode: int = 0o600
) -> Mapping: ...
def ftok(path: Union[str, os.PathLike[str]], number: int) -> int: ...
def segments() -> List[SegmentInfo]: ...
def unlink(address: _Raw) -> None: ...
def run(
    n: int,
    fn: Callable[..., _T],
    *args: Any,
    progress: Union[bool, str] = "auto",
    seed: Any = None,
    name: Optional[str] = None,
) -> List[_T]: ...
def fork(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Process: ...
