"""Whatever is offered gets a clear error, never a crash, never a write."""
import os
import random
import subprocess
import sys
import threading

import neap
import pytest
from conftest import eventually


@pytest.fixture
def image(tmp_path):
    """The path of a file heap with something of everything in it."""
    path = tmp_path / "heap.neap"
    with neap.open(path) as heap:
        heap.counter("c").set(7)
        heap.counter("s", kind="striped").add(3)
        heap.array("a", (10, 10), "f8")[...] = 1
        heap.mutex("m")
        heap.semaphore("p", 3, undo=True)
    return path


@pytest.mark.parametrize("address, error, text", [
    (None, ValueError, "address is needed"),
    ("", ValueError, "address is needed"),
    (5, TypeError, "str"),
    (["sky"], TypeError, "str"),
    ("a/b", ValueError, "slash"),
    ("x" * 300, OSError, "300 bytes"),
    ("a\0b", ValueError, "null|NUL"),
    ("sysv:", ValueError, "sysv"),
    ("sysv:many", ValueError, "sysv"),
    ("sysv:99999999999", ValueError, "sysv"),
    ("file:", ValueError, "file"),
    ("file:/nowhere/at/all", FileNotFoundError, "nowhere"),
    ("file:/", OSError, None),
    ("posix:", ValueError, None),
    (".", ValueError, None),
    ("..", ValueError, None),
])
def test_a_bad_address_is_refused(address, error, text):
    with pytest.raises(error, match=text):
        neap.open(address)
    if isinstance(address, int):
        return  # of a segment it is a System V key
    with pytest.raises((error, TypeError)):
        neap.Segment.create(address, 4096)


@pytest.mark.parametrize("options, error", [
    ({"create": "maybe"}, ValueError), ({"create": 2}, ValueError),
    ({"create": "new", "read_only": True}, ValueError),
    ({"mode": "0600"}, TypeError), ({"mode": 0}, ValueError),
    ({"mode": 0o7777}, ValueError), ({"mode": -1}, ValueError),
    ({"mode": 384.0}, TypeError),
    ({"slots": -1}, ValueError), ({"slots": "many"}, TypeError),
    ({"slots": 5000}, ValueError),
    ({"reserve": "much"}, ValueError), ({"reserve": -1}, ValueError),
    ({"reserve": "64X"}, ValueError), ({"reserve": 1.5}, TypeError),
    ({"reserve": 2**64}, OverflowError),
    ({"size": "1e400"}, ValueError), ({"size": "G"}, ValueError),
    ({"size": ""}, ValueError), ({"sizes": 1}, TypeError),
])
def test_bad_options_are_refused_and_nothing_is_made(name, options, error):
    with pytest.raises(error):
        neap.open(name, **options)
    assert not os.path.exists(f"/dev/shm/{name}")


@pytest.mark.parametrize("what, error", [
    ("", ValueError), ("x" * 201, ValueError), ("ö" * 101, ValueError),
    ("a\0b", ValueError), (5, TypeError), (None, TypeError),
    (b"bytes", TypeError), ("\ud800", ValueError),
])
def test_a_bad_name_of_an_object_is_refused(heap, what, error):
    for call in (heap.counter, heap.mutex, heap.semaphore, heap.drop,
                 heap.find, heap.object, lambda n: heap.array(n, 3)):
        with pytest.raises(error):
            call(what)
    assert list(heap) == []


def test_names_of_1_to_200_bytes_are_fine(heap):
    for name in ("x", "x" * 200, "ö" * 100, "with space", "a/b", "日本"):
        heap.counter(name).add()
        assert name in heap
        assert heap.find(name).value == 1


def test_the_longest_size_is_refused_with_enospc(name):
    room = os.statvfs("/dev/shm")
    with pytest.raises(OSError) as info:
        neap.Segment.create(name, 4 * room.f_blocks * room.f_frsize)
    assert info.value.errno == 28
    assert not os.path.exists(f"/dev/shm/{name}")
    with pytest.raises(OSError) as info:
        neap.open(name, size=4 * room.f_blocks * room.f_frsize, reserve="1T")
    assert info.value.errno == 28
    assert not os.path.exists(f"/dev/shm/{name}")


