"""Count the words of text files. A word is a run of the letters A to Z, small
or capital. Files are cut into pieces; each word is a counter in shared
memory, found by its name, so that two words are never taken for one.

    python3 03_wordcount.py FILE ...        WORKERS=n sets how many
"""
import collections
import os
import re
import sys

import neap

PIECE, NAME_MAX = 1 << 20, 200  # bytes


def read_piece(path, start):
    """The words that begin in a piece: what is left of one that began before
    is cut off, and the last one is read to its end."""
    with open(path, "rb") as file:
        file.seek(max(start - 1, 0))
        text = file.read(PIECE + 1 if start else PIECE)
        if start:
            text = re.sub(rb"\A[A-Za-z]+", b"", text)
        more = re.search(rb"[A-Za-z]\Z", text) and file.read(PIECE)
        while more:
            rest = re.match(rb"[A-Za-z]*", more).group()
            text += rest
            more = len(rest) == len(more) and file.read(PIECE)
    return text.lower()


class Counters(dict):
    """The counters of words; one that is missing is opened."""

    def __missing__(self, word):
        self[word] = heap.counter(word.decode())
        return self[word]


def work(worker):
    counters = Counters()
    for i in worker.range(len(pieces)):
        for found in re.finditer(rb"[a-z]+", read_piece(*pieces[i])):
            word = found.group()
            if len(word) <= NAME_MAX:
                counters[word].add()
            else:  # too long for a name: it is kept as an array, each time
                name = f"long {i} {found.start()}"
                heap.memoryview(name, len(word), "u1")[:] = word


if len(sys.argv) < 2:
    sys.exit("usage: python3 03_wordcount.py FILE ...")
try:
    pieces = []
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
        pieces += [(path, start) for start in range(0, size, PIECE)]
except OSError as error:
    sys.exit(f"03_wordcount: cannot read {error.filename}: {error.strerror}")

workers = int(os.environ.get("WORKERS") or len(os.sched_getaffinity(0)))
with neap.heap() as heap:
    neap.run(workers, work, name="words")

    counts = collections.Counter()
    for item in heap.list():
        if item.kind == "counter":
            counts[item.name] = item.value
        else:
            counts[bytes(heap.memoryview(item.name)).decode()] += 1
for n, word in sorted((-n, word) for word, n in counts.items())[:10]:
    print(f"{-n:7} {word}")
print(f"{sum(counts.values())} words, {len(counts)} different")
