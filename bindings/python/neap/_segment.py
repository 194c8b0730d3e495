"""Segments and mappings: raw memory, step by step or in one line."""
import os

from . import _neap
from ._info import SegmentInfo, SegmentStat
from ._maps import MapInfo, PageInfo
from ._types import as_ndarray, code_of, shape_of

_PROTECTIONS = {"none": 0, "": 0, "r": 1, "w": 3, "rw": 3, "x": 4, "rx": 5,
                "rwx": 7}
_PROTECTION_NAMES = {0: "none", 1: "r", 3: "rw", 2: "rw", 4: "x", 5: "rx",
                     7: "rwx", 6: "rwx"}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def address_of(address):
    """A str as it is; a path object means a file."""
    if isinstance(address, os.PathLike):
        return "file:" + os.fsdecode(address)
    return address


def segment_of(address):
    """The same, and an int means a System V key."""
    if isinstance(address, int) and not isinstance(address, bool):
        return f"sysv:{address}"
    return address_of(address)


def bytes_of(size, what="size"):
    """A number of bytes: an int, or a str such as "64K", "1.5M" or "64GiB"."""
    if not isinstance(size, str):
        return size
    text = size.strip().upper()
    for ending in ("IB", "B"):
        if text.endswith(ending):
            text = text[: -len(ending)].rstrip()
            break
    unit = text[-1:] if text[-1:] in _UNITS else ""
    try:
        return int(float(text[: len(text) - len(unit)]) * _UNITS[unit])
    except (ValueError, OverflowError):
        raise ValueError(
            f'{what} {size!r} is not a size: write an int, or "64K", "1.5M", '
            '"64G"'
        ) from None


def mode_of(mode):
    if not isinstance(mode, int):
        raise TypeError(f"mode must be an int such as 0o600, not {mode!r}")
    if not 0 < mode <= 0o777:
        raise ValueError(
            f"mode {oct(mode)} is not a permission: write 0o600 or 0o660"
        )
    return mode


def _owner_of(number):
    if number is None:
        return 0xFFFFFFFF
    if not isinstance(number, int):
        raise TypeError(f"a user or a group is an int, not {number!r}")
    if not 0 <= number < 0xFFFFFFFF:
        raise ValueError(f"{number} is no user and no group")
    return number


def ftok(path, number):
    """The System V key of a file that exists and a number from 1 to 255.

    Segment.create(ftok(path, 7), 4096) makes a segment of that key.
    FileNotFoundError; BadArgument for another number.
    """
    return _neap.ftok_of(os.fsdecode(path), number)


_SEALS = {"seal": 1, "shrink": 2, "grow": 4, "write": 8, "future_write": 16}
_HUGE = {None: 0, "try": 8, "require": 16}
_ADVICE = {"normal": 0, "sequential": 1, "random": 2, "willneed": 3,
           "dontneed": 4}


_PLACEMENT = {"default": 0, "bind": 1, "prefer": 2, "interleave": 3}


def _bits(nodes):
    bits = 0
    for node in (nodes,) if isinstance(nodes, int) else nodes:
        if not isinstance(node, int):
            raise TypeError(f"a node is an int, not {node!r}")
        if not 0 <= node < 64:
            raise ValueError(f"a node is a number from 0 to 63, not {node}")
        bits |= 1 << node
    return bits


def _word(word, words, what):
    try:
        return words[word]
    except (KeyError, TypeError):
        raise ValueError(
            f"{what} {word!r} is none of "
            + ", ".join(f'"{w}"' for w in words if w)
        ) from None


def _protection_of(prot):
    if not isinstance(prot, str):
        raise TypeError(f"prot must be a str such as \"rw\", not {prot!r}")
    try:
        return _PROTECTIONS[prot]
    except KeyError:
        raise ValueError(
            f"prot {prot!r} is none of \"r\", \"rw\", \"rx\", \"rwx\", \"none\""
        ) from None