def test_a_segment_that_is_no_heap_is_left_as_it_is(name):
    with neap.map(name, 8192) as mapping:
        mapping.write_bytes(0, bytes(range(256)) * 32)
        with pytest.raises(neap.NotAHeap, match=name) as info:
            neap.open(name)
        assert isinstance(info.value, OSError)
        assert info.value.code == "EFOREIGN"
        assert mapping.bytes() == bytes(range(256)) * 32


@pytest.mark.parametrize("content", [
    b"", b"x", b"hello world\n" * 1000, bytes(4096), bytes(100_000),
    b"NEAPHEAP", b"NEAPHEAP" + bytes(8192),
], ids=["empty", "x", "text", "page", "zeros", "magic", "magic-zeros"])
def test_a_foreign_file_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    for options in ({}, {"create": False}, {"read_only": True}):
        with pytest.raises(OSError):
            neap.open(path, **options)
        assert path.read_bytes() == content


@pytest.mark.parametrize("keep", [0, 1, 100, 4095, 4096, 0.5, 0.9])
def test_a_truncated_heap_is_refused(image, keep):
    size = os.path.getsize(image)
    os.truncate(image, int(keep * size) if keep < 1 else keep)
    before = image.read_bytes()
    with pytest.raises(OSError) as info:
        neap.open(image)
    assert isinstance(info.value, neap.Error)
    assert image.read_bytes() == before


def test_a_heap_of_another_layout_is_refused(image):
    with open(image, "r+b") as file:
        file.seek(12)
        file.write((99).to_bytes(4, "little"))
    before = image.read_bytes()
    with pytest.raises(neap.LayoutMismatch, match="layout|version"):
        neap.open(image)
    assert image.read_bytes() == before


SCRAMBLED = """
import random, sys
import neap
path, seeds = sys.argv[1], range(int(sys.argv[2]), int(sys.argv[3]))
sound = open(path, "rb").read()
refused = opened = 0
for seed in seeds:
    dice = random.Random(seed)
    image = bytearray(sound)
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        at = dice.choice((dice.randrange(len(image)), dice.randrange(4096),
                          dice.randrange(4096, 16384)))
        image[at] = dice.randrange(256)
    with open(path, "wb") as file:
        file.write(image)
    try:
        with neap.open(path, read_only=dice.random() < 0.5) as heap:
            heap.check()
            heap.list()
            for name in "csamp":
                heap.object(name)
        opened += 1
    except (OSError, neap.Error, TypeError, ValueError):
        refused += 1
print(refused + opened)
"""


def test_scrambled_heaps_never_crash_who_opens_them(image):
    done = subprocess.run(
        [sys.executable, "-c", SCRAMBLED, str(image), "0", "300"],
        capture_output=True, text=True, timeout=50)
    assert done.stderr == ""
    assert (done.returncode, done.stdout) == (0, "300\n")


def test_a_directory_or_a_device_is_no_heap(tmp_path):
    for path in (tmp_path, "/dev/null", "/dev/zero"):
        with pytest.raises(OSError):
            neap.open(f"file:{path}")


def as_nobody(work):
    """Run it as a user without rights."""
    def child():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        return work()

    return neap.fork(child).wait()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@needs_root
def test_a_heap_of_another_user_is_a_permission_error(name):
    with neap.open(name):
        for options in ({}, {"read_only": True}, {"create": False}):
            with pytest.raises(PermissionError, match=name):
                as_nobody(lambda: neap.open(name, **options))
        with pytest.raises(PermissionError):
            as_nobody(lambda: neap.unlink(name))
        with pytest.raises(PermissionError):
            as_nobody(lambda: neap.Segment.open(name))


@needs_root
def test_a_heap_may_be_given_to_readers_only(name):
    with neap.open(name, mode=0o644) as heap:
        heap.counter("seen").set(5)
        assert as_nobody(lambda: neap.open(
            name, read_only=True).counter("seen").get()) == 5
        with pytest.raises(PermissionError, match="read"):
            as_nobody(lambda: neap.open(name))


@needs_root
def test_a_folder_without_rights_is_a_permission_error(tmp_path):
    os.chmod(tmp_path, 0o700)
    with pytest.raises(PermissionError):
        as_nobody(lambda: neap.open(tmp_path / "heap"))


