"""Starting again what has died, less and less eagerly while it keeps dying."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from financial_live.errors import AppError

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
# What has run for this long has recovered: its next death is a new story.
HEALTHY_AFTER_S = 30.0


class Watched(Protocol):
    """A process that can be looked at and started again."""

    title: str

    def start(self) -> None:
        """Start it."""

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code."""

    def kill(self) -> None:
        """End it at once."""


def pause_s(deaths: int) -> float:
    """Return how long to wait before the start after so many deaths in a row."""
    return float(min(FIRST_PAUSE_S * 2 ** (deaths - 1), LONGEST_PAUSE_S))


def ending(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


@dataclass(slots=True)
class Guard:
    """Watches one process. Call ``look`` again and again."""

    watched: Watched
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _deaths: int = 0
    _started_at: float = 0.0
    _again_at: float | None = None

    def __post_init__(self) -> None:
        self._started_at = self.clock()

    def look(self) -> None:
        """Notice a death, and start it again when its pause is over."""
        if self._again_at is None:
            code = self.watched.poll()
            if code is not None:
                self._note_death(ending(code))
        elif self.clock() >= self._again_at:
            self._start_again()

    def _note_death(self, how: str) -> None:
        if self.clock() - self._started_at > HEALTHY_AFTER_S:
            self._deaths = 0
        self._deaths += 1
        pause = pause_s(self._deaths)
        self._again_at = self.clock() + pause
        self.say(f"{self.watched.title} {how}. Starting it again in {pause:g} s.")

    def _start_again(self) -> None:
        self._started_at = self.clock()
        self._again_at = None
        try:
            self.watched.start()
        except (AppError, OSError) as error:
            self._note_death(f"did not start: {error}")
        else:
            self.say(f"{self.watched.title} is running again.")
