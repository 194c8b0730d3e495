"""Draw the Mandelbrot set. The image is a shared array; each row is computed
by whichever worker is free.

    python3 04_mandelbrot.py [OUT.ppm [WIDTH]]      WORKERS=n sets how many
"""
import os
import sys

import neap
import numpy

LIMIT = 200  # steps until a point counts as inside

path = sys.argv[1] if len(sys.argv) > 1 else "mandelbrot.ppm"
width = int(sys.argv[2]) if len(sys.argv) > 2 else 960
height = width * 2 // 3
workers = int(os.environ.get("WORKERS") or len(os.sched_getaffinity(0)))


def escape(cr, ci):
    """How many steps until each point escapes."""
    zr, zi = numpy.zeros_like(cr), numpy.zeros_like(cr)
    steps = numpy.zeros(cr.shape, int)
    inside = numpy.ones(cr.shape, bool)
    for _ in range(LIMIT):
        rr, ii = zr * zr, zi * zi
        inside &= rr + ii <= 4
        steps += inside
        zi = 2 * zr * zi + ci
        zr = rr - ii + cr
    return steps


def work(worker):
    cr = numpy.arange(width) * 3.75 / width - 2.75
    for y in worker.range(height):
        with numpy.errstate(all="ignore"):  # those that escaped go far
            n = escape(cr, (2 * y - height) * 1.25 / height)
        row = image[y]
        row[:, 0] = numpy.minimum(255, n * 2)
        row[:, 1] = numpy.minimum(255, n * 5)
        row[:, 2] = numpy.minimum(255, 60 + n * 9)
        row[n == LIMIT] = 0  # black inside


with neap.heap() as heap:
    image = heap.array("image", (height, width, 3), "u1")
    neap.run(workers, work, name="rows")

    with open(path, "wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (width, height))
        file.write(image.tobytes())
    print(f"{width} x {height} points, brightness {image.sum()}")
