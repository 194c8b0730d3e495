import gc
import os

import neap
import pytest

numpy = pytest.importorskip("numpy")


@pytest.fixture
def mapping(name):
    with neap.map(name, 8192) as mapping:
        yield mapping


@pytest.mark.parametrize("dtype, value", [
    ("bool", True), ("i1", -128), ("i16", -30000), ("i4", 2**31 - 1),
    ("i8", -(2**63)), ("u1", 255), ("u2", 65535), ("u4", 2**32 - 1),
    ("u8", 2**64 - 1), ("f4", 0.5), ("f64", 1e300), ("c64", 1 + 2j),
    ("c16", 1e300 - 2j),
])
def test_what_is_written_is_read_aligned_or_not(mapping, dtype, value):
    for offset in (0, 16, 33):
        mapping.write(offset, dtype, value)
        read = mapping.read(offset, dtype)
        assert read == value
        assert type(read) is type(value)


def test_elements_have_the_machines_byte_order(mapping):
    mapping.write(0, "i4", 0x01020304)
    assert mapping.bytes(0, 4) == (0x01020304).to_bytes(4, "little")


def test_bytes_go_in_and_come_out(mapping):
    mapping.write_bytes(100, b"hello")
    mapping.write_bytes(105, bytearray(b" there"))
    mapping.write_bytes(111, numpy.array([0x21], "u1"))
    assert mapping.bytes(100, 12) == b"hello there!"
    assert mapping.bytes(8190) == b"\0\0"
    assert mapping.bytes(8192) == b""


def test_it_is_a_buffer(mapping):
    with memoryview(mapping) as view:
        assert view.nbytes == 8192 and not view.readonly
        view[7] = 9
    assert mapping.read(7, "u1") == 9
    array = numpy.frombuffer(mapping, "u1")
    assert array[7] == 9
    array[7] = 10
    assert mapping.read(7, "u1") == 10
    del array


def test_array_sees_it_without_copying(mapping):
    grid = mapping.array("f8", (4, 5), offset=64)
    grid[3, 4] = 2.5
    assert mapping.read(64 + 19 * 8, "f8") == 2.5
    assert mapping.array("u1").shape == (8192,)
    assert mapping.array("i4", offset=8188).shape == (1,)
    assert neap.fetch_add(grid, (3, 4), 1) == 2.5
    del grid


def test_a_part_can_be_mapped_at_any_offset(name):
    with neap.Segment.create(name, 20000) as segment:
        with segment.map() as whole, segment.map(5001, 100) as part:
            assert len(part) == 100
            part.write(0, "u1", 77)
            assert whole.read(5001, "u1") == 77
            with pytest.raises(IndexError):
                part.read(100, "u1")
        with segment.map(19000) as rest:
            assert len(rest) == 1000


def test_views_keep_the_memory_of_a_closed_mapping(name):
    mapping = neap.map(name, 4096)
    array = mapping.array("i4")
    view = memoryview(mapping)
    mapping.close()
    gc.collect()
    array[0] = 5
    assert view[0] == 5
    for call in (lambda: mapping.read(0, "i4"), lambda: len(mapping),
                 lambda: memoryview(mapping), lambda: mapping.array("i4"),
                 lambda: mapping.protect("r"), mapping.sync):
        with pytest.raises(neap.Closed, match="mapping is closed"):
            call()
    assert mapping.closed


def test_writing_past_the_end_is_an_index_error(mapping):
    for offset in (8192, 8185, 2**40, 2**64 - 1):
        with pytest.raises(neap.OutOfRange):
            mapping.write(offset, "i8", 1)
        with pytest.raises(IndexError):
            mapping.read(offset, "i8")
        with pytest.raises(IndexError):
            mapping.write_bytes(offset, b"12345678")
        with pytest.raises(IndexError):
            mapping.bytes(offset, 8)
        with pytest.raises(IndexError):
            mapping.array("u1", 8, offset=offset)


