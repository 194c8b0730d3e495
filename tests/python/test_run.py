import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time

import neap
import pytest
from conftest import eventually


def test_run_returns_what_each_worker_returned_in_order():
    def work(worker):
        assert worker.workers == 5
        return worker.id, os.getpid()

    results = neap.run(5, work)
    assert [id for id, _ in results] == [0, 1, 2, 3, 4]
    assert len({pid for _, pid in results} | {os.getpid()}) == 6


def test_arguments_and_closures_reach_the_workers():
    outside = [1, 2]

    def work(worker, a, b):
        return a + b + outside

    assert neap.run(2, work, [3], [4]) == [[3, 4, 1, 2]] * 2


@pytest.mark.parametrize("value", [
    None, True, 5, 2**80, 1.5, "größer", b"\0\xff", [1, [2]], {"a": (1,)},
    {1, 2}, 1j, list(range(100_000)), b"x" * 5_000_000,
], ids=lambda v: type(v).__name__)
def test_any_plain_value_comes_back(value):
    assert neap.run(1, lambda worker: value) == [value]


def test_numpy_arrays_come_back():
    numpy = pytest.importorskip("numpy")
    result, = neap.run(1, lambda worker: numpy.arange(1000))
    assert (result == numpy.arange(1000)).all()


# -- ranges --------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [
    (100,), (0,), (-5,), (1,), (10, 20), (20, 10), (0, 100, 7), (100, 0, -7),
    (-10, 10, 3), (5, 5), (10, 0, -1), (0, 10, -1), (2**40, 2**40 + 10),
])
@pytest.mark.parametrize("chunk", [0, 1, 3])
def test_a_range_hands_out_each_index_once(arguments, chunk):
    def work(worker):
        return list(worker.range(*arguments, chunk=chunk))

    taken = sum(neap.run(3, work), [])
    assert sorted(taken) == sorted(range(*arguments))


def test_each_worker_gets_its_indices_in_order():
    for indices in neap.run(3, lambda w: list(w.range(1000))):
        assert indices == sorted(indices)


def test_several_ranges_follow_one_another():
    def work(worker):
        return [list(worker.range(n)) for n in (10, 0, 5)]

    results = neap.run(2, work)
    for i, n in enumerate((10, 0, 5)):
        taken = sum((result[i] for result in results), [])
        assert sorted(taken) == list(range(n))


def test_workers_must_agree_on_a_range():
    with pytest.raises(OSError, match="range"):
        neap.run(2, lambda w: list(w.range(10 + w.id)) or time.sleep(0.01))


@pytest.mark.parametrize("arguments, error", [
    ((1.5,), TypeError), (("10",), TypeError), ((0, 10, 0), ValueError),
    ((None,), TypeError), ((2**70,), OverflowError),
])
def test_a_bad_range_is_refused(arguments, error):
    with pytest.raises(error):
        neap.run(1, lambda worker: list(worker.range(*arguments)))


# -- errors --------------------------------------------------------------------


class Custom(Exception):
    def __init__(self, text, number):
        super().__init__(text, number)
        self.number = number


class Unloadable(Exception):
    def __init__(self, one, two):
        super().__init__("odd")


def test_an_exception_is_raised_here_with_the_workers_traceback():
    def deep(worker):
        if worker.id == 1:
            raise KeyError("the key")
        time.sleep(60)

    with pytest.raises(KeyError, match="the key") as info:
        neap.run(3, lambda worker: deep(worker))
    cause = info.value.__cause__
    assert isinstance(cause, neap.RemoteTraceback)
    assert "in worker 1 (pid" in str(cause)
    assert "in deep\n" in str(cause)
    assert "KeyError: 'the key'" in str(cause)
    assert "_work.py" not in str(cause)


def test_an_exception_of_ones_own_keeps_type_and_state():
    def work(worker):
        raise Custom("odd", 7)

    with pytest.raises(Custom) as info:
        neap.run(1, work)
    assert info.value.number == 7


def test_an_exception_that_does_not_pickle_is_a_worker_error():
    class Local(Exception):
        pass

    for kind in (lambda: Local("odd"), lambda: Unloadable(1, 2)):
        def work(worker):
            raise kind()

        with pytest.raises(neap.WorkerError, match="worker 0 .*odd") as info:
            neap.run(1, work)
        assert info.value.worker == 0
        assert isinstance(info.value, RuntimeError)
        assert "raise kind()" in str(info.value.__cause__)


def test_a_value_that_does_not_pickle_is_a_worker_error():
    with pytest.raises(neap.WorkerError, match="cannot be pickled"):
        neap.run(1, lambda worker: (i for i in range(3)))


