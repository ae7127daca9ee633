"""Pages and stretches of rows: what lists return, and how their parameters are checked.

A page is so many rows from a number on, which shifts while rows are added. A stretch begins at a
row that was seen: its cursor holds that row's place, so no row is missed or repeated whatever is
added. A cursor is opaque to callers.
"""

import base64
import contextlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from financial_live.contexts.inputs import Errors, is_storable_text

Row = TypeVar("Row")

MAX_PER_PAGE = 100
MAX_PAGE = 1_000_000
MAX_SEARCH_LENGTH = 200
CURSOR_PATTERN = "^[A-Za-z0-9_-]{32}$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is in a list ordered by the time rows came in; the id decides between equals."""

    inserted_at: datetime
    id: UUID

    @property
    def cursor(self) -> str:
        """What callers hold of it."""
        since = (self.inserted_at - _EPOCH) // _MICROSECOND
        return base64.urlsafe_b64encode(
            since.to_bytes(8, "big", signed=True) + self.id.bytes
        ).decode()


@dataclass(frozen=True, slots=True)
class Stretch(Generic[Row]):
    """Some rows of a list, one after another, and the cursors of the first and the last.

    An empty one has the cursor it was asked for, to ask again with.
    """

    items: Sequence[Row]
    per_page: int
    before: str | None
    after: str | None
    is_first: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class Seek:
    """Which rows are asked for: so many after a place, or before it.

    Without a place they are the first of the list, or the last.
    """

    place: Place | None
    is_backwards: bool
    newest_first: bool
    per_page: int

    def stretch(self, found: Sequence[Row], place_of: Callable[[Row], Place]) -> Stretch[Row]:
        """Return the rows ``found``, in the order they were looked for, one more if there is."""
        has_more = len(found) > self.per_page
        items = list(found[: self.per_page])
        if self.is_backwards:
            items.reverse()
        first = place_of(items[0]) if items else self.place
        last = place_of(items[-1]) if items else self.place
        return Stretch(
            items,
            self.per_page,
            before=first.cursor if first else None,
            after=last.cursor if last else None,
            is_first=not has_more if self.is_backwards else self.place is None,
            is_last=self.place is None if self.is_backwards else not has_more,
        )


def seek(
    errors: Errors, *, after: str | None, before: str | None, per_page: int | str, order: str
) -> Seek:
    """Read where a stretch begins, noting in ``errors`` what is wrong.

    Nothing after "" is missing, nor before it: these are the first rows of the list, and the last.
    """
    seen = window(errors, page=1, per_page=per_page, order=order)
    if after is not None and before is not None:
        errors.add("before", "cannot be combined with after")
    field, cursor = ("before", before) if before is not None else ("after", after)
    place = _place(errors, field, cursor) if cursor else None
    return Seek(place, field == "before", seen.newest_first, seen.per_page)


def _place(errors: Errors, field: str, cursor: str) -> Place | None:
    if re.fullmatch(CURSOR_PATTERN.strip("^$"), cursor):
        data = base64.urlsafe_b64decode(cursor)
        since = int.from_bytes(data[:8], "big", signed=True) * _MICROSECOND
        with contextlib.suppress(OverflowError):
            return Place(_EPOCH + since, UUID(bytes=data[8:]))
    errors.add(field, "is invalid: use what an answer of this list gave")
    return None


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
