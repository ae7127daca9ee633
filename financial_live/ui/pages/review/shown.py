"""What the desk shows of gifts and their history: plain values, which the browser formats."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from financial_live import routes
from financial_live.contexts.donations import Donation, Done, Outcome, Waiting
from financial_live.contexts.wire import amount_text, time_text
from financial_live.errors import AppError
from financial_live.rooms.views import microseconds
from financial_live.ui.text import t

_FIELDS = {
    "amount": t("amount"),
    "currency": t("currency"),
    "campaign_id": t("campaign"),
    "donor_name": t("name"),
    "donor_email": t("e-mail"),
    "message": t("message"),
    "show_name": t("whether the name is shown"),
    "show_amount": t("whether the amount is shown"),
}
# Names and amounts say more when they are seen; of an id or a switch that it changed is enough.
_TOLD = ("amount", "currency", "donor_name", "message")


def row(gift: Donation, *, me: str) -> dict[str, Any]:
    """Return what the list shows of a gift; ``me`` is who looks, as callers are written down."""
    campaign = gift.campaign
    is_foreign = gift.currency != campaign.currency
    worth = gift.converted_amount
    return {
        "id": str(gift.id),
        "version": gift.version,
        "name": gift.donor_name,
        "amount": amount_text(gift.amount),
        "currency": gift.currency,
        "worth": amount_text(worth) if is_foreign else "",
        "campaign": campaign.name,
        "campaign_currency": campaign.currency,
        "message": gift.message,
        "status": str(gift.status),
        "at": microseconds(time_text(gift.inserted_at)),
        "is_hidden": gift.is_hidden,
        "needs_two": campaign.needs_two(worth) and not gift.is_test,
        "approved_by": _approved_by(gift, me),
    }


def _approved_by(gift: Donation, me: str) -> str:
    """Return who has approved a gift that needs two: "me", "other", or nobody."""
    if gift.first_approver is None:
        return ""
    return "me" if gift.first_approver == me else "other"


def opened(gift: Donation, history: Sequence[Done], *, me: str) -> dict[str, Any]:
    """Return all of a gift, with who has approved it first if it waits for a second person."""
    first = next((one for one in reversed(history) if one.act == "endorse"), None)
    kept = gift.kept_amount
    return row(gift, me=me) | {
        "email": gift.donor_email or "",
        "campaign_address": routes.campaign(gift.campaign.slug),
        "source": str(gift.source),
        "external_id": gift.external_id or "",
        "rate": f"{gift.rate.normalize():f}" if gift.rate is not None else "",
        "rate_source": gift.rate_source or "",
        "rate_day": _noon(gift) if gift.rate_as_of is not None else 0,
        "hides_name": not gift.show_name,
        "hides_amount": not gift.show_amount,
        "is_test": gift.is_test,
        "refunded": amount_text(gift.refunded_amount) if gift.refunded_amount else "",
        "kept": amount_text(kept) if kept else "",
        "first_name": first.name if first and gift.first_approver else "",
        "first_at": microseconds(time_text(first.at)) if first and gift.first_approver else 0,
    }


def _noon(gift: Donation) -> int:
    """Return a moment on the day of the gift's rate."""
    assert gift.rate_as_of is not None
    moment = datetime.combine(gift.rate_as_of, time(12), tzinfo=UTC)
    return microseconds(moment.isoformat())


def told(history: Sequence[Done]) -> list[dict[str, Any]]:
    """Return what was done to a gift, the last act first."""
    lines = [line(one) | {"key": str(number)} for number, one in enumerate(history)]
    return lines[::-1]


def line(one: Done) -> dict[str, Any]:
    """Return one act: who, what, when, from where, and why."""
    details = one.details
    return {
        "act": one.act,
        "name": one.name,
        "address": one.address,
        "at": microseconds(time_text(one.at)),
        "reason": str(details.get("reason", "")),
        "amount": str(details.get("amount", "")) if one.act == "refund" else "",
        "undone": str(details.get("undone", "")),
        "changed": _changed(details.get("changed")),
    }


def _changed(changed: object) -> str:
    """Return which fields an edit changed, and from what to what."""
    if not isinstance(changed, Mapping):
        return ""
    return "; ".join(_change(name, values) for name, values in changed.items() if name in _FIELDS)


def _change(name: str, values: object) -> str:
    if name not in _TOLD or not isinstance(values, list):
        return _FIELDS[name]
    before, after = ("" if one is None else str(one) for one in values)
    return f"{_FIELDS[name]}: {before} → {after}"


def campaign(one: Waiting) -> dict[str, Any]:
    """Return a campaign to choose, and how many of its gifts wait."""
    return {"slug": one.slug, "label": f"{one.name} ({one.gifts})"}


def outcome(became: Outcome, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what became of one of many gifts; ``before`` is its row, empty if it had none."""
    shown = {
        "name": before.get("name", ""),
        "amount": before.get("amount", ""),
        "currency": before.get("currency", ""),
    }
    if isinstance(became, AppError):
        return shown | {"is_done": False, "text": became.message}
    is_first = became.first_approver is not None
    return shown | {
        "is_done": True,
        "text": t("approved; one more person must approve it too") if is_first else "",
    }