def test_a_killed_worker_is_named_with_its_signal():
    def work(worker):
        if worker.id == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    with pytest.raises(neap.WorkerKilled, match="worker 2 .*SIGKILL") as info:
        neap.run(3, work)
    error = info.value
    assert (error.worker, error.signal) == (2, signal.SIGKILL)
    assert f"pid {error.pid}" in str(error)
    assert pickle.loads(pickle.dumps(error)).signal == signal.SIGKILL
    assert error.code == "EKILLED"


def test_a_segmentation_fault_is_a_killed_worker():
    def work(worker):
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)

    with pytest.raises(neap.WorkerKilled, match="SIGSEGV"):
        neap.run(1, work)


def test_a_worker_that_leaves_by_itself_is_a_worker_error():
    with pytest.raises(neap.WorkerError, match="exit code 3 before it"):
        neap.run(1, lambda worker: os._exit(3))
    with pytest.raises(neap.WorkerError, match=r"sys.exit\(4\)"):
        neap.run(1, lambda worker: sys.exit(4))
    assert neap.run(1, lambda worker: sys.exit()) == [None]


def test_the_others_are_stopped_after_an_error(heap):
    pids = heap.array("pids", 3, "i4")

    def work(worker):
        pids[worker.id] = os.getpid()
        eventually(pids.all)
        if worker.id == 0:
            raise ValueError
        signal.pause()

    with pytest.raises(ValueError):
        neap.run(3, work)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_one_that_ignores_sigterm_is_stopped_too(heap):
    ready = heap.semaphore("ready", 0)

    def work(worker):
        if worker.id == 0:
            ready.acquire()
            raise ValueError
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready.release()
        while True:
            signal.pause()

    with pytest.raises(ValueError):
        neap.run(2, work)


def test_a_dead_workers_lock_goes_to_the_next(heap):
    lock, count = heap.mutex("lock"), heap.counter("count")

    def work(worker):
        for i in range(500):
            with lock:
                count.set(count.get() + 1)
                if worker.id == 0 and i == 100:
                    os.kill(os.getpid(), signal.SIGKILL)

    process = neap.fork(work, neap.Worker(0, 2, None))
    neap.fork(work, neap.Worker(1, 2, None)).wait()
    with pytest.raises(neap.WorkerKilled):
        process.wait()
    assert count.get() == 601


@pytest.mark.parametrize("n, error", [
    (0, ValueError), (-1, ValueError), (5000, ValueError), ("2", TypeError),
    (1.5, TypeError), (None, TypeError),
])
def test_a_bad_number_of_workers_is_refused(n, error):
    with pytest.raises(error):
        neap.run(n, lambda worker: None)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="fn must be a function"):
        neap.run(2, 5)
    with pytest.raises(ValueError, match="progress"):
        neap.run(2, print, progress="maybe")


# -- manners -------------------------------------------------------------------


def in_python(program, **options):
    return subprocess.run([sys.executable, "-c", program], text=True,
                          capture_output=True, timeout=50, **options)


def test_nothing_is_printed_twice():
    done = in_python("""
import sys, neap
print("before", end=" ")
sys.stderr.write("error ")
def work(worker):
    print("worker", end=" ")
neap.run(1, work)
print("after")
""")
    assert done.stdout == "before worker after\n"
    assert done.stderr == "error "


def test_exit_handlers_and_finalizers_of_the_parent_run_once():
    done = in_python("""
import atexit, os, weakref, tempfile, neap
class Thing:
    def __del__(self): os.write(1, b"deleted\\n")
thing = Thing()
atexit.register(os.write, 1, b"exit\\n")
weakref.finalize(thing, os.write, 1, b"finalized\\n")
folder = tempfile.TemporaryDirectory()
neap.run(3, lambda worker: None)
neap.fork(lambda: None).wait()
assert os.path.isdir(folder.name)
""")
    assert sorted(done.stdout.split()) == ["deleted", "exit", "finalized"]
    assert done.stderr == ""


def test_workers_differ_in_their_random_numbers():
    numpy = pytest.importorskip("numpy")

    def work(worker):
        return random.random(), numpy.random.random()

    here = work(None)
    results = neap.run(4, work) + [here]
    assert len({a for a, _ in results}) == 5
    assert len({b for _, b in results}) == 5


def test_a_seed_makes_a_run_repeatable():
    numpy = pytest.importorskip("numpy")

    def work(worker):
        return random.random(), numpy.random.random()

    one = neap.run(3, work, seed=5)
    assert one == neap.run(3, work, seed=5)
    assert one != neap.run(3, work, seed=6)
    assert len(set(one)) == 3


