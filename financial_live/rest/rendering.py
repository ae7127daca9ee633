"""How lists are written, the same in every context."""

from collections.abc import Callable
from typing import Any, TypeVar

from financial_live.contexts.listing import Page

Row = TypeVar("Row")


def page_of(page: Page[Row], render: Callable[[Row], Any]) -> dict[str, Any]:
    """Return one page of a list, and how many rows there are on all pages together."""
    return {
        "data": [render(row) for row in page.items],
        "page": page.page,
        "per_page": page.per_page,
        "total": page.total,
    }
