"""How values travel in events and answers: money as decimal text, times to the microsecond."""

from datetime import UTC, datetime
from decimal import Decimal


def amount_text(amount: Decimal) -> str:
    """Write an amount with its two decimals: ``50000.00``."""
    return f"{amount:.2f}"


def optional_amount_text(amount: Decimal | None) -> str | None:
    """Write an amount that may be absent."""
    return None if amount is None else amount_text(amount)


def rate_text(rate: Decimal) -> str:
    """Write a rate with the decimals that it has, ten at most: ``1.0842``, ``17216.43``."""
    return f"{rate.normalize():f}"


def time_text(moment: datetime) -> str:
    """Write a moment by ISO 8601, in UTC with six digits: ``2026-03-07T12:00:00.000000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
