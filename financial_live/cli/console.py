"""What the command says while it works: one line a step, with the time it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

_CLEAR_LINE = "\r\x1b[2K"


class Step:
    """A step in progress; say at its end what it led to."""

    def __init__(self, title: str) -> None:
        self.result = title

    def done(self, result: str) -> None:
        """Set what is printed when the step has succeeded."""
        self.result = result


class Console:
    """Writes steps, notes and errors; plain lines when nobody watches a terminal."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._tick, self._cross, self._dots = _marks(self._out)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show ``title`` while the body runs, then its result and how long it took."""
        current, started = Step(title), time.monotonic()
        live = self._out.isatty()
        if live:
            self._write(f"{self._dots} {title}")
        try:
            yield current
        except BaseException:
            if live:
                self._write(_CLEAR_LINE)
            raise
        taken = time.monotonic() - started
        self._write(f"{_CLEAR_LINE if live else ''}{self._tick} {current.result} ({taken:.1f} s)\n")

    def note(self, text: str) -> None:
        """Say something that is neither a step nor an error."""
        self._write(f"{text}\n")

    def update(self, text: str) -> None:
        """Show a line that replaces the one before it, on a terminal; nothing elsewhere."""
        if self._out.isatty():
            self._write(f"{_CLEAR_LINE}{text}")

    def end_update(self) -> None:
        """Leave the updated line."""
        if self._out.isatty():
            self._write(_CLEAR_LINE)

    def good(self, text: str) -> None:
        """Say that something is right."""
        self._write(f"{self._tick} {text}\n")

    def bad(self, text: str) -> None:
        """Say that something is wrong, among the things that were looked at."""
        self._write(f"{self._cross} {text}\n")

    def error(self, text: str) -> None:
        """Say why the command ends, where errors belong."""
        self._err.write(f"{text}\n")
        self._err.flush()

    def _write(self, text: str) -> None:
        # When the terminal is gone nobody reads this, and stopping in order matters more.
        with suppress(OSError):
            self._out.write(text)
            self._out.flush()


def _marks(out: TextIO) -> tuple[str, str, str]:
    marks = ("✓", "✗", "…")
    try:
        "".join(marks).encode(out.encoding or "ascii")
    except UnicodeEncodeError:
        return ("ok", "--", "..")
    return marks
