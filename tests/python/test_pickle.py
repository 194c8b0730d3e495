import copy
import os
import pickle
import subprocess
import sys

import neap
import pytest


def again(handle):
    return pickle.loads(pickle.dumps(handle))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("kind", ["named", "anonymous"])
def test_handles_travel_under_every_start_method(method, kind, name):
    pytest.importorskip("numpy")
    script = os.path.join(os.path.dirname(__file__), "over_there.py")
    address = name if kind == "named" else "anonymous"
    done = subprocess.run([sys.executable, script, method, address], text=True,
                          capture_output=True, timeout=50)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_a_handle_that_comes_back_is_the_same_object(heap):
    for handle in (heap.counter("c"), heap.mutex("m"), heap.semaphore("s", 5),
                   heap.event("e"), heap.latch("l", 2), heap.rwlock("r"),
                   heap.condition("n"), heap.barrier("b", 2), heap.once("o")):
        other = again(handle)
        assert other.name == handle.name
        assert type(other) is type(handle)
    c = heap.counter("c")
    again(c).add(3)
    assert c.get() == 3
    copy.copy(c).add(1)
    assert c.get() == 4
    assert again(heap).counter("c").get() == 4


def test_many_handles_share_one_opening_of_the_heap(heap):
    before = len(os.listdir("/proc/self/fd"))
    c = heap.counter("c")
    kept = [again(c) for _ in range(100)]
    assert len(os.listdir("/proc/self/fd")) == before
    del kept, c


def test_a_reader_comes_back_as_a_reader(name):
    with neap.open(name) as heap:
        heap.counter("c")
        with neap.open(name, read_only=True) as reader:
            other = again(reader)
            assert other.read_only
            c = again(reader.counter("c"))
            with pytest.raises(PermissionError):
                c.add()
            other.close()
            c.close()


def test_an_array_handle_comes_back_as_the_same_memory(heap):
    numpy = pytest.importorskip("numpy")
    a = heap.array("a", (6, 8), "i4")
    a[...] = numpy.arange(48).reshape(6, 8)
    for view in (a, a[2], a[1:4, ::3], a.T, a[::-1], a.reshape(-1)[5:9],
                 a.view("u1"), a[2:3, 4]):
        other = again(neap.share(view)).array
        assert other.shape == view.shape and other.dtype == view.dtype
        assert (other == view).all()
        assert numpy.shares_memory(other, view)
    shared = again(heap.array_handle("a"))
    shared.array[5, 7] = -1
    assert a[5, 7] == -1
    assert "'a'" in repr(shared)


def test_an_ndarray_pickles_by_value(heap):
    pytest.importorskip("numpy")
    a = heap.array("a", 4, "i4")
    other = again(a)
    other[0] = 1
    assert a[0] == 0


def test_what_is_not_shared_cannot_be_a_shared():
    numpy = pytest.importorskip("numpy")
    for thing in (numpy.zeros(3), [1], None):
        with pytest.raises(ValueError, match="not an array in shared memory"):
            neap.share(thing)


def test_a_heap_that_is_gone_is_an_error_that_says_so(name):
    with neap.open(name) as heap:
        heap.counter("c")
        pickled = pickle.dumps(heap.counter("c"))
        heap.unlink()
    with pytest.raises(FileNotFoundError, match=name):
        pickle.loads(pickled)


def test_another_heap_under_the_same_name_is_not_taken_for_it(name):
    with neap.open(name) as heap:
        pickled = pickle.dumps(heap.counter("c"))
        heap.unlink()
    with neap.open(name) as other:
        other.counter("c")
        with pytest.raises(FileNotFoundError, match="another one"):
            pickle.loads(pickled)


def test_an_object_that_was_dropped_is_not_made_again(heap):
    pickled = pickle.dumps(heap.counter("c"))
    heap.drop("c")
    with pytest.raises(FileNotFoundError):
        pickle.loads(pickled)
    assert "c" not in heap


def test_a_segment_pickles_as_its_address(name):
    with neap.Segment.create(name, 4096) as segment:
        with again(segment) as other:
            assert other.address == segment.address
    with neap.Segment.open(name, read_only=True) as segment:
        with again(segment) as other, pytest.raises(PermissionError):
            other.map(prot="rw")


def test_what_has_no_address_says_so(name):
    with neap.Segment.create("anonymous:", 4096) as segment:
        with pytest.raises(TypeError, match="no address"):
            pickle.dumps(segment)
    with neap.map(name, 4096) as mapping:
        with pytest.raises(TypeError, match="belongs to its process"):
            pickle.dumps(mapping)
        with pytest.raises(TypeError, match="no name"):
            pickle.dumps(neap.share(mapping.array("i4")))


def test_closed_handles_do_not_pickle(name):
    heap = neap.open(name)
    c = heap.counter("c")
    c.close()
    heap.close()
    for handle in (heap, c):
        with pytest.raises(neap.Closed):
            pickle.dumps(handle)


def test_exceptions_pickle():
    for kind in (neap.TypeMismatch, neap.NotAHeap, neap.Closed,
                 neap.WorkerError, neap.BadArgument, neap.Timeout):
        error = again(kind("a sentence"))
        assert type(error) is kind
        assert error.args == ("a sentence",)
        assert error.code
