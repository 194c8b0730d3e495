"""A progress bar for neap.run."""
import sys
import time

WIDTH = 30


class Bar:
    """Shows how far a team's ranges are, on one line of stderr."""

    def __init__(self, label=None):
        self.label = f"{label} " if label else ""
        self.begun = time.monotonic()
        self.shown = None

    def show(self, done, total):
        """Draw it, if it changed; nothing before the first range."""
        if total == 0 or (done, total) == self.shown:
            return
        self.shown = (done, total)
        part = done / total
        bar = ("#" * round(part * WIDTH)).ljust(WIDTH)
        seconds = time.monotonic() - self.begun
        self._write(f"\r{self.label}{part:4.0%} [{bar}] {done}/{total} "
                    f"{seconds:.1f}s")

    def end(self):
        """Leave the last state on a line of its own."""
        if self.shown:
            self._write("\n")

    @staticmethod
    def _write(text):
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            pass  # nobody looks: the work goes on


def wanted(progress):
    """What the argument `progress` comes to: a bool."""
    if progress == "auto":
        try:
            return sys.stderr.isatty()
        except (ValueError, AttributeError):  # closed, or None
            return False
    if isinstance(progress, bool):
        return progress
    raise ValueError(
        f'progress must be True, False or "auto", not {progress!r}'
    )
