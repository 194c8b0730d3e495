"""Names of element types, as numpy means them.

In Python "i8" is numpy's: eight bytes. So are "u8", "f8", "c8" and "c16".
neap's own names, which count bits, are taken where numpy has no such word:
"i16" "i32" "i64" "u16" "u32" "u64" "f32" "f64" "c64" "c128".
"""
from typing import Any, Dict, Optional

try:
    import numpy
except ImportError:  # arrays are memoryviews then
    numpy = None  # type: ignore[assignment]

ANY = 0

# numpy's short name, numpy's long name, neap's name; in the order of neap_type.
_TYPES = [
    ("?", "bool", "bool"),
    ("i1", "int8", None),
    ("i2", "int16", "i16"),
    ("i4", "int32", "i32"),
    ("i8", "int64", "i64"),
    ("u1", "uint8", None),
    ("u2", "uint16", "u16"),
    ("u4", "uint32", "u32"),
    ("u8", "uint64", "u64"),
    ("f4", "float32", "f32"),
    ("f8", "float64", "f64"),
    ("c8", "complex64", "c64"),
    ("c16", "complex128", "c128"),
]

CODES: Dict[Any, int] = {"b1": 1, bool: 1, int: 5, float: 11, complex: 13}
LONG_NAMES: Dict[int, Optional[str]] = {ANY: None}
for _code, _names in enumerate(_TYPES, 1):
    CODES.update((name, _code) for name in _names if name)
    LONG_NAMES[_code] = _names[1]

FLOAT64 = CODES["f8"]


def code_of(dtype):
    """The neap_type of a dtype: a name, a Python type, or what numpy takes."""
    try:
        return CODES[dtype]
    except (KeyError, TypeError):  # TypeError: not hashable
        return _code_of_numpy(dtype)


def _code_of_numpy(dtype):
    if numpy is None:
        raise _refuse(dtype)
    try:
        parsed = numpy.dtype(dtype)
    except TypeError:
        raise _refuse(dtype) from None
    if parsed.fields is not None or parsed.subdtype is not None:
        raise TypeError(
            f"records are not element types: {parsed} (make an array for each "
            "field, or give the array one more dimension)"
        )
    if not parsed.isnative:
        raise TypeError(
            f"elements are in this machine's byte order: {parsed.str!r} is not"
        )
    code = CODES.get(f"{parsed.kind}{parsed.itemsize}")
    if code is None:
        raise _refuse(dtype)
    return code


def _refuse(dtype):
    return TypeError(
        f"{dtype!r} is not an element type: there are bool, int8 to int64, "
        "uint8 to uint64, float32, float64, complex64 and complex128"
    )


def shape_of(shape):
    """A tuple of lengths from an int or a sequence of them; () is any."""
    if shape is None:
        return ()
    if hasattr(shape, "__index__"):
        return (shape,)
    try:
        lengths = tuple(shape)
    except TypeError:
        raise TypeError(
            "shape must be an int or a tuple of ints, "
            f"not {type(shape).__name__}"
        ) from None
    if not lengths:
        raise ValueError("an array has at least one dimension")
    return lengths


def as_ndarray(memory):
    """numpy's view of an exporter of the buffer protocol, without copying."""
    return memoryview(memory) if numpy is None else numpy.asarray(memory)
