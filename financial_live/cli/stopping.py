"""How the running command is asked to stop, and how long it may take.

The first Ctrl-C or SIGTERM is only noted: the work looks at safe points, so no child is ever
started and then forgotten. The second one interrupts whatever is being waited for. A third ends the
process, and the kernel ends its children.

SIGHUP asks for new workers. But a terminal that closes sends it too: when the one that we were
started in is gone, it means to stop.
"""

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from financial_live.embedded import end_with_parent

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STANDARD_STREAMS = (0, 1, 2)
# One Ctrl-C reaches us twice when a wrapper such as uv passes its own copy on.
_SAME_PRESS_S = 0.5
_EXIT_AFTER_SIGNAL = 128


class Stopped(BaseException):
    """The user asked to stop. Not an Exception: nothing that handles errors may swallow it."""


class Hurried(BaseException):
    """The user asked again."""


class StopSignals:
    """Takes the signals for as long as it is entered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._last = float("-inf")
        self._terminals = [one for one in _STANDARD_STREAMS if os.isatty(one)]
        self._renewal_requested = False
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    @property
    def requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self._count > 0

    def check(self) -> None:
        """Raise Stopped if somebody asked to stop."""
        if self.requested:
            raise Stopped

    def take_renewal(self) -> bool:
        """Whether somebody asked for new workers since this was last called."""
        requested, self._renewal_requested = self._renewal_requested, False
        return requested

    def receive(self, signum: int, frame: FrameType | None = None) -> None:
        """Take a signal. Raises Hurried at the second one that means to stop."""
        if signum == signal.SIGHUP and all(map(os.isatty, self._terminals)):
            self._renewal_requested = True
            return
        now = self._clock()
        if now - self._last < _SAME_PRESS_S:
            return
        self._last = now
        self._count += 1
        if self._count == 2:
            raise Hurried
        if self._count > 2:
            os._exit(_EXIT_AFTER_SIGNAL + signum)

    def __enter__(self) -> Self:
        for signum in SIGNALS:
            self._before[signum] = signal.signal(signum, self.receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for signum, handler in self._before.items():
            # uv repeats a Ctrl-C that the terminal has already given us. Once everything is down,
            # the copy must not find the handler that would turn our success into a failure.
            signal.signal(signum, signal.SIG_IGN if self.requested else handler)


def end_with_uv() -> None:
    """Stop when ``uv run`` is killed: it passes signals on, but cannot pass on its own end.

    Only uv is bound so. Under a shell or a service manager it would be wrong: there a parent may
    end, or be a thread that ends, and mean us to go on.
    """
    parent = os.getppid()
    if sys.platform == "linux" and _name_of(parent) == "uv":
        end_with_parent(signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def command_name() -> str:
    """Return how the user types our name, for the advice we give."""
    return "uv run financial-live" if _name_of(os.getppid()) == "uv" else "financial-live"


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def command_line(*words: str) -> str:
    """Return the command to type: this one's name, ``words``, and the data folder it was given."""
    given = sys.argv[1:]
    folder = [w for w in given if w.startswith("--data-dir=")]
    if "--data-dir" in given[:-1]:
        folder = ["--data-dir", shlex.quote(given[given.index("--data-dir") + 1])]
    return " ".join([command_name(), *words, *folder])
