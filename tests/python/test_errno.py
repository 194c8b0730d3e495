"""What each call of the memory layer says to who asks for what cannot be: the
table that is common to the three languages (tests/errno/table.tsv)."""
import contextlib
import csv
import errno
import os
import pathlib
import re
import resource
import socket

import neap
import pytest
from conftest import fresh_name, remove

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZE = 16384


def read_table():
    with open(ROOT / "tests/errno/table.tsv", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


ROWS = read_table()
OURS = [row for row in ROWS if row["python"] != "-"]


class Environment:
    """What the expressions of the table call."""

    def __init__(self, tmp_path):
        self.tmp_path = tmp_path
        self.made = []
        self.kept = contextlib.ExitStack()
        self.count = 0
        self.there = self.new("posix", 5).address
        segment = self.new("posix", 5)
        segment.set_mode(0o644)
        self.open_to_all = segment.address

    def end(self):
        self.kept.close()
        for address in self.made:
            if not address.startswith(("memfd:", "anonymous:")):
                remove(address)

    def keep(self, thing):
        self.kept.callback(thing.close)
        return thing

    def at(self, kind):
        self.count += 1
        key = 0x6e000000 + (os.getpid() * 64 + self.count) % 0xffffff
        address = {"posix": fresh_name(), "sysv": f"sysv:{key}",
                   "file": f"file:{self.tmp_path}/{self.count}",
                   "memfd": "memfd:errno", "anonymous": "anonymous:"}[kind]
        self.made.append(address)
        return address

    def new(self, kind, size=SIZE):
        return self.keep(neap.Segment.create(self.at(kind), size))

    def ro(self, kind):
        return self.keep(neap.Segment.open(self.new(kind).address, True))

    def view(self, kind):
        return self.keep(self.new(kind).map())

    def mapped(self, kind):
        segment = self.new(kind)
        self.keep(segment.map())
        return segment

    def viewed(self, kind):
        mapping = self.view(kind)
        array = mapping.array("i4", 10)
        self.kept.callback(lambda: array)
        return mapping

    def guarded(self, prot):
        mapping = self.view("posix")
        mapping.protect(prot)
        return mapping

    def resize_view(self, length):
        segment = self.new("posix")
        return self.keep(segment.map()).resize(segment, length)

    def lap(self, kind):
        return self.keep(neap.Overlay(self.new(kind), zone=8192, frames=2))

    def full_lap(self):
        lap = self.lap("posix")
        self.keep(lap.load(0, 16))
        self.keep(lap.load(4096, 16))
        return lap

    def shut(self, thing):
        thing.close()
        return thing

    def sealed(self, *seals):
        segment = self.new("memfd")
        segment.seal(*seals)
        return segment

    def unlinked(self, kind):
        segment = self.new(kind)
        segment.unlink()
        return segment

    def gone(self):
        return self.unlinked("sysv")

    def path(self, label):
        return str(self.tmp_path / label)

    def file(self, label, data):
        (self.tmp_path / label).write_bytes(data)
        return self.path(label)

    def dangling(self):
        os.symlink("/nowhere/at/all", self.path("dangling"))
        return self.path("dangling")

    def heap(self):
        return self.keep(neap.heap())

    def named_heap(self):
        return self.keep(neap.open(self.at("posix")))

    def checkpoint(self):
        self.heap().checkpoint(self.path("x.ckpt"))
        return self.path("x.ckpt")

    def cut_checkpoint(self):
        whole = pathlib.Path(self.checkpoint()).read_bytes()
        return self.file("cut", whole[:-100])

    def socket_pair(self):
        ends = socket.socketpair()
        for end in ends:
            self.keep(end)
        return ends

    def deaf_socket(self):
        ends = self.socket_pair()
        ends[1].close()
        return ends[0]

    def chatty_socket(self):
        ends = self.socket_pair()
        ends[1].send(b"good morning to you all, whoever you may be out there")
        return ends[0]

    def pipe_end(self):
        ends = os.pipe()
        for end in ends:
            self.kept.callback(os.close, end)
        return ends[0]


def code_of(error):
    if isinstance(error, MemoryError):
        return "ENOMEM"
    number = getattr(error, "errno", None)
    if number:
        return errno.errorcode[number]
    return getattr(error, "code", "none")


def judge(row, env):
    """Run a row's expression and claim what the table says."""
    names = {n: getattr(env, n) for n in dir(env) if not n.startswith("_")}
    wanted = eval(row["exception"], {"neap": neap})
    with pytest.raises(wanted) as info:
        eval(row["python"], {"neap": neap, **names})
    code = {"EOPNOTSUPP": "ENOTSUP"}.get(code_of(info.value))
    code = code or code_of(info.value)
    if code != "none":  # ValueError of a value that a type does not hold
        assert code == row["errno"]
    for words in row["words"].split(" & "):
        assert words in str(info.value)


def without_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    with contextlib.suppress(OSError):
        while True:
            os.open("/dev/null", os.O_RDONLY)


def with_few_addresses():
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20),) * 2)


def as_nobody():
    os.setgroups([])
    os.setuid(65534)


def with_few_locks():
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (16384, 16384))
    as_nobody()


UNDER = {"descriptors": without_descriptors, "addresses": with_few_addresses,
         "nobody": as_nobody, "locks": with_few_locks}


def judge_under(row, env):
    """In a child, which removes what it made itself."""
    env.made, env.kept = [], contextlib.ExitStack()
    UNDER[row["under"]]()
    try:
        judge(row, env)
    finally:
        env.end()


@pytest.mark.parametrize("row", OURS, ids=lambda row: row["case"])
def test_what_is_said(row, tmp_path):
    env = Environment(tmp_path)
    try:
        if row["under"] == "-":
            judge(row, env)
        elif UNDER[row["under"]] in (as_nobody, with_few_locks) and os.geteuid():
            pytest.skip("only root can become nobody")
        else:
            neap.fork(judge_under, row, env).wait()
    finally:
        env.end()


# Of these nothing can be asked that cannot be: they only list or tell.
NOTHING_TO_REFUSE = {
    "neap_segment_list_open", "neap_segment_list_next", "neap_map_list_next",
}


def test_the_table_has_every_call_of_the_memory_layer():
    calls = set()
    for header in ("segment", "mapping", "overlay", "maps", "checkpoint",
                   "snapshot"):
        text = (ROOT / f"core/include/neap/{header}.h").read_text()
        calls.update(re.findall(r"^int (neap_\w+)\(", text, re.MULTILINE))
    assert len(calls) > 40
    assert calls - {row["call"] for row in ROWS} == NOTHING_TO_REFUSE
