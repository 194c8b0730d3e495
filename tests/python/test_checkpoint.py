import errno
import signal

import neap
import pytest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "night.ckpt"


def test_a_heap_comes_back_as_it_was(heap, path):
    cells = heap.array("cells", 20000)
    cells[::7] = 3.5
    heap.counter("hits").set(77)
    report = heap.checkpoint(path)
    assert report.stopped == 1
    assert report.took > report.pause > 0
    info = neap.checkpoint_info(path)
    assert (info.uuid, info.stored) == (heap.info().uuid, report.stored)
    with neap.restore(path) as restored:
        assert restored.info().uuid != info.uuid
        assert restored.counter("hits").get() == 77
        assert (restored.array("cells") == cells).all()


@pytest.mark.parametrize("how", [True, "zstd", 1, 19])
def test_a_compressed_one_is_smaller_and_comes_back_the_same(heap, path, how):
    cells = heap.array("cells", 20000)
    cells[::7] = 3.5
    plain = heap.checkpoint(path, compress=False).stored
    try:
        report = heap.checkpoint(path, compress=how)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        assert "libzstd1" in str(error)
        pytest.skip("there is no libzstd.so.1")
    assert report.stored < plain
    with neap.restore(path) as restored:
        assert (restored.array("cells") == cells).all()


@pytest.mark.parametrize("how", [0, 23, -1, 1.5, "gzip", []])
def test_other_ways_to_compress_are_refused(heap, path, how):
    with pytest.raises(ValueError, match="compress"):
        heap.checkpoint(path, compress=how)
    assert not path.exists()


def test_workers_stand_still_for_it_and_go_on(heap, path):
    a, b = heap.counter("a"), heap.counter("b")
    lock = heap.mutex("lock")

    def work():
        while True:
            with lock:
                a.add()
                b.add()

    process = neap.fork(work)
    for _ in range(10):
        assert heap.checkpoint(path).stopped == 2
        with neap.restore(path) as restored:
            again = restored.mutex("lock")
            with again:
                ahead = (restored.counter("a").get()
                         - restored.counter("b").get())
                assert ahead == 0 or (ahead == 1 and again.abandoned)
    process.kill(signal.SIGKILL)
    with pytest.raises(neap.WorkerKilled):
        process.wait()


def test_it_replaces_a_checkpoint_and_nothing_else(heap, path, tmp_path):
    heap.checkpoint(path)
    heap.counter("hits").set(5)
    heap.checkpoint(path, nobody_writes=True)
    with neap.restore(path, tmp_path / "heap", mode=0o640) as restored:
        assert restored.counter("hits").get() == 5
        assert restored.info().mode == 0o640
    with pytest.raises(FileExistsError):
        neap.restore(path, tmp_path / "heap")
    letter = tmp_path / "letter"
    letter.write_text("dear reader")
    with pytest.raises(FileExistsError, match="something else is there"):
        heap.checkpoint(letter)
    with pytest.raises(neap.NotAHeap):
        neap.restore(letter)
    with pytest.raises(FileNotFoundError):
        neap.checkpoint_info(tmp_path / "nothing")
    damaged = bytearray(path.read_bytes())
    damaged[5000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(neap.Corrupted, match="checksum"):
        neap.restore(path)