class Segment(_neap.Segment):
    """Memory that the kernel lends, of any kind and made by any program.

    Made by Segment.create, Segment.open or Segment.open_or_create. An address
    is "sky" or "posix:sky", "sysv:5678", "file:results.bin", "memfd:label",
    "anonymous:". A context manager that closes; pickles as its address.
    """

    __module__ = "neap"

    @classmethod
    def create(cls, address, size, mode=0o600, *, huge=None, huge_page=0):
        """Make a segment of `size` bytes, zero-filled and set aside at once.

        `huge` is "try" or "require": a memfd, sysv or anonymous segment in huge
        pages that root has set aside, its size rounded up to whole ones, of
        `huge_page` bytes where that is not the machine's default. stat().page
        tells what it got.

        FileExistsError when there is one; OSError ENOSPC when the memory is
        not there; MemoryError for too few huge pages; PermissionError.
        """
        return cls(segment_of(address), _neap.SEGMENT_CREATE, bytes_of(size),
                   mode_of(mode), False, _word(huge, _HUGE, "huge") >> 3,
                   bytes_of(huge_page, "huge_page"))

    @classmethod
    def open(cls, address, read_only=False):
        """Open what is there. FileNotFoundError; PermissionError."""
        return cls(segment_of(address), _neap.SEGMENT_OPEN, 0, 0, read_only)

    @classmethod
    def open_or_create(cls, address, size, mode=0o600):
        """Open it, or make it if it is missing: of many callers at once one
        creates, and all get the same segment. One that is there keeps its
        size."""
        return cls(segment_of(address), _neap.SEGMENT_OPEN_OR_CREATE,
                   bytes_of(size), mode_of(mode), False)

    @classmethod
    def take(cls, path, timeout=None):
        """Take what another process gives at that path of a Unix socket.
        Timeout when nobody has in time."""
        if timeout is not None and not timeout >= 0:
            raise ValueError("timeout must be 0 or more seconds, or None")
        wait = (1 << 64) - 1 if timeout is None else int(timeout * 1e9)
        return cls(os.fsdecode(path), _neap.SEGMENT_TAKE, wait, 0, False)

    @classmethod
    def receive(cls, socket):
        """Receive what send() sends at the other end of a Unix socket."""
        return cls("", _neap.SEGMENT_RECEIVE, socket.fileno(), 0, False)

    @classmethod
    def from_fd(cls, fd):
        """A segment of a descriptor that came in another way, as from
        os.memfd_create(): it becomes the segment's own. OSError EPROTO for what
        is no memory and no file."""
        return cls("", _neap.SEGMENT_ADOPT, fd, 0, False)

    def heap(self, *, read_only=False, deadlock="wait"):
        """Open the heap in it, which is read-only if the segment is, as a
        snapshot always: a Heap. NotAHeap, LayoutMismatch, Corrupted; OSError
        ENOTSUP for sysv and anonymous, PermissionError."""
        from ._heap import heap_in

        return heap_in(self, read_only, deadlock)

    def give(self, path, timeout=None):
        """Give it to the process that takes it at that path of a Unix socket:
        True, or False when nobody has in time."""
        return self._give(os.fsdecode(path), timeout)

    def send(self, socket):
        """Send it over a connected Unix socket. OSError ENOTSUP for sysv and
        anonymous."""
        self._send(socket.fileno())

    def seal(self, *seals):
        """Seal a memfd segment, for ever and for everybody: "write",
        "future_write", "grow", "shrink", "seal". OSError EBUSY while it is
        mapped for writing."""
        bits = 0
        for seal in seals:
            bits |= _word(seal, _SEALS, "seal")
        self._seal(bits)

    @property
    def seals(self):
        """The names of its seals: a set."""
        bits = self._seals()
        return {name for name, bit in _SEALS.items() if bits & bit}

    @property
    def size(self):
        """Bytes now."""
        return self._size()

    @property
    def address(self):
        """Its address, fit for Segment.open where the kind has names."""
        return self._address()

    @property
    def kind(self):
        """"posix", "sysv", "file", "anonymous" or "memfd"."""
        return self._kind()

    @property
    def closed(self):
        """True after close()."""
        return not self._is_open()

    def stat(self):
        """What the kernel says of it: a SegmentStat."""
        return SegmentStat(*self._stat())

    def resize(self, size):
        """Give a posix, file or memfd segment another size, such as 8192 or
        "8K". New bytes are zero and set aside at once.

        OSError: ENOSPC when the memory is not there, ENOTSUP for sysv and
        anonymous segments.
        """
        super().resize(bytes_of(size))

    def set_mode(self, mode):
        """Give it another mode, such as 0o640. Who has it open keeps what he
        has. PermissionError for who is neither its owner nor root."""
        self._set_mode(mode_of(mode))

    def set_owner(self, uid=None, gid=None):
        """Give it another owner, another group, or both; None leaves one as it
        is. PermissionError for who may not."""
        self._set_owner(_owner_of(uid), _owner_of(gid))

    def punch(self, offset, length):
        """Make a hole: those bytes read as zero, and their pages are given
        back to the system. OSError ENOTSUP for sysv and anonymous."""
        self._punch(bytes_of(offset), bytes_of(length))

    def map(self, offset=0, length=0, prot="rw", *, private=False, address=0,
            prefault=False, lock=False, huge=None):
        """Map `length` bytes from `offset` on (0: to the end): a Mapping.

        prot is "r", "rw", "rx", "rwx" or "none". With `private` (of sysv and
        anonymous all is copied at once) nobody else
        sees what is written. `address` is where it shall be, and nothing else
        may be there (FileExistsError). `prefault` brings all pages at once,
        `lock` keeps them from being swapped out, `huge` is "try" or "require".
        The segment may be closed afterwards. BadArgument past the end;
        PermissionError.
        """
        flags = (1 if private else 0) | (2 if prefault else 0) | (
            4 if lock else 0) | _word(huge, _HUGE, "huge")
        return Mapping(self, bytes_of(offset), bytes_of(length),
                       _protection_of(prot), flags, address, None)

    def __enter__(self):
        self._address()  # a closed one is refused
        return self

    def __exit__(self, *error):
        self.close()

    def __repr__(self):
        if self.closed:
            return "<neap.Segment, closed>"
        return f"<neap.Segment {self.address!r}>"

    def __reduce__(self):
        kind, address = self.kind, self.address
        if kind == "memfd":
            address = f"file:/proc/{os.getpid()}/fd/{self.fileno()}"
        if kind == "anonymous":
            raise TypeError(
                "an anonymous segment has no address to pickle: it is shared "
                "with children of a fork"
            )
        return Segment.open, (address, self._read_only())


