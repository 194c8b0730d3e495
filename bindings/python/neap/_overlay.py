"""Overlays: parts of what is larger than memory, loaded on demand."""
import math

from . import _neap
from ._info import OverlayStats
from ._segment import Mapping, Segment, bytes_of
from ._types import as_ndarray, code_of, numpy, shape_of


class Overlay(_neap.Overlay):
    """A zone of addresses, divided into frames, into which parts of a segment
    much larger than the zone are loaded on demand, each replacing the one that
    was used longest ago.

    Over a Segment that has a descriptor (posix, file, memfd), or the address of
    one that is there. zone is bytes or "64M"; with copy=False what is written is
    the segment's at once, with copy=True it is written back when it is replaced,
    flushed or closed. `address` is where the zone shall be. A context manager
    that closes; the segment may be closed before.

    BadArgument; OSError ENOTSUP; FileExistsError the address is not free.
    """

    __module__ = "neap"

    def __init__(self, segment, *, zone="64M", frames=8, copy=False,
                 read_only=False, address=0):
        own = None
        if not isinstance(segment, _neap.Segment):
            segment = own = Segment.open(segment, read_only)
        try:
            super().__init__(segment, bytes_of(zone, "zone"), frames, copy,
                             read_only, address)
        finally:
            if own:
                own.close()

    @property
    def closed(self):
        """True after close()."""
        return not self._is_open()

    @property
    def size(self):
        """Bytes of the segment now."""
        return self._size()

    @property
    def address(self):
        """The address of its segment."""
        return self._address()

    @property
    def read_only(self):
        """True if nothing may be written."""
        return self._read_only()

    @property
    def zone(self):
        """The address of the zone in this process, and its bytes."""
        return self._zone()[:2]

    @property
    def frame_size(self):
        """Bytes of a frame: a page more than the longest part that fits
        wherever it begins."""
        return self._zone()[2]

    def load(self, offset, length, write=False):
        """Load a part and have it as a Mapping: until it, and all arrays over
        it, are gone its frame stays.

        BadArgument past the end, or more than fits into a frame; OSError EBUSY
        all frames are in use; PermissionError.
        """
        return Mapping(None, offset, length, 0, 1 if write else 0, 0, self)

    def windows(self, size=None, write=False):
        """Go through the segment from its beginning to its end, window by window
        (a frame unless said): for each, its offset and the Mapping. Arrays over
        it are to be let go before the frames are used up."""
        frame = self.frame_size
        size = frame if size is None else bytes_of(size)
        if not 0 < size <= frame:
            raise ValueError(f"a window has 1 to {frame} bytes, not {size}")
        offset = 0
        while offset < self.size:
            part = self.load(offset, min(size, self.size - offset), write)
            yield offset, part
            part.close()
            offset += size

    def read(self, offset, dtype):
        """One element at a byte offset, aligned or not."""
        return self._read(offset, code_of(dtype))

    def write(self, offset, dtype, value):
        """Store one element at a byte offset, aligned or not."""
        self._write(offset, code_of(dtype), value)

    def array(self, dtype, shape=None, offset=0):
        """See the segment as an array, from a byte offset on: what is indexed is
        loaded. An OverlayArray; shape None means one dimension, to the end."""
        return OverlayArray(self, dtype, shape, offset)

    def flush(self, sync=False):
        """Write what was changed in copies back; with sync also to the disk.
        OSError ENOSPC, EIO: what could not be written is still to be."""
        self._flush(sync)

    def stats(self):
        """What has been done: OverlayStats."""
        return OverlayStats(*self._stats())

    def close(self):
        """Flush it and give the zone back, once the last part of it is gone."""
        if not self.closed:
            self._flush(False)
            self._close()

    def __enter__(self):
        self._address()  # a closed one is refused
        return self

    def __exit__(self, *error):
        self.close()

    def __repr__(self):
        if self.closed:
            return "<neap.Overlay, closed>"
        return f"<neap.Overlay of {self.address!r}>"


