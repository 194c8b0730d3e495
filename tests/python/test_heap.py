import os
import pathlib
import subprocess
import sys

import neap
import pytest
from conftest import eventually


def test_open_makes_a_heap_and_opens_it_again(name):
    with neap.open(name) as first, neap.open(name) as second:
        first.counter("seen").add(3)
        assert second.counter("seen").get() == 3
        assert first.info().uuid == second.info().uuid


def test_opening_never_owns_the_name(name):
    neap.open(name).close()
    with neap.open(name, create=False) as heap:
        assert heap.address == name


def test_create_false_opens_only(name):
    with pytest.raises(FileNotFoundError, match=name):
        neap.open(name, create=False)
    assert not os.path.exists(f"/dev/shm/{name}")


def test_create_new_makes_only(name):
    with neap.open(name, create="new"):
        with pytest.raises(FileExistsError, match=name):
            neap.open(name, create="new")


def test_of_many_openers_all_get_one_heap(name):
    def work(worker):
        with neap.open(name) as heap:
            heap.counter("seen").add()
            return heap.info().uuid

    assert len(set(neap.run(8, work))) == 1
    with neap.open(name) as heap:
        assert heap.counter("seen").get() == 8


def test_unlink_takes_the_name_and_users_go_on(name):
    with neap.open(name) as heap:
        heap.unlink()
        assert heap.counter("seen").add() == 1
        with pytest.raises(FileNotFoundError):
            heap.unlink()
        with neap.open(name) as other:
            assert list(other) == []
            with pytest.raises(FileNotFoundError):
                heap.unlink()
        assert os.path.exists(f"/dev/shm/{name}")


def test_an_ephemeral_heap_goes_with_its_last_user(name):
    with neap.open(name, ephemeral=True) as heap:
        assert heap.info().ephemeral
        with neap.open(name):
            pass
        assert os.path.exists(f"/dev/shm/{name}")
    assert not os.path.exists(f"/dev/shm/{name}")


def test_an_anonymous_heap_is_shared_by_children_and_gone_after():
    with neap.heap() as heap:
        seen = heap.counter("seen")
        neap.run(3, lambda worker: seen.add(worker.id))
        assert seen.get() == 3
        assert heap.info().kind == "memfd"
        with pytest.raises(OSError, match="anonymous"):
            heap.unlink()
        seen.close()


@pytest.mark.parametrize("path_object", [False, True])
def test_a_file_can_be_a_heap(tmp_path, path_object):
    path = tmp_path / "results.neap"
    address = path if path_object else f"file:{path}"
    with neap.open(address) as heap:
        heap.array("a", 3, "i4")[:] = 7
        heap.sync()
        assert heap.info().kind == "file"
    with neap.open(pathlib.Path(path)) as heap:
        assert heap.array("a").tolist() == [7, 7, 7]
        heap.unlink()
    assert not path.exists()


def test_a_sysv_segment_can_be_a_heap_of_fixed_size(sysv):
    with neap.open(sysv, size="4M") as heap:
        heap.array("a", 1000, "f8")[:] = 1
        assert heap.info().kind == "sysv"
        with pytest.raises(OSError) as info:
            heap.array("b", 8 << 20, "u1")
        assert info.value.errno == 28
        with neap.open(sysv) as other:
            assert other.array("a").sum() == 1000


def test_iterating_gives_names_and_in_asks_for_one(heap):
    heap.counter("b")
    heap.mutex("a")
    assert list(heap) == ["a", "b"]
    assert "a" in heap
    assert "c" not in heap
    with pytest.raises(TypeError):
        5 in heap


def test_list_tells_everything_of_every_object(heap):
    heap.counter("c").set(5)
    heap.counter("d", kind="double").set(2.5)
    heap.array("a", (2, 3), "f4")
    heap.semaphore("s", 4, undo=True)
    lock = heap.mutex("m")
    with lock:
        a, c, d, m, s = heap.list()
    assert a[:7] == ("a", "array", None, "float32", (2, 3), 24, None)
    assert (c.kind, c.variant, c.value) == ("counter", "plain", 5)
    assert (d.variant, d.value) == ("double", 2.5)
    assert (m.kind, m.holder) == ("mutex", os.getpid())
    assert (s.kind, s.variant, s.value) == ("semaphore", "undo", 4)
    assert len({x.id for x in (a, c, d, m, s)}) == 5
    assert heap.find("c").value == 5
    lock.close()


def test_object_opens_whatever_is_there(heap):
    heap.counter("c")
    heap.mutex("m")
    heap.semaphore("s", 3, undo=True)
    heap.array("a", 4, "u1")
    assert isinstance(heap.object("c"), neap.Counter)
    assert isinstance(heap.object("m"), neap.Mutex)
    assert heap.object("s").value == 3
    assert heap.object("a").nbytes == 4
    with pytest.raises(FileNotFoundError, match="nothing"):
        heap.object("nothing")


def test_drop_takes_an_object_away(heap):
    heap.counter("seen")
    heap.drop("seen")
    assert "seen" not in heap
    with pytest.raises(FileNotFoundError, match="seen"):
        heap.drop("seen")


