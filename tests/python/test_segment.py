import os
import subprocess
import sys
from multiprocessing import shared_memory

import neap
import pytest


@pytest.fixture(params=["posix", "sysv", "file", "memfd", "anonymous"])
def kind(request):
    return request.param


@pytest.fixture
def address(kind, name, sysv, tmp_path):
    return {"posix": name, "sysv": sysv, "file": f"file:{tmp_path}/segment",
            "memfd": "memfd:label", "anonymous": "anonymous:"}[kind]


NAMED = ["posix", "sysv", "file"]
named = pytest.mark.parametrize("kind", NAMED)


def test_a_new_segment_is_zero_and_has_its_size(kind, address):
    with neap.Segment.create(address, 5000) as segment:
        assert segment.size == 5000
        assert segment.kind == kind
        with segment.map() as mapping:
            assert len(mapping) == 5000
            assert mapping.bytes() == bytes(5000)


def test_stat_tells_owner_mode_and_times(kind, address):
    with neap.Segment.create(address, 4096, mode=0o640) as segment:
        stat = segment.stat()
        assert stat.kind == kind
        assert stat.size == 4096
        assert (stat.uid, stat.gid) == (os.geteuid(), os.getegid())
        if kind in NAMED:
            assert stat.mode == 0o640


def test_children_share_a_segment_of_any_kind(address):
    with neap.Segment.create(address, 4096) as segment:
        with segment.map() as mapping:
            neap.fork(mapping.write, 100, "i8", -7).wait()
            assert mapping.read(100, "i8") == -7


@named
def test_a_segment_opens_by_its_address(address):
    with neap.Segment.create(address, 4096) as made:
        with neap.Segment.open(made.address) as opened:
            with made.map() as one, opened.map() as other:
                one.write(0, "f8", 0.25)
                assert other.read(0, "f8") == 0.25


@named
def test_open_or_create_does_either(address):
    with neap.Segment.open_or_create(address, 4096) as made:
        with neap.Segment.open_or_create(address, 100_000) as opened:
            assert opened.size == made.size == 4096


@named
def test_of_many_creators_one_creates(address):
    def work(worker):
        try:
            neap.Segment.create(address, 4096).close()
            return 1
        except FileExistsError:
            return 0

    assert sum(neap.run(6, work)) == 1


@named
def test_unlink_takes_the_name_once(address):
    with neap.Segment.create(address, 4096) as segment:
        segment.unlink()
        with pytest.raises(FileNotFoundError):
            segment.unlink()
        with pytest.raises(FileNotFoundError):
            neap.Segment.open(address)


def test_kinds_without_names_cannot_be_unlinked():
    for address in ("memfd:x", "anonymous:"):
        with neap.Segment.create(address, 4096) as segment:
            with pytest.raises(OSError):
                segment.unlink()


@pytest.mark.parametrize("kind", ["posix", "file", "memfd"])
def test_resize_grows_with_zeros_and_shrinks(address):
    with neap.Segment.create(address, 4096) as segment:
        with segment.map() as mapping:
            mapping.write_bytes(0, b"\xff" * 4096)
        segment.resize("8K")
        assert segment.size == 8192
        with segment.map() as mapping:
            assert mapping.bytes() == b"\xff" * 4096 + bytes(4096)
        segment.resize(10)
        assert segment.size == 10


@pytest.mark.parametrize("kind", ["sysv", "anonymous"])
def test_kinds_of_fixed_size_refuse_to_resize(address):
    with neap.Segment.create(address, 4096) as segment:
        with pytest.raises(OSError):
            segment.resize(8192)
        assert segment.size == 4096


def test_sizes_may_be_written_with_units(name):
    with neap.Segment.create(name, "1.5 MiB") as segment:
        assert segment.size == 3 << 19


def test_a_segment_of_pythons_shared_memory_opens():
    theirs = shared_memory.SharedMemory(create=True, size=5000)
    try:
        theirs.buf[:5] = b"hello"
        with neap.Segment.open(theirs.name) as segment:
            with segment.map(prot="r") as mapping:
                assert mapping.bytes(0, 5) == b"hello"
    finally:
        theirs.close()
        theirs.unlink()
        from multiprocessing import resource_tracker
        resource_tracker._resource_tracker._stop()


def test_a_system_v_segment_of_another_program_opens(sysv):
    key = int(sysv.split(":")[1])
    program = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
id = libc.shmget({key}, 8192, 0o1600)
ctypes.memmove(libc.shmat(id, None, 0), b"hello", 5)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    with neap.Segment.open(f"sysv:{key:#x}") as segment:
        assert segment.size == 8192
        with neap.map(sysv) as mapping:
            assert mapping.bytes(0, 5) == b"hello"


def test_map_in_one_line_makes_or_opens(name):
    with neap.map(name, "64K") as mapping:
        mapping.write(0, "u4", 7)
    with neap.map(name) as mapping:
        assert mapping.read(0, "u4") == 7
        assert len(mapping) == 65536
    with neap.map(name, prot="r") as mapping:
        assert mapping.prot == "r"
    with pytest.raises(FileNotFoundError):
        neap.map(name + "-missing")


def test_segments_lists_segments_and_heaps(name, sysv):
    with neap.open(name + "-heap"), neap.Segment.create(name, 4096), \
            neap.Segment.create(sysv, 8192):
        found = {s.address: s for s in neap.segments()}
        assert not found[name].is_heap
        assert found[name + "-heap"].is_heap
        assert found[name].stat.size == 4096
        assert any(s.stat.kind == "sysv" and s.stat.size == 8192
                   for s in found.values())
        neap.unlink(name + "-heap")


