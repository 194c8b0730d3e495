"""System V shared memory, step by step: a key that stands for a file, a
segment of that key, and what becomes of it when it is removed in use.

    python3 07_system_v.py
"""
import errno
import sys

import neap

key = neap.ftok(sys.argv[1] if len(sys.argv) > 1 else "/etc/passwd", 42)
segment = neap.Segment.create(key, 4096)        # shmget
mapping = segment.map()                         # shmat
mapping.write_bytes(0, b"hello")

# Whoever knows the file finds the segment; this one may only look.
other = neap.Segment.open(key, read_only=True)
theirs = other.map(prot="r")
try:
    theirs.write_bytes(0, b"J")
except PermissionError as error:
    word = theirs.bytes(0, 5).decode()
    print(f"read {word}, write {errno.errorcode[error.errno]}")

segment.unlink()                                # shmctl(IPC_RMID)
stat = segment.stat()                           # shmctl(IPC_STAT)
print(f"removed: {'yes' if stat.removed else 'no'}, attached: {stat.attached}")

theirs.close()                                  # shmdt
mapping.close()                                 # the last: it is gone
try:
    segment.stat()
except OSError as error:
    print(errno.errorcode[error.errno])