def test_memory_of_dropped_arrays_is_used_again(heap):
    for _ in range(50):
        heap.array("a", 100_000, "f8")
        heap.drop("a")
    assert heap.info().size < 8 << 20


def test_info_tells_size_use_and_slots(name):
    with neap.open(name, slots=7, reserve="1G", mode=0o640) as heap:
        info = heap.info()
        assert (info.kind, info.slots, info.mode) == ("posix", 7, 0o640)
        assert info.reserved == 1 << 30
        assert info.used <= info.size < 256 << 10
        assert info.objects == 0
        heap.counter("seen").add()
        assert heap.info().objects == 1
        assert not info.read_only and not info.ephemeral
        assert len(info.uuid) == 36


def test_slots_tells_who_is_attached(heap):
    heap.mutex("m").acquire()
    slot, = [s for s in heap.slots() if s.pid == os.getpid()]
    assert not slot.dead
    assert slot.held == 1
    heap.mutex("m").release()


def test_reap_gives_back_what_the_dead_held(heap):
    import signal

    def die():
        heap.mutex("m").acquire()
        heap.mutex("n").acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(neap.WorkerKilled):
        neap.fork(die).wait()
    assert heap.info().dead == 1
    assert heap.reap() == 1
    assert heap.reap() == 0
    assert heap.info().dead == 0
    assert heap.info().deaths >= 1
    assert not heap.mutex("m").locked()


def test_check_finds_a_sound_heap_sound(heap):
    for i in range(100):
        heap.array(f"a{i}", i + 1, "i8")
    for i in range(0, 100, 3):
        heap.drop(f"a{i}")
    report = heap.check()
    assert report.problems == 0 and report.text == ""
    assert report.objects == 66


def test_a_reader_sees_and_cannot_write(name):
    with neap.open(name) as heap:
        heap.counter("seen").add(5)
        heap.semaphore("s", 2)
        with neap.open(name, read_only=True) as reader:
            assert reader.read_only
            seen = reader.counter("seen")
            assert seen.get() == 5
            for call in (seen.add, lambda: seen.set(1),
                         lambda: reader.drop("seen"),
                         reader.object("s").acquire):
                with pytest.raises(PermissionError):
                    call()
            for call in (reader.counter, reader.mutex, reader.semaphore,
                         reader.array):
                with pytest.raises((FileNotFoundError, PermissionError)):
                    call("new")
            with pytest.raises((FileNotFoundError, PermissionError)):
                reader.array("new", 3, "f8")
            assert reader.counter("seen").get() == 5
            assert list(reader) == ["s", "seen"]
            seen.close()
        assert heap.info().attached <= 1


def test_a_closed_heap_is_a_value_error(name):
    heap = neap.open(name)
    heap.close()
    heap.close()
    assert heap.closed
    for call in (lambda: heap.counter("c"), lambda: heap.mutex("m"),
                 lambda: heap.semaphore("s"), lambda: heap.array("a", 3),
                 lambda: heap.drop("c"), heap.unlink, heap.info, heap.list,
                 heap.slots, heap.check, heap.reap, heap.sync,
                 lambda: heap.address, lambda: "c" in heap,
                 heap.__enter__, lambda: heap.object("c")):
        with pytest.raises(neap.Closed, match="heap is closed"):
            call()
    assert repr(heap) == "<neap.Heap, closed>"


def test_a_heap_that_is_forgotten_is_detached(name):
    neap.open(name, ephemeral=True)
    eventually(lambda: not os.path.exists(f"/dev/shm/{name}"))


def test_a_process_that_exits_removes_nothing(name):
    program = "import neap, sys; neap.open(sys.argv[1]).counter('seen').add(9)"
    subprocess.run([sys.executable, "-c", program, name], check=True)
    with neap.open(name, create=False) as heap:
        assert heap.counter("seen").get() == 9


def test_parts_tell_what_the_bytes_are_used_for():
    with neap.heap() as heap:
        heap.array("grid", 1000, "f8")[:] = 1
        parts = heap.parts()
        assert [p.kind for p in parts[:2]] == ["header", "slots"]
        assert parts[-1].kind == "reserve"
        (grid,) = [p for p in parts if p.name == "grid"]
        assert grid.kind == "array"
        assert grid.size >= grid.resident >= 8000 - 4096
        at = 0
        for part in parts:
            assert part.offset == at
            at += part.size
        assert at == heap.info().reserved
        assert os.getpid() in heap.processes()
        assert grid.others in (-1, 0)  # nobody else has it


def test_parts_tell_what_other_processes_have(name):
    program = (
        "import neap, sys\n"
        "heap = neap.open(sys.argv[1], create=False)\n"
        "heap.array('grid')[:] = 2\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with neap.open(name) as heap:
        heap.array("grid", 1000, "f8")[:] = 1
        with subprocess.Popen(
            [sys.executable, "-c", program, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout.readline() == b"ready\n"
            (grid,) = [p for p in heap.parts() if p.name == "grid"]
            assert grid.others == -1 or grid.others == grid.resident
            assert sorted(heap.processes()) == sorted([os.getpid(), other.pid])
            other.stdin.close()