def test_threads_of_a_worker_come_to_their_end(heap):
    seen = heap.counter("seen")

    def work(worker):
        def late():
            time.sleep(0.05)
            seen.add()

        threading.Thread(target=late).start()

    neap.run(2, work)
    assert seen.get() == 2


def test_a_worker_may_run_workers():
    def work(worker):
        return neap.run(2, lambda inner: (worker.id, inner.id))

    assert neap.run(2, work) == [[(0, 0), (0, 1)], [(1, 0), (1, 1)]]


def test_forking_from_a_thread_works():
    results = []
    thread = threading.Thread(
        target=lambda: results.append(neap.run(2, lambda w: w.id)))
    thread.start()
    thread.join()
    assert results == [[0, 1]]


CTRL_C = """
import os, signal, sys, time, neap
def work(worker):
    os.write(1, b"ready\\n")
    try:
        time.sleep(60)
    finally:
        pass
try:
    neap.run(3, work)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c_stops_all_at_once_and_in_silence(whole_group):
    with subprocess.Popen([sys.executable, "-c", CTRL_C], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True) as process:
        for _ in range(3):
            assert process.stdout.readline() == "ready\n"
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert out == "interrupted\n"
    assert err == ""
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


CTRL_C_IN_A_HOOK = """
import os, select, signal, socket, sys, threading, time, neap
come, come_out = socket.socketpair()
come_out.setblocking(False)
signal.set_wakeup_fd(come_out.fileno())
here, ever = os.getpid(), threading.Event()
threading.Thread(target=ever.wait, daemon=True).start()  # it gets the signal
def hook():
    if os.getpid() == here:
        os.kill(here, signal.SIGINT)
        select.select([come], [], [], 30)
        for _ in range(1000):
            pass  # where Python runs handlers
os.register_at_fork(**{sys.argv[1]: hook})
try:
    if sys.argv[2] == "fork":
        neap.fork(time.sleep, 60).wait()
    else:
        neap.run(2, lambda worker: time.sleep(60))
except KeyboardInterrupt:
    print("interrupted")
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
ever.set()
"""


@pytest.mark.parametrize("call", ["fork", "run"])
@pytest.mark.parametrize("hook", ["before", "after_in_parent"])
def test_ctrl_c_in_a_hook_of_the_fork_is_not_lost(hook, call):
    end = subprocess.run([sys.executable, "-c", CTRL_C_IN_A_HOOK, hook, call],
                         text=True, capture_output=True, timeout=50)
    assert (end.stdout, end.stderr) == ("interrupted\nTrue\n", "")


def test_no_worker_outlives_a_parent_that_is_killed(heap):
    pids = heap.array("pids", 3, "i4")

    def parent():
        def work(worker):
            pids[worker.id] = os.getpid()
            time.sleep(60)

        neap.run(3, work)

    process = neap.fork(parent)
    eventually(pids.all)
    process.kill(signal.SIGKILL)
    with pytest.raises(neap.WorkerKilled):
        process.wait()

    def gone(pid):
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().split()[2] == "Z"
        except FileNotFoundError:
            return True

    eventually(lambda: all(gone(pid) for pid in pids))


def test_a_handler_of_ones_own_stays_in_the_workers():
    def work(worker):
        os.kill(os.getpid(), signal.SIGINT)
        return "went on"

    old = signal.signal(signal.SIGINT, lambda *a: None)
    try:
        assert neap.run(1, work) == ["went on"]
    finally:
        signal.signal(signal.SIGINT, old)


# -- progress ------------------------------------------------------------------


def test_a_bar_is_shown_when_asked_for(capsys):
    neap.run(2, lambda worker: sum(worker.range(50)), progress=True,
             name="sums")
    shown = capsys.readouterr().err
    assert shown.endswith("\n")
    assert "sums 100% [" in shown
    assert "50/50" in shown


def test_no_bar_is_shown_where_stderr_is_no_terminal(capsys):
    neap.run(2, lambda worker: sum(worker.range(50)))
    assert capsys.readouterr().err == ""


def test_a_bar_is_shown_on_a_terminal():
    import pty
    program = "import neap; neap.run(2, lambda w: sum(w.range(7)))"
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen([sys.executable, "-c", program],
                                   stderr=theirs)
        os.close(theirs)
        assert process.wait(30) == 0
        shown = b""
        try:
            while True:
                shown += os.read(ours, 4096)
        except OSError:
            pass
    finally:
        os.close(ours)
    assert b"7/7" in shown


def test_a_run_without_ranges_shows_no_bar(capsys):
    neap.run(2, lambda worker: None, progress=True)
    assert capsys.readouterr().err == ""
