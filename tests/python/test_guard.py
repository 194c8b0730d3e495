"""Memory that is gone, or forbidden: an exception, not the end."""
import os
import subprocess
import sys
import textwrap

import neap
import pytest

PAGE = 4096

PRELUDE = """
import ctypes, errno, os, sys, threading
import neap, numpy
path = sys.argv[1]
PAGE = 4096
def shorten(size):
    os.truncate(path, size)
segment = neap.Segment.create("file:" + path, 8 * PAGE)
mapping = segment.map()
data = mapping.array("u1")
data[:] = 7
"""


def run(tmp_path, code, status=0, **environment):
    """What a script prints; this one has handlers of pytest's own."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code),
         str(tmp_path / "numbers")], text=True, capture_output=True,
        timeout=60, env={**os.environ, **environment})
    assert done.returncode == status, done.stderr
    return done.stdout


@pytest.mark.parametrize("access", [
    "data.sum()", "data.copy()", "data[7 * PAGE:].fill(1)", "data + 1",
    "bytes(memoryview(mapping))", "mapping.bytes()",
    "mapping.write_bytes(7 * PAGE, b'x')",
])
def test_a_file_that_was_made_shorter_is_an_exception(tmp_path, access):
    assert run(tmp_path, f"""
        shorten(2 * PAGE)
        try:
            {access}
            for _ in range(3):
                pass
        except neap.MappingFault as error:
            assert error.errno == errno.ESTALE
            assert path in str(error) and "made it shorter" in str(error)
            print("told")
        assert data[0] == 7
        for _ in range(3):
            pass
    """) == "told\n"


def test_an_element_is_told_of_when_it_is_asked(tmp_path):
    assert run(tmp_path, """
        shorten(2 * PAGE)
        value = data[5 * PAGE + 3]
        try:
            neap.check_fault()
        except neap.MappingFault as error:
            print(value, f"byte {5 * PAGE + 3} " in str(error))
        neap.check_fault()
        try:
            mapping.read(0, "u1")
        except OSError as error:
            print(error.errno == errno.ESTALE)
    """) == "0 True\nTrue\n"


def test_a_store_to_what_is_read_only_changes_nothing(tmp_path):
    assert run(tmp_path, """
        reader = segment.map(prot="r")
        try:
            ctypes.memset(reader.address + PAGE, 9, 1)
            for _ in range(3):
                pass
        except neap.MappingFault as error:
            print(error.errno == errno.EFAULT, hex(reader.address + PAGE) in
                  str(error))
        print(data[PAGE])
    """) == "True True\n7\n"


def test_each_thread_is_told_of_its_own(tmp_path):
    assert run(tmp_path, """
        shorten(PAGE)
        told = []
        def look():
            try:
                data.sum()
                for _ in range(10 ** 9):
                    pass
            except neap.MappingFault as error:
                told.append(str(error))
        thread = threading.Thread(target=look)
        thread.start()
        while thread.is_alive():
            thread.join(0.01)
        print(len(told), path in told[0])
    """) == "1 True\n"


def test_a_worker_is_told_too(tmp_path):
    assert run(tmp_path, """
        shorten(PAGE)
        try:
            neap.fork(lambda: data.sum()).wait()
        except neap.MappingFault:
            print("told")
    """) == "told\n"


def test_a_heap_whose_file_was_made_shorter_refuses(tmp_path):
    assert run(tmp_path, """
        heap = neap.open("file:" + path + ".neap")
        hits, grid = heap.counter("hits"), heap.array("grid", 100000, "f8")
        os.truncate(path + ".neap", PAGE)
        try:
            grid.sum()
            for _ in range(3):
                pass
        except neap.MappingFault:
            print("told")
        try:
            hits.add()
        except OSError as error:
            print(error.errno == errno.ESTALE, "restore" in str(error))
    """) == "told\nTrue True\n"


@pytest.mark.parametrize("off", ["environment", "call"])
def test_without_it_the_process_dies(tmp_path, off):
    code = "neap.guard(False)\n" if off == "call" else ""
    run(tmp_path, code + "shorten(PAGE)\ndata.sum()", status=-7,
        **({"NEAP_GUARD": "0"} if off == "environment" else {}))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("again", ["neap.guard(True)", "more = segment.map()",
                                   "more = neap.heap()",
                                   "more = neap.Overlay(segment)"])
def test_faulthandler_has_its_part(tmp_path, before, again):
    script = f"""
        import faulthandler
        faulthandler.enable()
        {again}
        shorten(PAGE)
        try:
            data.sum()
            for _ in range(3):
                pass
        except neap.MappingFault:
            print("told")
        sys.stdout.flush()
        ctypes.string_at(16)
    """
    environment = {"PYTHONFAULTHANDLER": "1"} if before else {}
    assert run(tmp_path, script, status=-11, **environment) == "told\n"


def test_it_tells_whether_it_is_on(tmp_path):
    assert run(tmp_path, """
        print(neap.guard(), neap.guard(False), neap.guard(), neap.guard(True),
              neap.guard())
    """) == "True True False False True\n"