class Mapping(_neap.Mapping):
    """A segment, or a part of one, at an address of this process.

    Made by segment.map() or neap.map(). Reads and writes are checked: past
    the end is OutOfRange (an IndexError), against the protection
    PermissionError. It exports its bytes: memoryview(mapping) and
    numpy.frombuffer(mapping) do not copy. A context manager that closes.
    """

    __module__ = "neap"

    @property
    def closed(self):
        """True after close()."""
        return not self._is_open()

    @property
    def prot(self):
        """What may be done with it: "r", "rw" ..."""
        return _PROTECTION_NAMES.get(self._protection(), "?")

    def __len__(self):
        return self._length()

    def read(self, offset, dtype):
        """One element at a byte offset, aligned or not."""
        return self._read(offset, code_of(dtype))

    def write(self, offset, dtype, value):
        """Store one element at a byte offset, aligned or not.

        BadArgument (a ValueError) for a value that the type cannot hold.
        """
        self._write(offset, code_of(dtype), value)

    def bytes(self, offset=0, length=None):
        """A copy of `length` bytes from `offset` on (None: to the end)."""
        if length is None:
            whole = isinstance(offset, int)  # what it is not, C refuses
            length = max(0, len(self) - offset) if whole else 0
        return self._read_bytes(offset, length)

    def write_bytes(self, offset, data):
        """Store bytes, or the bytes of any buffer."""
        self._write_bytes(offset, data)

    def array(self, dtype, shape=None, offset=0):
        """See it as an array from a byte offset on, without copying.

        shape None means one dimension, to the end. A numpy.ndarray (a
        memoryview without numpy), read-only if the mapping is; it keeps the
        memory mapped.
        """
        code = code_of(dtype)
        lengths = shape_of(shape) or (self._elements_after(offset, code),)
        return as_ndarray(self._array(offset, code, lengths))

    def _elements_after(self, offset, code):
        if not isinstance(offset, int):
            raise TypeError(f"offset must be an int, not {offset!r}")
        return max(0, len(self) - max(0, offset)) // _neap.type_size(code)

    def translate(self, offset=0):
        """What is behind a byte of it: a PageInfo, as neap.translate() tells.
        OutOfRange past the end."""
        *page, raw = self._translate(offset)
        return PageInfo(*page, MapInfo(*raw))

    @property
    def address(self):
        """Where it is in this process: a number."""
        return self._data()

    def advise(self, advice, offset=0, length=0):
        """Tell the kernel how it, or a part of it, will be used: "normal",
        "sequential", "random", "willneed", "dontneed"."""
        self._advise(_word(advice, _ADVICE, "advice"), offset, length)

    def place(self, placement, nodes=(), offset=0, length=0):
        """On which nodes of memory its pages, or those of a part, are: "bind" on
        these and no other, "prefer" one, "interleave" several by turns,
        "default". `nodes` is one or several. Pages that are there already move,
        unless other processes have them mapped too (OSError EIO if bound).
        BadArgument for a node that there is not.
        """
        self._place(_word(placement, _PLACEMENT, "placement"), _bits(nodes),
                    offset, length)

    def resize(self, segment, length=0, *, move=False):
        """Give it another length, such as 8192 or "8K", or let it reach to the
        segment's end, as after segment.resize(). It starts where it did.

        `segment` is an open handle of what it is of. It grows in its place, or
        with `move` goes to where there is room, unless an array or a memoryview
        shows it. BadArgument past the segment's end; MemoryError no room in its
        place; OSError EBUSY, ENOTSUP.
        """
        self._resize(segment, bytes_of(length, "length"), move)

    def resident(self, offset=0, length=0):
        """How many bytes of it, or of a part of it, are in memory, in whole
        pages."""
        return self._resident(offset, length)

    def protect(self, prot, offset=None, length=0):
        """Change what may be done with the whole mapping: "r", "rw" ...; with
        an offset, with the pages that hold `length` bytes from there on.

        OSError EBUSY when writing is taken away while an array or a
        memoryview shows the memory: a store through it would kill the process.
        """
        if offset is None:
            self._protect(_protection_of(prot))
        else:
            self._protect_part(_protection_of(prot), offset, length)

    def __enter__(self):
        self._length()  # a closed one is refused
        return self

    def __exit__(self, *error):
        self.close()

    def __repr__(self):
        if self.closed:
            return "<neap.Mapping, closed>"
        return f"<neap.Mapping of {len(self)} bytes, {self.prot}>"

    def __reduce__(self):
        raise TypeError(
            "a mapping belongs to its process: pickle the segment and map it "
            "on the other side"
        )


def map(address, size=None, prot="rw", mode=0o600):
    """Map a whole segment in one line.

    With `size` it is made if it is missing (one that is there keeps its size);
    without, it must be there.
    """
    if size is None:
        read_only = not _protection_of(prot) & 2
        segment = Segment.open(address, read_only=read_only)
    else:
        segment = Segment.open_or_create(address, size, mode)
    with segment:
        return segment.map(prot=prot)


def segments():
    """The posix and sysv segments of this machine: a list of SegmentInfo."""
    return [
        SegmentInfo(address, is_heap, SegmentStat(*stat))
        for address, is_heap, stat in _neap.list_segments()
    ]


def unlink(address):
    """Take away the name of a segment or heap; its users go on.

    FileNotFoundError when it is gone already; PermissionError.
    """
    _neap.unlink_address(segment_of(address))