def test_more_threads_than_slots_is_an_error_that_says_what_to_do(name):
    with neap.open(name, slots=2) as heap:
        lock = heap.mutex("lock")
        done, errors = threading.Event(), []

        def hold(mutex):
            try:
                with mutex:
                    done.wait(30)
            except neap.SlotsExhausted as error:
                errors.append(error)

        threads = [threading.Thread(target=hold, args=[heap.mutex(f"m{i}")])
                   for i in range(4)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(errors) >= 2)
        done.set()
        for thread in threads:
            thread.join()
        assert "slot" in str(errors[0])
        assert isinstance(errors[0], OSError)
        with lock:
            assert lock.mine
        lock.close()
        del threads, hold


def test_more_locks_than_a_thread_may_hold_is_an_error(heap):
    locks = [heap.mutex(f"m{i}") for i in range(40)]
    held = []
    with pytest.raises(OSError) as info:
        for lock in locks:
            lock.acquire()
            held.append(lock)
    assert info.value.errno == 11  # EAGAIN
    assert len(held) >= 30
    for lock in held:
        lock.release()


def test_descriptors_that_run_out_are_an_error(name):
    program = """
import resource, sys, neap
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
kept = []
try:
    while True:
        kept.append(neap.Segment.create(f"memfd:{len(kept)}", 4096))
except OSError as error:
    assert error.errno == 24, error
for call in (lambda: neap.open(sys.argv[1]), lambda: neap.fork(print),
             lambda: neap.run(2, print), neap.heap):
    try:
        call()
    except OSError as error:
        assert error.errno == 24, error
        print("EMFILE")
"""
    done = subprocess.run([sys.executable, "-c", program, name], text=True,
                          capture_output=True, timeout=50)
    assert done.stderr == ""
    assert done.stdout == "EMFILE\n" * 4


def test_errors_know_their_code(heap):
    with pytest.raises(neap.TypeMismatch) as info:
        heap.counter("c")
        heap.mutex("c")
    assert info.value.code == "ETYPE"
    assert isinstance(info.value, TypeError)
    assert isinstance(info.value, neap.Error)
    with pytest.raises(neap.BadArgument) as info:
        heap.counter("")
    assert info.value.code == "EINVAL" and info.value.errno == 22
    assert isinstance(info.value, (ValueError, OSError))
    assert str(info.value).startswith("[Errno 22] ")


def test_an_except_clause_finds_the_subclass_of_oserror(name):
    try:
        neap.open(name, create=False)
    except FileNotFoundError as error:
        assert error.errno == 2 and name in error.strerror
    try:
        neap.Segment.create(name, 0)
    except ValueError as error:
        assert error.errno == 22


def test_arguments_that_are_too_many_or_unknown_are_type_errors(heap):
    c, m = heap.counter("c"), heap.mutex("m")
    for call in (lambda: c.add(1, 2), lambda: c.get(1), lambda: c.set(),
                 lambda: m.acquire(True, 1, 2), lambda: m.acquire(wait=1),
                 lambda: m.release(1), lambda: heap.counter(),
                 lambda: heap.drop(), lambda: neap.Mutex(),
                 lambda: neap.fetch_add(1), lambda: neap.Semaphore()):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("kind, arguments", [
    ("counter", ()), ("mutex", ()), ("semaphore", (1,)), ("event", ()),
    ("latch", (1,)), ("condition", ()), ("rwlock", ()), ("barrier", (2,)),
    ("once", ()),
])
def test_a_closed_object_says_which_one_it_was(heap, kind, arguments):
    it = getattr(heap, kind)("the-one", *arguments)
    it.close()
    with pytest.raises(neap.Closed, match=f"{kind} 'the-one' is closed"):
        it.name
    hot = {"counter": "add", "mutex": "acquire", "semaphore": "acquire",
           "condition": "acquire"}.get(kind)
    if hot:
        with pytest.raises(neap.Closed, match="'the-one'"):
            getattr(it, hot)()
        with pytest.raises(neap.Closed, match="'the-one'"):
            getattr(it, "__exit__" if hot == "acquire" else hot)()
    it.close()
    assert "closed" in repr(it)
