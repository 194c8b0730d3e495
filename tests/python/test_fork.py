import errno
import gc
import os
import pickle
import signal
import time

import neap
import pytest
from conftest import eventually


def test_wait_returns_what_the_function_returned():
    process = neap.fork(lambda a, b: a + b, 2, b=3)
    assert process.wait() == 5
    assert process.wait() == 5
    assert not process.alive


def test_a_process_runs_until_it_ends():
    process = neap.fork(signal.pause)
    assert process.alive
    assert os.getpgid(process.pid) == os.getpgid(0)
    assert "runs" in repr(process)
    process.kill(signal.SIGKILL)
    with pytest.raises(neap.WorkerKilled, match="SIGKILL"):
        process.wait()
    assert "ended" in repr(process)
    process.kill()


def test_wait_has_a_timeout():
    with pytest.raises(neap.WorkerKilled):
        with neap.fork(signal.pause) as process:
            for timeout in (0, 0.01):
                with pytest.raises(TimeoutError) as info:
                    process.wait(timeout)
                assert isinstance(info.value, neap.Timeout)
                assert info.value.errno == errno.ETIMEDOUT
            process.kill()
            process.wait(30)


def test_an_exception_comes_back_each_time():
    def work():
        raise LookupError("odd")

    process = neap.fork(work)
    for _ in range(2):
        with pytest.raises(LookupError, match="odd") as info:
            process.wait()
        assert f"process {process.pid}" in str(info.value.__cause__)


def test_the_end_of_a_block_waits(heap):
    seen = heap.counter("seen")
    with neap.fork(lambda: (time.sleep(0.05), seen.add())):
        pass
    assert seen.get() == 1


def test_the_end_of_a_block_raises_what_was_not_heard_before():
    def work():
        raise LookupError("odd")

    with pytest.raises(LookupError):
        with neap.fork(work):
            pass


def test_an_exception_in_a_block_ends_the_process():
    with pytest.raises(KeyError):
        with neap.fork(signal.pause) as process:
            raise KeyError
    assert not process.alive


def test_a_process_whose_handle_is_dropped_goes_on(heap):
    seen, go = heap.counter("seen"), heap.semaphore("go", 0)
    neap.fork(lambda: (go.acquire(), seen.add()))
    gc.collect()
    go.release()
    eventually(lambda: seen.get() == 1)
    from neap import _work
    eventually(lambda: not any(p.alive for p in _work._running))
    neap.fork(lambda: None).wait()


def test_two_may_wait_for_many():
    processes = [neap.fork(lambda i=i: i) for i in range(20)]
    assert [p.wait() for p in reversed(processes)] == list(range(19, -1, -1))


def test_a_child_cannot_wait_for_its_sibling():
    with neap.fork(signal.pause) as sibling:
        with pytest.raises(OSError) as info:
            neap.fork(sibling.wait).wait()
        assert info.value.errno == errno.ECHILD
        assert sibling.alive
        sibling.kill()
        with pytest.raises(neap.WorkerKilled):
            sibling.wait()


@pytest.mark.parametrize("number, error", [
    ("KILL", TypeError), (1.5, TypeError), (None, TypeError),
    (-1, ValueError), (1000, ValueError),
])
def test_a_bad_signal_is_refused(number, error):
    process = neap.fork(signal.pause)
    with pytest.raises(error):
        process.kill(number)
    process.kill()
    with pytest.raises(neap.WorkerKilled, match="SIGTERM"):
        process.wait()


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="fn must be a function"):
        neap.fork("work")


def test_a_process_cannot_be_pickled():
    with neap.fork(lambda: None) as process:
        with pytest.raises(TypeError, match="belongs to its parent"):
            pickle.dumps(process)
