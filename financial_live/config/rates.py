"""Rates: how often something may be done, as the settings say it."""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

_SECONDS = {"s": 1, "min": 60, "h": 3600}
_RATE = re.compile(r"([1-9][0-9]{0,5})/(s|min|h) burst ([1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in each unit of time, evenly, and ``burst`` of them at once after a quiet time."""

    count: int
    per: str
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read "100/s burst 300"; the unit is s, min or h. Raises ValueError."""
        found = _RATE.fullmatch(" ".join(text.split()))
        if found is None:
            raise ValueError(f"is {text[:80]!r}. Write it as 100/s burst 300; min and h serve too.")
        return cls(int(found[1]), found[2], int(found[3]))

    def __str__(self) -> str:
        return f"{self.count}/{self.per} burst {self.burst}"

    @property
    def interval_us(self) -> int:
        """Microseconds from one to the next, if they come evenly."""
        return _SECONDS[self.per] * 1_000_000 // self.count

    @property
    def window_s(self) -> int:
        """Seconds after which the whole burst may be used again, rounded up."""
        return math.ceil(self.window_us / 1_000_000)

    @property
    def window_us(self) -> int:
        """Microseconds after which the whole burst may be used again."""
        return self.interval_us * self.burst


def _given(value: Any) -> Any:
    return Rate.parse(value) if isinstance(value, str) else value


GivenRate = Annotated[Rate, NoDecode, BeforeValidator(_given)]
"""A rate among the settings, written as text."""
