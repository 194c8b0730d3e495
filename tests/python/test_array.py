import gc
import os
import signal
import sys

import neap
import pytest

numpy = pytest.importorskip("numpy")

TYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16",
         "uint32", "uint64", "float32", "float64", "complex64", "complex128"]


def test_an_array_is_a_plain_ndarray(heap):
    grid = heap.array("grid", (4, 5), "f8")
    assert type(grid) is numpy.ndarray
    assert grid.shape == (4, 5)
    assert grid.dtype == numpy.float64
    assert grid.flags.c_contiguous
    assert grid.flags.writeable


def test_a_new_array_is_zero_and_aligned_to_64_bytes(heap):
    for n in range(1, 6):
        array = heap.array(f"a{n}", n, "i2")
        assert not array.any()
        assert array.ctypes.data % 64 == 0


@pytest.mark.parametrize("name_of_type", TYPES)
def test_every_type_is_numpys_own(heap, name_of_type):
    array = heap.array("a", (2, 3), name_of_type)
    own = numpy.zeros((2, 3), name_of_type)
    assert array.dtype == own.dtype
    assert array.dtype.char == own.dtype.char
    array[1, 2] = own[1, 2] = 1
    assert (heap.array("a") == own).all()


@pytest.mark.parametrize("spelling, meant", [
    ("i8", "int64"), ("u8", "uint64"), ("i1", "int8"), ("c8", "complex64"),
    ("c16", "complex128"), ("c64", "complex64"), ("c128", "complex128"),
    ("f32", "float32"), ("f64", "float64"), ("i16", "int16"),
    ("i64", "int64"), ("u32", "uint32"), ("?", "bool"), ("<f4", "float32"),
    (float, "float64"), (int, "int64"), (bool, "bool"), (complex, "complex128"),
    (numpy.float32, "float32"), (numpy.dtype("u2"), "uint16"),
])
def test_a_dtype_may_be_spelled_as_numpy_or_neap_does(heap, spelling, meant):
    assert heap.array("a", 3, spelling).dtype == numpy.dtype(meant)
    assert heap.find("a").dtype == meant


def test_float64_is_the_type_of_a_new_array_when_none_is_asked(heap):
    assert heap.array("a", 3).dtype == numpy.float64
    heap.array("b", 3, "i4")
    assert heap.array("b", 3).dtype == numpy.int32


def test_without_a_shape_it_is_what_is_there(heap):
    heap.array("a", (2, 3), "u2")
    assert heap.array("a").shape == (2, 3)
    assert heap.array("a", dtype="u2").shape == (2, 3)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        heap.array("nowhere")
    with pytest.raises(OSError):
        heap.array("nowhere", dtype="f8")


def test_an_array_may_have_8_dimensions(heap):
    array = heap.array("a", (1, 2, 1, 2, 1, 2, 1, 3), "i4")
    array[...] = numpy.arange(24).reshape(array.shape)
    assert heap.array("a")[0, 1, 0, 1, 0, 1, 0, 2] == 23


def test_what_one_handle_stores_the_other_reads(heap):
    one, other = heap.array("a", 8, "i4"), heap.array("a", 8, "i4")
    one[:] = range(8)
    assert list(other) == list(range(8))


def test_workers_fill_one_array(heap):
    grid = heap.array("grid", (512, 64), "f8")

    def work(worker):
        for i in worker.range(512):
            grid[i] = worker.id + 1

    neap.run(4, work)
    assert grid.all()
    assert set(numpy.unique(grid)) <= {1.0, 2.0, 3.0, 4.0}


def test_a_gigabyte_is_fine_where_it_fits(heap):
    room = os.statvfs("/dev/shm")
    if room.f_bavail * room.f_frsize < 3 << 30:
        pytest.skip("/dev/shm has no room")
    big = heap.array("big", (1 << 27) + 3, "f8")
    big[-1] = 7
    assert heap.array("big")[-1] == 7
    assert big.nbytes > 1 << 30
    heap.drop("big")


