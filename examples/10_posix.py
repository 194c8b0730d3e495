"""POSIX shared memory, step by step: made once, opened by name, resized, and
unlinked while in use.

    python3 10_posix.py
"""
import os

import neap

name = f"example-10-{os.getpid()}"
segment = neap.Segment.create(name, 4096, mode=0o640)   # shm_open
try:
    neap.Segment.create(name, 1)                        # O_EXCL
except FileExistsError:
    print("a second time: EEXIST")
segment.resize(8192)                                    # ftruncate
stat = segment.stat()                                   # fstat
print(f"{stat.size} bytes, mode {stat.mode:04o}")

mapping = segment.map()                                 # mmap
other = neap.Segment.open(name, read_only=True)
theirs = other.map(prot="r")
segment.unlink()                                        # shm_unlink
mapping.write_bytes(8000, b"still")
try:
    neap.unlink(name)
except FileNotFoundError:
    print(f"{theirs.bytes(8000, 5).decode()} shared, by name ENOENT")
theirs.close()                                          # munmap
mapping.close()
