"""Address spaces made visible, and what the machine offers."""
from typing import NamedTuple, Optional, Tuple

from . import _neap


class MapInfo(NamedTuple):
    """A mapping of a process; sizes are in bytes.

    kind is "posix", "sysv", "file", "anonymous" (shared over fork), "memfd",
    "private", "heap" (malloc's), "stack" or "kernel".
    """

    address: int
    size: int
    offset: int  # in what is mapped
    device: int
    inode: int  # sysv: the segment's id
    protection: str  # "rw-"
    shared: bool
    deleted: bool
    kind: str
    resident: int  # in memory
    others: int  # of these, in memory of other processes too
    dirty: int
    swapped: int
    name: str


class PageInfo(NamedTuple):
    """What is behind an address."""

    page: int
    offset: int  # of the address in it
    page_size: int
    present: bool
    swapped: bool
    frame: Optional[int]  # physical; only root is told
    mapped: Optional[int]  # by how many page tables; likewise
    sharers: Tuple[int, ...]  # pids that have the same page mapped, shared
    node: Optional[int]  # of memory, that it is on, if that is known
    map: MapInfo


class Feature(NamedTuple):
    """Something of the kernel that neap uses."""

    name: str
    present: bool
    use: str
    without: str


class HugePool(NamedTuple):
    """Huge pages that root has set aside, of one size."""

    page: int  # bytes
    total: int
    free: int  # neither used nor promised


class Node(NamedTuple):
    """A node of memory; sizes are in bytes."""

    node: int
    total: int
    free: int


def maps(pid=None):
    """The mappings of a process (None: this one), in order of address: a list
    of MapInfo. ProcessLookupError; PermissionError for another user's."""
    return [MapInfo(*raw) for raw in _neap._maps_of(pid or 0)]


def translate(address, pid=None):
    """What is behind an address of a process (None: this one): a PageInfo.

    OSError EFAULT where nothing is mapped; ProcessLookupError;
    PermissionError.
    """
    *page, raw = _neap._translate(pid or 0, address)
    return PageInfo(*page, MapInfo(*raw))


def features():
    """The features of the kernel that neap uses, tried now: a list of
    Feature."""
    return [Feature(*raw) for raw in _neap._features()]


def huge_pages():
    """The pools of huge pages, one for each size: a list of HugePool."""
    return [HugePool(*raw) for raw in _neap._huge_pools()]


def nodes():
    """The nodes of memory (NUMA): a list of Node."""
    return [Node(*raw) for raw in _neap._nodes()]
