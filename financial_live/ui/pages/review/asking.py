"""What the address of the desk asks for. It is whole: who follows it sees the same list."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from financial_live import routes
from financial_live.contexts.donations import DonationStatus, QueueOrder

ANY = "any"
_MAX_LENGTH = 100
_MAX_DIGITS = 16
_MAX_PAGE = 999_999


@dataclass(frozen=True, slots=True)
class Asked:
    """Which gifts, in which order, from which page on; and which one is open. As text, or empty.

    Empty is what is usual: all campaigns, what waits, the oldest first, the first page.
    """

    campaign: str = ""
    """A slug."""
    status: str = ""
    """A status, or ``any``."""
    second: str = ""
    """"1" for what a second person must approve."""
    least: str = ""
    """The least worth, plain decimal text in the currency of the list."""
    order: str = ""
    page: str = ""
    gift: str = ""
    """The id of the open gift."""

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> "Asked":
        """Return what a query asks for; what makes no sense there asks for what is usual."""
        texts = {one.name: str(query.get(one.name, ""))[:_MAX_LENGTH] for one in fields(cls)}
        return cls(**{name: text for name, text in texts.items() if _SENSIBLE[name](text)})

    def but(self, **changes: str) -> "Asked":
        """Return the same with some of it changed."""
        return Asked.of(asdict(self) | changes)

    @property
    def address(self) -> str:
        """The address that asks for this."""
        return routes.review(**asdict(self))

    @property
    def only_status(self) -> str | None:
        """The status asked for; None for all."""
        return None if self.status == ANY else self.status or DonationStatus.PENDING

    @property
    def least_amount(self) -> Decimal | None:
        """The least worth asked for."""
        return Decimal(self.least) if self.least else None


def _is_amount(text: str) -> bool:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    is_plain = text.isascii() and text.replace(".", "", 1).isdecimal() and len(text) <= _MAX_DIGITS
    return is_plain and amount > 0


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_page(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 6 and 1 < int(text) <= _MAX_PAGE


_SENSIBLE = {
    "campaign": lambda text: text.isprintable() and text != "",
    "status": lambda text: text in (ANY, *DonationStatus) and text != DonationStatus.PENDING,
    "second": lambda text: text == "1",
    "least": _is_amount,
    "order": lambda text: text in [*QueueOrder] and text != QueueOrder.OLDEST,
    "page": _is_page,
    "gift": _is_id,
}
