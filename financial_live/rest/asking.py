"""Which part of a list a query asks for. Contexts check what it says; here it must be readable."""

import inspect
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query
from pydantic import WithJsonSchema
from starlette.exceptions import HTTPException

from financial_live.contexts.listing import (
    CURSOR_PATTERN,
    MAX_PAGE,
    MAX_PER_PAGE,
    MAX_SEARCH_LENGTH,
)

_Made = TypeVar("_Made")


def _whole(most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": 1, "maximum": most})


def one_of(choices: type[StrEnum]) -> WithJsonSchema:
    """Describe a parameter as one of ``choices``."""
    return WithJsonSchema({"type": "string", "enum": list(choices)})


_Cursor = Annotated[
    str | None, WithJsonSchema({"type": "string", "pattern": f"{CURSOR_PATTERN}|^$"})
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A page of a list. Raises HTTPException with status 400 for a number that is none."""

    search: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "maxLength": MAX_SEARCH_LENGTH}),
        Query(description="A part of the text, whatever its case."),
    ] = None
    order: Annotated[
        str,
        WithJsonSchema({"type": "string", "enum": ["asc", "desc"]}),
        Query(description="desc: the newest first."),
    ] = "desc"
    page: Annotated[
        str, _whole(MAX_PAGE), Query(description="Which page.", json_schema_extra={"default": 1})
    ] = "1"
    per_page: Annotated[
        str,
        _whole(MAX_PER_PAGE),
        Query(description="How many at once.", json_schema_extra={"default": 20}),
    ] = "20"

    @property
    def filters(self) -> dict[str, Any]:
        """What every list takes of it, whether pages are asked for or not."""
        return {"search": self.search, "order": self.order, "per_page": self.per_page}

    def __post_init__(self) -> None:
        for name in ("page", "per_page"):
            if not re.fullmatch(r"-?[0-9]+", value := getattr(self, name)):
                raise HTTPException(400, f"{name} is no whole number: {value[:40]!r}.")


@dataclass(frozen=True, slots=True)
class Beside:
    """The cursor that a stretch of a list is beside, if one is asked for instead of a page."""

    after: Annotated[
        _Cursor, Query(description="Go on after this cursor; empty: from the beginning.")
    ] = None
    before: Annotated[
        _Cursor, Query(description="Go back from this cursor; empty: from the end.")
    ] = None

    @property
    def is_given(self) -> bool:
        """Whether there is one; then no page counts."""
        return self.after is not None or self.before is not None


def _making(kind: Callable[..., _Made]) -> Callable[..., Coroutine[Any, Any, _Made]]:
    """Return the dependency that makes a ``kind``: FastAPI would call a class in a thread."""

    async def make(**given: Any) -> _Made:
        return kind(**given)

    make.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
    return make


AskedQuery = Annotated[Asked, Depends(_making(Asked))]
BesideQuery = Annotated[Beside, Depends(_making(Beside))]