def test_an_array_keeps_its_memory_when_the_heap_is_closed(name):
    with neap.open(name) as heap:
        array = heap.array("a", 100, "i8")
        view = array[10:20]
    del array, heap
    gc.collect()
    view[:] = 5
    with neap.open(name) as heap:
        assert heap.array("a")[10:20].sum() == 50


def test_a_dropped_array_stays_readable_where_it_is_open(heap):
    array = heap.array("a", 4, "i8")
    array[:] = 3
    heap.drop("a")
    assert array.sum() == 12
    with pytest.raises(OSError, match="dropped"):
        neap.fetch_add(array, 0)


def test_an_array_of_a_read_only_heap_is_for_reading(name):
    with neap.open(name) as heap, neap.open(name, read_only=True) as reader:
        heap.array("a", 4, "i8")[2] = 9
        array = reader.array("a")
        assert array[2] == 9
        assert not array.flags.writeable
        with pytest.raises(ValueError):
            array[2] = 1
        with pytest.raises(ValueError):
            array.flags.writeable = True
        with pytest.raises(PermissionError):
            neap.fetch_add(array, 2)
        del array


def test_a_memoryview_is_the_same_memory(heap):
    array = heap.array("a", (2, 3), "i4")
    view = heap.memoryview("a")
    assert view.shape == (2, 3) and view.format == "i"
    view[1, 2] = 77
    assert array[1, 2] == 77
    made = heap.memoryview("b", 5, "f8")
    assert made.tolist() == [0.0] * 5


def test_arrays_are_memoryviews_without_numpy(name):
    program = """
import sys
sys.modules["numpy"] = None
import neap
with neap.open(sys.argv[1]) as heap:
    a = heap.array("a", (2, 2), "f64")
    assert type(a) is memoryview, a
    a[1, 1] = 2.5
    assert neap.fetch_add(a, (1, 1), 0.5) == 2.5
    assert heap.array("b", 3, "i8").format == "l"
    try:
        heap.array("c", 3, "<f8")
    except TypeError:
        print("fine")
    m = heap.array_handle("a")
    import pickle
    assert pickle.loads(pickle.dumps(m)).array[1, 1] == 3.0
    a = m = None
"""
    assert run_python(program, name) == "fine\n"
    with neap.open(name) as heap:
        assert heap.array("a")[1, 1] == 3.0


def run_python(program, *arguments):
    import subprocess
    return subprocess.run([sys.executable, "-c", program, *arguments],
                          check=True, capture_output=True, text=True).stdout


# -- fetch_add -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES[1:11])
def test_fetch_add_returns_what_was_there(heap, dtype):
    a = heap.array("a", 4, dtype)
    assert neap.fetch_add(a, 1) == 0
    assert neap.fetch_add(a, 1, 2) == 1
    assert neap.fetch_add(a, -3, 3) == 3
    assert list(a) == [0, 6, 0, 0]


def test_fetch_add_takes_a_tuple_and_any_view(heap):
    a = heap.array("a", (3, 4), "i8")
    neap.fetch_add(a, (2, 3), 5)
    neap.fetch_add(a[1:], (1, -1), 5)
    neap.fetch_add(a.T, (3, 2), 5)
    neap.fetch_add(a[2], 3, 5)
    neap.fetch_add(a[::2, ::3], (1, 1), 5)
    neap.fetch_add(heap.memoryview("a"), (2, 3), 5)
    neap.fetch_add(a, (numpy.int64(2), numpy.int8(3)), numpy.int32(5))
    assert a[2, 3] == 35
    assert a.sum() == 35


def test_fetch_add_loses_nothing_between_workers(heap):
    histogram = heap.array("histogram", 16, "u4")

    def work(worker):
        for i in range(8000):
            neap.fetch_add(histogram, i % 16)

    neap.run(4, work)
    assert set(histogram) == {2000}


def test_fetch_add_refuses_what_is_not_shared(heap):
    a = heap.array("a", (3, 4), "f8")
    for copy in (numpy.zeros(3), a + 0, a[[0, 1]], memoryview(bytearray(8))):
        with pytest.raises(ValueError, match="not an array in shared memory"):
            neap.fetch_add(copy, 0)
    for other in (None, 5, "a", [1]):
        with pytest.raises(ValueError):
            neap.fetch_add(other, 0)