def test_protection_is_obeyed_by_an_error_and_no_signal(mapping):
    mapping.write(0, "i4", 5)
    mapping.protect("r")
    assert mapping.prot == "r"
    assert mapping.read(0, "i4") == 5
    for call in (lambda: mapping.write(0, "i4", 1),
                 lambda: mapping.write_bytes(0, b"x")):
        with pytest.raises(PermissionError):
            call()
    with memoryview(mapping) as view:
        assert view.readonly
    assert not mapping.array("i4").flags.writeable
    gc.collect()
    mapping.protect("none")
    with pytest.raises(PermissionError):
        mapping.read(0, "i4")
    with pytest.raises(BufferError):
        memoryview(mapping)
    mapping.protect("rw")
    mapping.write(0, "i4", 6)


def test_writing_is_not_taken_away_from_under_a_view(mapping):
    view = memoryview(mapping)
    with pytest.raises(OSError) as info:
        mapping.protect("r")
    assert info.value.errno == 16
    view[0] = 1
    view.release()
    array = mapping.array("f8")
    with pytest.raises(OSError):
        mapping.protect("none")
    array[0] = 1
    del array
    mapping.protect("r")


@pytest.mark.parametrize("offset, error", [
    (-1, ValueError), ("0", TypeError), (1.0, TypeError), (None, TypeError),
    (2**64, OverflowError),
])
def test_a_bad_offset_is_refused(mapping, offset, error):
    with pytest.raises(error):
        mapping.read(offset, "i4")
    with pytest.raises(error):
        mapping.write(offset, "i4", 0)
    with pytest.raises(error):
        mapping.array("i4", 1, offset=offset)


@pytest.mark.parametrize("dtype, value, error", [
    ("i1", 128, ValueError), ("u1", -1, ValueError), ("i4", 0.5, ValueError),
    ("f8", 1j, ValueError), ("i4", "5", TypeError), ("i4", None, TypeError),
    ("u8", 2**64, OverflowError), ("i8", -(2**63) - 1, OverflowError),
    ("i8", 2**63, ValueError), ("bool", 2, ValueError),
])
def test_a_value_that_the_type_cannot_hold_is_refused(mapping, dtype, value,
                                                      error):
    with pytest.raises(error):
        mapping.write(0, dtype, value)
    assert mapping.bytes(0, 16) == bytes(16)


def test_a_bad_dtype_is_refused(mapping):
    for call in (lambda: mapping.read(0, "nonsense"),
                 lambda: mapping.write(0, "V8", 1),
                 lambda: mapping.array("O")):
        with pytest.raises(TypeError, match="element type"):
            call()


def test_a_view_needs_alignment(mapping):
    with pytest.raises(ValueError, match="multiple"):
        mapping.array("i4", 3, offset=2)


def test_numpy_values_can_be_written(mapping):
    mapping.write(0, "f4", numpy.float32(0.5))
    mapping.write(8, "i4", numpy.int16(-3))
    mapping.write(16, "bool", numpy.bool_(True))
    mapping.write(32, "c16", numpy.complex64(1j))
    assert mapping.read(0, "f4") == 0.5
    assert mapping.read(8, "i4") == -3
    assert mapping.read(16, "bool") is True
    assert mapping.read(32, "c16") == 1j


@pytest.mark.parametrize("arguments, error", [
    ({"prot": "q"}, ValueError), ({"prot": 3}, TypeError),
    ({"offset": 9000}, ValueError), ({"length": 9000}, ValueError),
    ({"offset": -1}, ValueError), ({"length": "4x"}, ValueError),
    ({"offset": "x"}, ValueError), ({"offset": 0.5}, TypeError),
])
def test_a_bad_request_to_map_is_refused(name, arguments, error):
    with neap.Segment.create(name, 8192) as segment:
        with pytest.raises(error):
            segment.map(**arguments)


def test_a_mapping_of_a_file_reaches_the_file(tmp_path):
    path = tmp_path / "data"
    with neap.map(path, 4096) as mapping:
        mapping.write_bytes(0, b"kept")
        mapping.sync()
        mapping.sync(later=True)
    assert path.read_bytes()[:4] == b"kept"
    assert os.path.getsize(path) == 4096