class OverlayArray:
    """An array in an overlay: what is indexed is loaded, and copied.

    a[i], a[i:j] and a[i, ...] index the first dimension and give a scalar or a
    copy; assigning to them writes. windows() gives arrays that are no copies.
    sum(), min(), max(), mean() go through all of it.
    """

    __module__ = "neap"

    def __init__(self, overlay, dtype, shape=None, offset=0):
        code = code_of(dtype)
        stride = _neap.type_size(code)
        most = max(0, overlay.size - offset) // stride
        shape = shape_of(shape) or (most,)
        if offset < 0 or min(shape) < 1 or math.prod(shape) > most:
            raise ValueError(
                f"{overlay.address} has {most} elements of {dtype} from byte "
                f"{offset} on, not {shape}"
            )
        self.overlay = overlay
        self.shape = shape
        self.offset = offset
        self._dtype, self._code = dtype, code
        self._row = math.prod(shape[1:])  # elements
        self._bytes = self._row * stride

    @property
    def dtype(self):
        """Its element type: a numpy.dtype, or a name without numpy."""
        return self._dtype if numpy is None else numpy.dtype(self._dtype)

    @property
    def size(self):
        """Elements in all."""
        return len(self) * self._row

    def __len__(self):
        return self.shape[0]

    def _most(self):
        """How many rows fit into a part."""
        frame = self.overlay.frame_size
        fits = frame if frame % self._bytes == 0 == self.offset % self._bytes \
            else frame - 4096
        if fits < self._bytes:
            raise ValueError(
                f"a row of {self._bytes} bytes does not fit into a frame of "
                f"{frame}; make the overlay with a larger zone or fewer frames"
            )
        return fits // self._bytes

    def _parts(self, start, stop, write=False):
        """(first row, array over the rows from there on), window by window."""
        most, frame = self._most(), self.overlay.frame_size
        while start < stop:
            at = self.offset + start * self._bytes
            count = min(most, stop - start)
            if most * self._bytes == frame:  # end where the frame does
                count = min(count, (frame - at % frame) // self._bytes)
            with self.overlay.load(at, count * self._bytes, write) as part:
                yield start, part.array(self._dtype, (count,) + self.shape[1:])
            start += count

    def windows(self, write=False):
        """Go through it window by window: for each, the index of its first row
        and a numpy array over it, good until the next one comes."""
        return self._parts(0, len(self), write)

    def _index(self, index):
        at = index.__index__()
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)}")
        return at

    def __getitem__(self, key):
        first, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(first, slice):
            rows = self._rows(first)
            return rows[(slice(None), *rest)] if rest else rows
        at = self._index(first)
        if len(self.shape) == 1 and not rest:
            return self.overlay.read(self.offset + at * self._bytes,
                                     self._dtype)
        ((_, part),) = self._parts(at, at + 1)
        row = part[0]
        return row[tuple(rest)] if rest else row.copy()

    def _rows(self, key):
        start, stop, step = key.indices(len(self))
        if step < 0:
            raise ValueError("slices of an overlay go forward")
        if start >= stop:
            return numpy.empty((0,) + self.shape[1:], self._dtype)
        result = numpy.empty((stop - start,) + self.shape[1:], self._dtype)
        for first, part in self._parts(start, stop):
            result[first - start:first - start + len(part)] = part
        return result[::step]

    def __setitem__(self, key, value):
        first, *rest = key if isinstance(key, tuple) else (key,)
        if not isinstance(first, slice):
            at = self._index(first)
            if len(self.shape) == 1 and not rest:
                self.overlay.write(self.offset + at * self._bytes, self._dtype,
                                   value)
                return
            ((_, part),) = self._parts(at, at + 1, True)
            part[(0, *rest)] = value
            return
        start, stop, step = first.indices(len(self))
        if step != 1:
            raise ValueError("slices that are assigned to have the step 1")
        whole = numpy.broadcast_to(
            value, (max(0, stop - start),) + self.shape[1:]) if not rest \
            else value
        for at, part in self._parts(start, max(start, stop), True):
            if rest:
                part[(slice(None), *rest)] = whole
            else:
                part[...] = whole[at - start:at - start + len(part)]

    def __iter__(self):
        for _, part in self.windows():
            yield from part.copy()

    def sum(self):
        """The sum of all elements."""
        return sum(part.sum() for _, part in self.windows())

    def min(self):
        """The least of them."""
        return min(part.min() for _, part in self.windows())

    def max(self):
        """The greatest."""
        return max(part.max() for _, part in self.windows())

    def mean(self):
        """Their mean."""
        return self.sum() / self.size

    def __repr__(self):
        return (f"<neap.OverlayArray of {self.overlay.address!r}, "
                f"{self._dtype}, {self.shape}>")
