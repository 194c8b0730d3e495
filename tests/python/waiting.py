"""What tests of waiting calls need: something that happens meanwhile."""
import contextlib
import os
import signal
import threading

import neap
import pytest


@contextlib.contextmanager
def soon(function, *arguments):
    """Call it from another thread in a moment."""
    timer = threading.Timer(0.05, function, arguments)
    timer.start()
    try:
        yield
    finally:
        timer.join()


@contextlib.contextmanager
def signal_soon(number, handler=None):
    """Send this process a signal in a moment."""
    old = signal.getsignal(number)
    if handler:
        signal.signal(number, handler)
    try:
        with soon(os.kill, os.getpid(), number):
            yield
    finally:
        signal.signal(number, old)


def kill(process):
    process.kill(signal.SIGKILL)
    with pytest.raises(neap.WorkerKilled):
        process.wait()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def fails_with(number, call, *arguments, **words):
    """Its OSError, which must have that errno."""
    with pytest.raises(OSError) as info:
        call(*arguments, **words)
    assert info.value.errno == number, info.value
    return info.value