@pytest.mark.parametrize("index, error", [
    ((3, 0), IndexError), ((-4, 0), IndexError), ((0, 4), IndexError),
    (0, IndexError), ((0, 0, 0), IndexError), ("0", IndexError),
    (("0", 0), TypeError), ((0, 1.0), TypeError), ((2**70, 0), OverflowError),
])
def test_fetch_add_refuses_a_bad_index(heap, index, error):
    a = heap.array("a", (3, 4), "f8")
    with pytest.raises(error):
        neap.fetch_add(a, index)
    assert not a.any()


def test_fetch_add_refuses_what_cannot_be_added(heap):
    with pytest.raises(OSError, match="atomic"):
        neap.fetch_add(heap.array("z", 2, "c16"), 0)
    with pytest.raises(OSError, match="atomic"):
        neap.fetch_add(heap.array("b", 2, "bool"), 0)
    a = heap.array("a", 2, "u1")
    for n in (0.5, 300):
        with pytest.raises(ValueError):
            neap.fetch_add(a, 0, n)
    for n in ("1", None, []):
        with pytest.raises(TypeError):
            neap.fetch_add(a, 0, n)
    with pytest.raises(TypeError, match="another type"):
        neap.fetch_add(heap.array("l", 2, "i8").view("u1"), 0)


# -- bad input -----------------------------------------------------------------


@pytest.mark.parametrize("shape, error", [
    (0, ValueError), ((2, 0), ValueError), (-1, ValueError), ((), ValueError),
    ((1,) * 9, ValueError), (1.5, TypeError), ("34", TypeError),
    ((2, "3"), TypeError), (None, FileNotFoundError), (2**70, OverflowError),
    (2**62, ValueError), ((2**32, 2**32), ValueError),
])
def test_a_bad_shape_is_refused(heap, shape, error):
    with pytest.raises(error):
        heap.array("a", shape, None if shape is None else "f8")
    assert "a" not in heap


@pytest.mark.parametrize("dtype", [
    "f16", "U4", "O", "M8[s]", "V3", ">f8", "nonsense", 8, object, str,
    [("x", "f8"), ("y", "f8")], "(2,2)f8", "f8,f8",
])
def test_a_bad_dtype_is_a_type_error_that_says_what_there_is(heap, dtype):
    with pytest.raises(TypeError, match="type|records|byte order"):
        heap.array("a", 3, dtype)
    assert "a" not in heap


def test_another_type_or_shape_is_a_mismatch_that_says_what_is_there(heap):
    heap.array("a", (2, 3), "i4")
    for shape, dtype in (((2, 3), "u4"), ((3, 2), "i4"), (6, "i4"),
                         ((2, 3, 1), "i4"), ((2, 3), "f8")):
        with pytest.raises(neap.TypeMismatch, match="2 x 3"):
            heap.array("a", shape, dtype)
    with pytest.raises(TypeError):
        heap.array("a", 6)
    heap.counter("c")
    with pytest.raises(neap.TypeMismatch, match="counter"):
        heap.array("c")


def test_more_than_there_is_is_enospc_and_changes_nothing(heap):
    room = os.statvfs("/dev/shm")
    size = room.f_blocks * room.f_frsize
    before = heap.info()
    with pytest.raises(OSError) as info:
        heap.array("a", size, "u1")
    assert info.value.errno == 28
    assert "a" not in heap
    assert heap.info().used == before.used
    assert heap.check().problems == 0


def test_more_than_the_heap_may_grow_to_is_enospc(name):
    with neap.open(name, reserve="16M") as heap:
        with pytest.raises(OSError) as info:
            heap.array("a", 32 << 20, "u1")
        assert info.value.errno == 28
        assert "reserve" in str(info.value)


def test_a_worker_that_dies_while_it_makes_an_array_breaks_nothing(heap):
    def work(worker):
        for i in range(200):
            heap.array(f"a{worker.id}-{i}", 1000, "f8")
            if worker.id == 0 and i == 50:
                os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(neap.WorkerKilled):
        neap.run(2, work)
    heap.reap()
    assert heap.check().problems == 0, heap.check().text
