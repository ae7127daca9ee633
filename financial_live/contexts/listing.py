"""Pages of rows: what every list returns, and how its parameters are checked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from financial_live.contexts.inputs import Errors, is_storable_text

Row = TypeVar("Row")

MAX_PER_PAGE = 100
MAX_PAGE = 1_000_000
MAX_SEARCH_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list: its rows, and how many there are on all pages together."""

    items: Sequence[Row]
    page: int
    per_page: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one, which is empty."""
        return max(1, math.ceil(self.total / self.per_page))


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of an ordered list are asked for."""

    page: int
    per_page: int
    newest_first: bool

    @property
    def offset(self) -> int:
        """How many rows come before the window."""
        return (self.page - 1) * self.per_page


def window(errors: Errors, *, page: int | str, per_page: int | str, order: str) -> Window:
    """Read the paging parameters, noting in ``errors`` each that is wrong.

    Numbers may be text, as in a query string.
    """
    if order not in ("asc", "desc"):
        errors.add("order", "is invalid: use asc or desc")
    return Window(
        _whole_number(errors, "page", page, most=MAX_PAGE),
        _whole_number(errors, "per_page", per_page, most=MAX_PER_PAGE),
        order == "desc",
    )


def _whole_number(errors: Errors, field: str, value: int | str, *, most: int) -> int:
    if isinstance(value, str):
        is_plain = len(value) <= 20 and value.isascii() and value.isdecimal()
        value = int(value) if is_plain else 0
    if isinstance(value, bool) or not 1 <= value <= most:
        errors.add(field, f"must be a whole number from 1 to {most}")
        return 1
    return value


def choice(errors: Errors, field: str, value: str | None, choices: type[StrEnum]) -> str | None:
    """Return ``value`` if it is one of ``choices`` (or not given), noting an error otherwise."""
    if value is not None and value not in list(choices):
        errors.add(field, f"is invalid: use one of {', '.join(choices)}")
    return value


def search_pattern(errors: Errors, search: str | None) -> str | None:
    """Return the LIKE pattern that finds ``search`` anywhere, taken literally; None for nothing."""
    if search is None or not search.strip():
        return None
    if len(search) > MAX_SEARCH_LENGTH or not is_storable_text(search):
        errors.add("search", "is invalid")
        return None
    escaped = search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
