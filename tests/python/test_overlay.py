"""Overlays: parts of what is larger than the zone."""
import errno
import os

import neap
import numpy
import pytest

PAGE, COUNT = 4096, 20000  # of f8: 40 pages, less 3840 bytes


@pytest.fixture
def segment():
    with neap.Segment.create("memfd:numbers", COUNT * 8) as segment:
        numbers = segment.map().array("f8")
        numbers[:] = numpy.arange(COUNT)
        del numbers
        yield segment


def small(segment, **options):
    return neap.Overlay(segment, zone=8 * PAGE, **{"frames": 4, **options})


def in_segment(segment, index):
    return segment.map(prot="r").read(index * 8, "f8")


@pytest.mark.parametrize("copy", [False, True])
def test_all_of_it_is_seen_through_a_small_zone(segment, copy):
    with small(segment, copy=copy) as overlay:
        total, seen = 0, 0
        for offset, part in overlay.windows():
            assert offset == seen
            seen += len(part)
            total += part.array("f8").sum()
        assert (seen, total) == (COUNT * 8, COUNT * (COUNT - 1) / 2)
        stats = overlay.stats()
        assert (stats.loads, stats.frames, stats.pinned) == (20, 4, 0)
        assert overlay.frame_size == 2 * PAGE
        assert overlay.zone[1] == 8 * PAGE
        assert overlay.size == COUNT * 8


def test_an_array_loads_what_is_indexed(segment):
    with small(segment) as overlay:
        numbers = overlay.array("f8")
        assert len(numbers) == COUNT and numbers.dtype == numpy.float64
        for i in 0, COUNT - 1, 7, 12345, -1, numpy.int64(5):
            assert numbers[i] == i % COUNT
        everything = numpy.arange(COUNT, dtype="f8")
        for key in (slice(None), slice(100, 5000), slice(-10, None),
                    slice(5, 6000, 7), slice(9, 3)):
            assert numpy.array_equal(numbers[key], everything[key])
        assert numbers.sum() == everything.sum()
        assert (numbers.min(), numbers.max()) == (0, COUNT - 1)
        assert numbers.mean() == everything.mean()
        assert list(numbers)[999:1002] == [999, 1000, 1001]
        numbers[3] = 0.5
        numbers[100:9000] = -1
        numbers[9000:9003] = [7, 8, 9]
        assert in_segment(segment, 3) == 0.5
        assert in_segment(segment, 4) == 4
        assert (numbers[100:9000] == -1).all()
        assert list(numbers[9000:9004]) == [7, 8, 9, 9003]


def test_rows_of_a_matrix(segment):
    with small(segment) as overlay:
        grid = overlay.array("f8", (100, 200))
        whole = numpy.arange(COUNT, dtype="f8").reshape(100, 200)
        assert grid.shape == (100, 200) and grid.size == COUNT
        assert numpy.array_equal(grid[57], whole[57])
        assert grid[57, 3] == whole[57, 3]
        assert numpy.array_equal(grid[10:90, 5], whole[10:90, 5])
        grid[57, 3] = -2
        grid[2] = numpy.arange(200)
        grid[4:8, :2] = 1
        assert grid[57, 3] == -2 and in_segment(segment, 57 * 200 + 3) == -2
        assert in_segment(segment, 2 * 200 + 9) == 9
        assert grid[4:8].sum() == whole[4:8, 2:].sum() + 8
        row = grid[0]
        row[:] = 5
        assert in_segment(segment, 1) == 1  # it was a copy
        with pytest.raises(ValueError, match="does not fit into a frame"):
            overlay.array("f8", (10, 2000))[0]


def test_windows_of_an_array_are_no_copies(segment):
    with small(segment) as overlay:
        numbers = overlay.array("f8", offset=8 * 100)
        rows = 0
        for first, part in numbers.windows(write=True):
            assert part[0] == first + 100
            part *= 2
            rows += len(part)
        assert rows == COUNT - 100
        assert in_segment(segment, 99) == 99
        assert in_segment(segment, COUNT - 1) == 2 * (COUNT - 1)
        for _, part in numbers.windows():
            assert not part.flags.writeable
            break


def test_a_copy_is_written_back_when_it_is_flushed_or_closed(segment):
    overlay = small(segment, copy=True)
    overlay.write(80, "f8", 3.5)
    assert overlay.read(80, "f8") == 3.5
    assert in_segment(segment, 10) == 10
    overlay.flush()
    assert in_segment(segment, 10) == 3.5
    assert overlay.stats().written == PAGE
    overlay.write(88, "f8", 4.5)
    overlay.close()
    assert in_segment(segment, 11) == 4.5
    overlay.close()
    assert overlay.closed and repr(overlay) == "<neap.Overlay, closed>"


def test_views_keep_their_frames(segment):
    with small(segment, frames=2) as overlay:
        one = overlay.load(0, 8).array("f8")
        two = memoryview(overlay.load(20 * PAGE, 8))
        with pytest.raises(OSError) as error:
            overlay.load(30 * PAGE, 8)
        assert error.value.errno == errno.EBUSY
        del one
        assert overlay.load(30 * PAGE, 8).read(0, "f8") == 30 * PAGE / 8
    assert two[:].cast("d")[0] == 20 * PAGE / 8  # and outlive it
    two.release()


def test_a_file_is_overlaid_by_its_address(tmp_path):
    path = tmp_path / "big"
    with open(path, "wb") as file:
        file.truncate(10 << 30)
        os.pwrite(file.fileno(), b"\7", (10 << 30) - 1)
    with neap.Overlay(path, read_only=True) as overlay:
        assert overlay.size == 10 << 30
        assert overlay.array("u1")[-1] == 7
        assert overlay.read_only
        with pytest.raises(PermissionError):
            overlay.write(0, "u1", 1)
        with pytest.raises(PermissionError):
            overlay.load(0, 1, write=True)
    with pytest.raises(FileNotFoundError):
        neap.Overlay(tmp_path / "none")


def test_mistakes_say_what_is_wrong(segment):
    with small(segment) as overlay:
        for call, words in (
            (lambda: overlay.read(COUNT * 8, "f8"), "has 160000 bytes"),
            (lambda: overlay.load(0, 10000), "a frame of the overlay has 8192"),
            (lambda: next(overlay.windows(8193)), "1 to 8192 bytes"),
            (lambda: overlay.array("f8", COUNT + 1), "has 20000 elements"),
            (lambda: neap.Overlay(segment, frames=5000), "1 to 4096"),
            (lambda: neap.Overlay(segment, zone="much"), "not a size"),
            (lambda: overlay.array("f8")[::-1], "go forward"),
        ):
            with pytest.raises(ValueError, match=words):
                call()
        with pytest.raises(IndexError):
            overlay.array("f8")[COUNT]
        with pytest.raises(TypeError):
            overlay.array("f61")
        with neap.Segment.create("anonymous:", 1000) as other:
            with pytest.raises(OSError) as error:
                neap.Overlay(other)
        assert error.value.errno == errno.ENOTSUP
    with pytest.raises(neap.Closed):
        overlay.read(0, "f8")
    with pytest.raises(neap.Closed):
        overlay.load(0, 8)