def test_repr_tells_size_and_protection(mapping):
    assert repr(mapping) == "<neap.Mapping of 8192 bytes, rw>"


def test_a_mapping_takes_options(name):
    with neap.Segment.create(name, "64K") as segment:
        mapping = segment.map(prefault=True, huge="try")
        assert mapping.resident() == 65536
        assert mapping.resident(4095, 2) == 8192
        with segment.map(private=True) as mine:
            mine.write(0, "i4", 5)
            assert mapping.read(0, "i4") == 0
        with pytest.raises(FileExistsError, match="not free"):
            segment.map(address=mapping.address)
        with pytest.raises(neap.BadArgument, match="whole one"):
            segment.map(huge="require")
        with pytest.raises(ValueError, match='"try", "require"'):
            segment.map(huge="yes")

        mapping.protect("r", 4096, 4096)
        with pytest.raises(PermissionError, match="that part"):
            mapping.write(4096, "u1", 1)
        mapping.write(0, "u1", 1)
        mapping.protect("rw")
        mapping.write(4096, "u1", 1)
        with pytest.raises(neap.OutOfRange):
            mapping.protect("r", 65536)

        mapping.advise("random")
        mapping.advise("willneed", 4096, 100)
        with pytest.raises(ValueError, match="often"):
            mapping.advise("often")

        segment.punch(4096, "4K")
        assert mapping.read(4096, "u1") == 0
        with pytest.raises(neap.OutOfRange):
            segment.punch("64K", 1)
        mapping.close()


@pytest.mark.parametrize("kind", ["posix", "sysv", "memfd", "anonymous"])
def test_a_private_mapping_keeps_what_is_written_to_itself(kind, name, sysv):
    address = {"posix": name, "sysv": sysv}.get(kind, f"{kind}:")
    with neap.Segment.create(address, 10000) as segment:
        try:
            shared = segment.map()
            shared.write(9000, "i4", 1)
            with segment.map(5000, private=True) as mine:
                assert mine.read(4000, "i4") == 1
                mine.write(4000, "i4", 2)
                assert shared.read(9000, "i4") == 1
                assert mine.read(4000, "i4") == 2
                if kind in ("sysv", "anonymous"):
                    with pytest.raises(OSError, match="the only copy"):
                        mine.advise("dontneed")
        finally:
            if kind in ("posix", "sysv"):
                segment.unlink()


def test_a_mapping_grows_with_its_segment(name):
    with neap.Segment.create(name, 4096) as segment:
        mapping = segment.map()
        mapping.write(0, "i4", 7)
        with pytest.raises(neap.BadArgument, match="resize the segment first"):
            mapping.resize(segment, "1M")
        segment.resize("1M")
        mapping.resize(segment, move=True)
        assert len(mapping) == 1 << 20
        assert mapping.read(0, "i4") == 7
        view = memoryview(mapping)
        view[-1] = 8
        with pytest.raises(OSError, match="view it"):
            mapping.resize(segment, 10)
        view.release()
        mapping.resize(segment, 10)
        assert len(mapping) == 10
        with pytest.raises(TypeError):
            mapping.resize(10)
    with pytest.raises(neap.Closed):
        mapping.resize(segment)
    mapping.close()


def test_pages_are_placed_on_nodes_of_memory():
    with neap.Segment.create("memfd:placed", "64K") as segment:
        mapping = segment.map(prefault=True)
    node = neap.nodes()[0].node
    try:
        mapping.place("bind", node)
        mapping.place("interleave", [node], 4096, 100)
        assert mapping.translate(4096).node == node
        mapping.place("default")
    except PermissionError:
        pass  # in a container
    with pytest.raises(neap.BadArgument, match="there is memory on node"):
        mapping.place("bind", 63)
    with pytest.raises(ValueError, match="0 to 63"):
        mapping.place("bind", 64)
    with pytest.raises(TypeError):
        mapping.place("bind", ["all"])
    with pytest.raises(neap.BadArgument, match="is not said"):
        mapping.place("prefer")
    with pytest.raises(ValueError, match="near"):
        mapping.place("near", 0)
    mapping.close()
