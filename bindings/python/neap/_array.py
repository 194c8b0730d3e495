"""Arrays that pickle as their address."""
from . import _neap
from ._types import as_ndarray, numpy


class Shared:
    """An array in a heap, or a view of one, that pickles as its address.

    Made by neap.share(array) and heap.array_handle(name). `array` is the
    numpy.ndarray (a memoryview without numpy), in every process the same
    memory. In a process that unpickles it the heap is opened again.
    """

    __slots__ = ("array", "_owner")

    def __init__(self, array):
        owner = _neap.owner_of(array)
        if owner is None:
            raise ValueError(
                "this is not an array in shared memory, nor a view of one (did "
                "an operation copy it?)"
            )
        self._owner = owner
        self.array = as_ndarray(array)

    @property
    def name(self):
        """The name of the array in its heap; "" for a view of a mapping."""
        return self._owner._name()

    def __repr__(self):
        shape = tuple(self.array.shape)
        return f"<neap.Shared {self.name!r}, shape {shape}>"

    def __reduce__(self):
        place = self._owner._place()
        if place is None:
            raise TypeError(
                "a view of a mapping has no name to pickle: pickle the segment "
                "and map it on the other side"
            )
        return _again, (*place, self.name, self._view())

    def _view(self):
        """Where in the whole array this is: None if it is all of it."""
        whole = as_ndarray(self._owner)
        if numpy is None:
            return None
        offset = self.array.__array_interface__["data"][0] - self._owner._data()
        view = (self.array.dtype.str, self.array.shape, offset,
                self.array.strides)
        if view == (whole.dtype.str, whole.shape, 0, whole.strides):
            return None
        return view


def _again(address, uuid, read_only, name, view):
    from ._heap import _attach

    handle = _attach(address, uuid, read_only).array_handle(name)
    if view is not None:
        dtype, shape, offset, strides = view
        handle.array = numpy.ndarray(shape, dtype, handle._owner, offset,
                                     strides)
    return handle


def share(array):
    """A handle of an array in a heap (or of a view of one) that pickles as its
    address: a Shared. An ndarray itself pickles by value."""
    return Shared(array)
