"""An overlay: a file of 8 MiB through a zone of one, part by part; what is
indexed is loaded, and replaces what was used longest ago.

    python3 13_overlay.py
"""
import neap
import numpy

COUNT = 1 << 20  # numbers of 8 bytes

with neap.Segment.create("file:13.bin", COUNT * 8) as file:
    with neap.Overlay(file, zone="1M", frames=4) as overlay:
        for offset, part in overlay.windows(write=True):  # mmap(MAP_FIXED)
            numbers = part.array("i8")
            numbers[:] = numpy.arange(len(numbers)) + offset // 8 + 1

        total = 0
        for _, part in overlay.windows():
            numbers = part.array("i8")
            total += int(numbers.sum())
        del numbers  # or its frame would stay
        print(f"{COUNT} numbers, sum {total}")

        numbers = overlay.array("i8")  # all of it, as if it were here
        numbers[COUNT // 2 - 1] = 0
        print(f"number {COUNT // 2} is {numbers[COUNT // 2 - 1]}, "
              f"number {COUNT} is {numbers[COUNT - 1]}")

        stats = overlay.stats()
        print(f"{stats.loads} parts were loaded into {stats.frames} frames")
    file.unlink()