def test_unlink_by_address(name):
    neap.Segment.create(name, 4096).close()
    neap.unlink(name)
    with pytest.raises(FileNotFoundError):
        neap.unlink(name)


def test_a_read_only_segment_refuses_to_be_written(name):
    with neap.Segment.create(name, 4096), \
            neap.Segment.open(name, read_only=True) as segment:
        with segment.map(prot="r") as mapping:
            assert mapping.read(0, "i4") == 0
            with pytest.raises(PermissionError):
                mapping.write(0, "i4", 1)
            with pytest.raises(PermissionError):
                mapping.protect("rw")
        with pytest.raises(PermissionError):
            segment.map(prot="rw")


def test_a_closed_segment_is_a_value_error(name):
    segment = neap.Segment.create(name, 4096)
    segment.close()
    segment.close()
    assert segment.closed
    for call in (lambda: segment.size, lambda: segment.address, segment.stat,
                 lambda: segment.resize(1), segment.map, segment.unlink,
                 segment.fileno, lambda: segment.kind, segment.__enter__):
        with pytest.raises(neap.Closed, match="segment is closed"):
            call()
    assert repr(segment) == "<neap.Segment, closed>"


def test_a_system_v_key_is_a_number_or_stands_for_a_file():
    key = neap.ftok(__file__, 11)
    with neap.Segment.create(key, 4096) as segment:
        with neap.Segment.open(key) as other:
            assert other.stat().id == segment.stat().id >= 0
        mapping = segment.map()
        assert not segment.stat().removed
        neap.unlink(key)
        assert segment.stat().removed
        assert segment.stat().last_pid == os.getpid()
        mapping.write(0, "i4", 3)
        mapping.close()
        with pytest.raises(OSError, match="removed"):
            segment.stat()
    with pytest.raises(FileNotFoundError, match="create it first"):
        neap.ftok("/no/such/file", 1)
    with pytest.raises(neap.BadArgument, match="1 to 255"):
        neap.ftok(__file__, 256)


@pytest.mark.parametrize("kind", ["posix", "sysv", "file", "memfd"])
def test_a_segment_takes_another_mode_and_owner(address):
    with neap.Segment.create(address, 4096) as segment:
        segment.set_mode(0o640)
        assert segment.stat().mode == 0o640
        assert segment.set_owner(gid=os.getegid()) is None
        segment.set_owner(os.geteuid())
        with pytest.raises(ValueError):
            segment.set_mode(0o1000)
        with pytest.raises(ValueError):
            segment.set_owner(-1)
        with pytest.raises(TypeError):
            segment.set_owner("root")


def test_a_sealed_segment_passes_to_who_takes_it(tmp_path):
    path = tmp_path / "here"

    def take():
        with neap.Segment.take(path, 20) as taken:
            assert taken.seals == {"write", "grow"}
            with pytest.raises(PermissionError):
                taken.map()
            with taken.map(prot="r") as mapping:
                return mapping.bytes(0, 5)

    taker = neap.fork(take)
    with neap.Segment.create("memfd:news", 4096) as segment:
        with segment.map() as mapping:
            mapping.write_bytes(0, b"hello")
            with pytest.raises(OSError, match="close such mappings"):
                segment.seal("write")
        segment.seal("write", "grow")
        assert segment.give(path, 20)
        assert taker.wait() == b"hello"
        assert not segment.give(path, 0)
        with pytest.raises(ValueError, match="wax"):
            segment.seal("wax")
        with pytest.raises(neap.BadArgument):
            segment.seal()
    with pytest.raises(neap.Timeout):
        neap.Segment.take(path, 0)
    with pytest.raises(ValueError):
        neap.Segment.take(path, -1)


def test_a_segment_passes_over_a_socket(name):
    import socket

    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other, neap.Segment.create(name, 4096) as segment:
        segment.send(one)
        segment.unlink()
        with neap.Segment.receive(other) as received:
            with received.map() as mapping, segment.map() as theirs:
                mapping.write(0, "i4", 7)
                assert theirs.read(0, "i4") == 7
        one.send(b"hello")
        with pytest.raises(OSError, match="without one"):
            neap.Segment.receive(other)
    with neap.Segment.create("anonymous:", 1) as segment:
        with pytest.raises(OSError, match="no descriptor"):
            segment.give("/tmp/nowhere", 0)


@pytest.mark.parametrize("kind", ["memfd", "anonymous", "sysv"])
def test_a_segment_is_in_huge_pages_if_there_are_some(kind, sysv):
    address = sysv if kind == "sysv" else f"{kind}:"
    with neap.Segment.create(address, "3M", huge="try", huge_page="2M") as made:
        stat = made.stat()
        assert stat.size == (4 << 20 if stat.page > 4096 else 3 << 20)
        if kind == "sysv":
            made.unlink()
    with pytest.raises((MemoryError, PermissionError), match="vm.nr_hugepages|"
                       "vm.hugetlb_shm_group"):
        neap.Segment.create(address, "512G", huge="require")
    with pytest.raises(neap.BadArgument, match="power of two"):
        neap.Segment.create(address, 1, huge="try", huge_page=5000)
    with pytest.raises(neap.BadArgument, match="machine has them of"):
        neap.Segment.create(address, 1, huge="require", huge_page=8192)
    with pytest.raises(ValueError, match='"try", "require"'):
        neap.Segment.create(address, 1, huge="yes")


def test_kinds_without_huge_pages_say_so(name):
    with pytest.raises(OSError, match="memfd, sysv and anonymous"):
        neap.Segment.create(name, 1, huge="require")
    for pool in neap.huge_pages():
        assert pool.page > 4096 and pool.free <= pool.total
