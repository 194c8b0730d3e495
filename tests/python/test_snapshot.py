"""Snapshots: a heap in memory that nobody can change."""
import errno
import os

import neap
import numpy
import pytest


@pytest.fixture
def heap():
    with neap.heap() as heap:
        heap.counter("hits").set(42)
        heap.array("grid", 10, "f8")[:] = 2.5
        yield heap


def test_a_snapshot_is_the_heap_as_it_was(heap):
    segment = heap.snapshot()
    heap.counter("hits").add()
    with segment.heap() as copy:
        segment.close()
        assert copy.counter("hits").get() == 42
        grid = copy.array("grid")
        assert grid.sum() == 25
        assert not grid.flags.writeable
        with pytest.raises(ValueError):
            grid[0] = 1
        with pytest.raises(PermissionError):
            copy.counter("hits").add()
        assert copy.info().read_only


def test_its_seals_hold(heap):
    with heap.snapshot() as segment:
        assert segment.seals == {"seal", "shrink", "grow", "write"}
        for change in (lambda: os.ftruncate(segment.fileno(), 0),
                       lambda: os.pwrite(segment.fileno(), b"x", 0)):
            with pytest.raises(PermissionError):
                change()


def test_a_heap_without_a_name_passes_as_a_segment(heap, tmp_path):
    with heap.segment() as segment, segment.heap() as same:
        same.counter("hits").add()
        assert heap.counter("hits").get() == 43
    named = neap.open(f"file:{tmp_path}/sky.neap")
    with pytest.raises(OSError) as error:
        named.segment()
    assert error.value.errno == errno.ENOTSUP
    named.close()


def test_a_segment_of_a_descriptor():
    fd = os.memfd_create("mine")
    os.ftruncate(fd, 4096)
    with neap.Segment.from_fd(fd) as segment:
        assert segment.size == 4096 and segment.fileno() == fd
        with pytest.raises(neap.NotAHeap):
            segment.heap()
        mapping = segment.map()
        numpy.frombuffer(mapping, "u1")[0] = 7
        assert os.pread(fd, 1, 0) == b"\7"
    with pytest.raises(OSError):
        neap.Segment.from_fd(fd)
    ends = os.pipe()
    with pytest.raises(OSError) as error:
        neap.Segment.from_fd(ends[0])
    assert error.value.errno == errno.EPROTO
    for end in ends:
        os.close(end)


def test_a_heap_is_served_to_whoever_takes_it(heap, tmp_path):
    path = tmp_path / "sky.sock"
    server = neap.fork(lambda: heap.serve(path, count=2, fresh=0))
    for value in 42, 43:
        with neap.Segment.take(path, 20) as segment, segment.heap() as copy:
            assert copy.counter("hits").get() == value
        heap.counter("hits").add()
    assert server.wait() == 2
    assert heap.serve(path, 0.01) == 0
    with pytest.raises(FileNotFoundError):
        heap.serve("/no/such/place")
    with pytest.raises(ValueError):
        heap.serve(path, fresh=-1)
    with pytest.raises(ValueError):
        heap.serve(path, mode=0o7777)
