"""How lists are written, the same in every context."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import Request

from financial_live.contexts.listing import MAX_PAGE, Page, Stretch
from financial_live.rest.dispatch import Json

Row = TypeVar("Row")


def page_of(request: Request, page: Page[Row], render: Callable[[Row], Any]) -> Json:
    """Return one page of a list, how many rows there are on all pages, and where the others are."""
    last = min(page.pages, MAX_PAGE)
    numbers = {
        "first": 1,
        "prev": min(page.page - 1, last) if page.page > 1 else None,
        "next": page.page + 1 if page.page < last else None,
        "last": last,
    }
    content = {
        "data": [render(row) for row in page.items],
        "page": page.page,
        "per_page": page.per_page,
        "total": page.total,
    }
    links = {rel: {"page": str(number)} for rel, number in numbers.items() if number is not None}
    return Json(content, headers={"Link": _links(request, links)})


def stretch_of(request: Request, stretch: Stretch[Row], render: Callable[[Row], Any]) -> Json:
    """Return rows of a list with the cursors of their ends, and where to go on."""
    links: dict[str, Mapping[str, str]] = {"first": {"after": ""}}
    if not stretch.is_first and stretch.before is not None:
        links["prev"] = {"before": stretch.before}
    if not stretch.is_last and stretch.after is not None:
        links["next"] = {"after": stretch.after}
    links["last"] = {"before": ""}
    content = {
        "data": [render(row) for row in stretch.items],
        "per_page": stretch.per_page,
        "before": stretch.before,
        "after": stretch.after,
    }
    return Json(content, headers={"Link": _links(request, links)})


_PLACE = frozenset({"page", "after", "before"})


def _links(request: Request, links: Mapping[str, Mapping[str, str]]) -> str:
    """Return the Link header (RFC 8288): the request with its place in the list replaced."""
    asked = [(name, value) for name, value in request.query_params.items() if name not in _PLACE]
    path = request.url.path
    return ", ".join(
        f'<{path}?{urlencode([*asked, *place.items()])}>; rel="{rel}"'
        for rel, place in links.items()
    )
