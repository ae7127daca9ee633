"""How an act on a gift is done: held, checked, written down, counted and told, all or nothing."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, outbox, telemetry
from financial_live.contexts import accounts, audit_entries, campaigns, columns, notifications
from financial_live.contexts.audit_entries import AuditEntry
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.constraints import refusals
from financial_live.contexts.donations import counting, repo, service
from financial_live.contexts.donations.counting import Shift, Standing
from financial_live.contexts.donations.models import CONSTRAINTS, Donation, DonationStatus
from financial_live.contexts.notifications import NotificationKind
from financial_live.contexts.wire import amount_text, optional_amount_text
from financial_live.errors import Conflict
from financial_live.event import Event
from financial_live.money import format_amount
from financial_live.rights import Act
from financial_live.scope import Scope

# Acts that leave a gift's standing as it is: none of them decided anything.
BESIDE = ("hide", "show")
_UNDECIDED = (*BESIDE, "update")

_MESSAGES: Mapping[NotificationKind, str] = {
    NotificationKind.DONATION_APPROVED: "Your donation has been approved",
    NotificationKind.DONATION_REJECTED: "Your donation was not accepted",
    NotificationKind.DONATION_REFUNDED: "Your donation has been refunded",
    NotificationKind.DONATION_UNDONE: (
        "A decision about your donation was taken back; it is {status} now"
    ),
}


@dataclass(frozen=True, slots=True)
class Deed:
    """An act, as it is written down, told, and told to the donor if that has an account."""

    act: str
    event: Callable[[Donation, Campaign], Event]
    kind: NotificationKind | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def acting(
    scope: Scope, id: UUID | str, act: Act, version: int | None
) -> AsyncIterator[tuple[AsyncSession, Donation]]:
    """Hold a gift and its campaign for a caller who may do ``act``.

    Raises Unauthorized, Forbidden, NotFound, and Stale if the gift has changed since ``version``.
    """
    seen, _ = await service.seen_by(scope, id)
    with refusals(CONSTRAINTS, overflow="amount"):
        async with db.transaction() as session:
            donation = await service.held(session, seen, None)
            await campaigns.require(scope, act, donation.campaign_id)
            service.refuse_stale(donation, version)
            yield session, donation


async def apply(
    session: AsyncSession,
    scope: Scope,
    donation: Donation,
    changes: dict[str, Any],
    deed: Deed,
) -> Donation:
    """Change a gift that is held, and all that follows from it; return it as it is after."""
    before = counting.standing(donation)
    after = Standing(
        changes.get("counted_amount", donation.counted_amount),
        changes.get("refunded_amount", donation.refunded_amount),
    )
    shift = Shift(donation.id, donation.inserted_at, before, after)
    counted = await counting.count(donation.campaign, [shift], is_held=True)
    assert counted is not None, "a locked campaign cannot vanish"
    await audit_entries.record(
        scope,
        deed.act,
        campaign_id=donation.campaign_id,
        donation_id=donation.id,
        details={**deed.details, "before": state_of(donation)},
    )
    campaign = counted.campaign
    moved = {"version": campaign.version, "updated_at": columns.now()}
    changed = await repo.change(session, donation, changes | moved)
    await counting.post(counted)
    if deed.kind is not None:
        await notifications.notify(
            changed.user_id, deed.kind, _message(deed.kind, changed), donation_id=changed.id
        )
    await outbox.append(counted.telling(deed.event(changed, campaign)))
    if shift.gifts > 0:
        db.after_commit(lambda: telemetry.count_gift(changed.status))
    return changed


def state_of(donation: Donation) -> dict[str, Any]:
    """Return what an act changes of a gift, as JSON: what undoing it brings back."""
    return {
        "status": str(donation.status),
        "counted_amount": optional_amount_text(donation.counted_amount),
        "refunded_amount": amount_text(donation.refunded_amount),
        "first_approver": donation.first_approver,
    }


def _message(kind: NotificationKind, donation: Donation) -> str:
    amount = format_amount(donation.amount, donation.currency)
    words = _MESSAGES[kind].format(status=donation.status)
    return f"{words}: {amount} for {donation.campaign.name}."


async def require_pending(donation: Donation) -> None:
    """Raise Conflict, with who has acted and when, unless the gift still waits."""
    if donation.status != DonationStatus.PENDING:
        raise Conflict(f"This gift is {donation.status} already{await by_whom(donation)}.")


async def by_whom(donation: Donation) -> str:
    """Return who decided last on a gift, and when, to complete a sentence."""
    entry = await audit_entries.last_of(donation.id, without=_UNDECIDED)
    if entry is None:
        return ""
    return f": {await name_of(entry)} did it {when(entry)}"


async def name_of(entry: AuditEntry) -> str:
    """Return the name of who did an act."""
    if entry.user_id is None:
        return entry.caller
    names = await accounts.names_of([entry.user_id])
    return names.get(entry.user_id, "somebody whose account is gone")


def when(entry: AuditEntry) -> str:
    """Return the moment of an act as a sentence says it."""
    return f"at {entry.inserted_at:%H:%M:%S} UTC on {entry.inserted_at:%Y-%m-%d}"
