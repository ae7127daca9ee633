"""What happens to a gift between arriving and counting, and after.

Each act is one transaction: the gift, the campaign's totals, what sponsors add, the ledger, the
audit trail, the donor's notification and the event are all true together, or none of them. The
campaign is held first, so of two people who act at once one comes second, and is told who was
first.

A gift of the campaign's ``dual_approval_from`` or more counts when two different people have
approved it. Whoever acted may undo it within a minute; the gift is then as it was before.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import rights
from financial_live.contexts import audit_entries, columns, idempotency_keys
from financial_live.contexts.audit_entries import AuditEntry
from financial_live.contexts.donations import events, service
from financial_live.contexts.donations.acting import (
    BESIDE,
    Deed,
    acting,
    apply,
    by_whom,
    name_of,
    require_pending,
    when,
)
from financial_live.contexts.donations.models import (
    Donation,
    DonationStatus,
    RefundInput,
    RejectInput,
)
from financial_live.contexts.inputs import Errors, checked
from financial_live.contexts.notifications import NotificationKind
from financial_live.contexts.wire import amount_text
from financial_live.errors import AppError, Conflict
from financial_live.money import format_amount
from financial_live.rights import Act
from financial_live.scope import Scope

UNDO_WITHIN = timedelta(minutes=1)
MOST_AT_ONCE = 100
ACTS = ("approve", "reject", "refund", "undo", "hide", "show")
_UNDOABLE = ("approve", "endorse", "reject", "refund")

Outcome = Donation | AppError
"""What became of a gift that was acted on with others: the gift, or why it stays as it is."""


async def approve(scope: Scope, id: UUID | str, *, version: int | None = None) -> Donation:
    """Let a gift that waits count; the seed's ``approve_donation``.

    A large one counts when a second person approves it, and waits until then. ``version`` is the
    one the caller saw. Emits ``donation_approved``, or ``donation_endorsed`` for the first of two.
    Raises Unauthorized, Forbidden, NotFound, Stale, and Conflict that says who has acted before.
    """
    async with acting(scope, id, Act.APPROVE, version) as (session, donation):
        await require_pending(donation)
        campaign = donation.campaign
        if campaign.needs_two(donation.converted_amount) and not donation.is_test:
            if donation.first_approver is None:
                return await _endorse(session, scope, donation)
            if donation.first_approver == scope.caller:
                raise Conflict(
                    "You have approved this gift already; a second person must approve it too."
                )
        counted = None if donation.is_test else donation.converted_amount
        return await apply(
            session,
            scope,
            donation,
            {
                "status": DonationStatus.APPROVED,
                "counted_amount": counted,
                "first_approver": None,
            },
            Deed("approve", events.donation_approved, NotificationKind.DONATION_APPROVED),
        )


async def _endorse(session: AsyncSession, scope: Scope, donation: Donation) -> Donation:
    changes = {"first_approver": scope.caller}
    return await apply(session, scope, donation, changes, Deed("endorse", events.donation_endorsed))


async def reject(
    scope: Scope, id: UUID | str, attrs: Mapping[str, Any], *, version: int | None = None
) -> Donation:
    """Keep a gift that waits from counting; ``attrs`` hold the ``reason``, for the team.

    Emits ``donation_rejected``. Raises Unauthorized, Forbidden, NotFound, Invalid, Stale, and
    Conflict that says who has acted before.
    """
    async with acting(scope, id, Act.REJECT, version) as (session, donation):
        await require_pending(donation)
        given = checked(RejectInput, attrs)
        return await apply(
            session,
            scope,
            donation,
            {"status": DonationStatus.REJECTED, "first_approver": None},
            Deed(
                "reject",
                events.donation_rejected,
                NotificationKind.DONATION_REJECTED,
                {"reason": given.reason},
            ),
        )


async def refund(
    scope: Scope,
    id: UUID | str,
    attrs: Mapping[str, Any],
    *,
    version: int | None = None,
    idempotency_key: str | None = None,
) -> Donation:
    """Write down that a counted gift was given back, whole or in part; the total falls by it.

    ``attrs``: the ``reason``, for the team, and the ``amount`` in the campaign's currency, all that
    is left of the gift if there is none. What the gift was matched with is taken back in the same
    part. The same ``idempotency_key`` of one caller is the same refund: the gift is returned as it
    is now. Emits ``donation_refunded``. Raises Unauthorized, Forbidden, NotFound, Invalid, Stale,
    and Conflict for a gift that does not count, and where the campaign has too little left.
    """
    if idempotency_key is None:
        return await _refund(scope, id, attrs, version)
    done: list[Donation] = []

    async def act() -> dict[str, Any]:
        done.append(await _refund(scope, id, attrs, version))
        return {"donation_id": str(done[0].id)}

    body = {**attrs, "refund_of": str(id)}
    response, _ = await idempotency_keys.once(scope, idempotency_key, body, act)
    return done[0] if done else await service.get_donation(scope, response["donation_id"])


async def _refund(
    scope: Scope, id: UUID | str, attrs: Mapping[str, Any], version: int | None
) -> Donation:
    async with acting(scope, id, Act.REFUND, version) as (session, donation):
        given = checked(RefundInput, attrs)
        if not donation.is_counted:
            raise Conflict(f"This gift is {donation.status}, so there is nothing to give back.")
        if donation.kept_amount == 0:
            raise Conflict(f"This gift was given back already{await by_whom(donation)}.")
        amount = _refundable(donation, given.amount)
        refunded = donation.refunded_amount + amount
        is_whole = refunded == donation.counted_amount
        return await apply(
            session,
            scope,
            donation,
            {
                "refunded_amount": refunded,
                "status": DonationStatus.REFUNDED if is_whole else DonationStatus.APPROVED,
            },
            Deed(
                "refund",
                events.donation_refunded,
                NotificationKind.DONATION_REFUNDED,
                {"amount": amount_text(amount), "reason": given.reason},
            ),
        )


def _refundable(donation: Donation, asked: Decimal | None) -> Decimal:
    if asked is None:
        return donation.kept_amount
    errors = Errors()
    if asked > donation.kept_amount:
        most = format_amount(donation.kept_amount, donation.campaign.currency)
        errors.add("amount", f"must be at most {most}, which is what is left of the gift")
    errors.raise_any()
    return asked


async def undo(scope: Scope, id: UUID | str) -> Donation:
    """Take back the caller's own last act on a gift, within a minute: all is as it was before.

    What others were matched with meanwhile stays theirs. Emits ``donation_undone``. Raises
    Unauthorized, Forbidden, NotFound, Invalid if another gift of the donor has taken the one place
    meanwhile, and Conflict where it is too late or was somebody else's act.
    """
    async with acting(scope, id, Act.UNDO, None) as (session, donation):
        # What leaves a gift's standing as it is stands between no act and its undoing.
        entry = await audit_entries.last_of(donation.id, without=BESIDE)
        _refuse_to_undo(scope, entry, await name_of(entry) if entry else "")
        assert entry is not None
        before = entry.details["before"]
        counted = before["counted_amount"]
        return await apply(
            session,
            scope,
            donation,
            {
                "status": DonationStatus(before["status"]),
                "counted_amount": Decimal(counted) if counted is not None else None,
                "refunded_amount": Decimal(before["refunded_amount"]),
                "first_approver": before["first_approver"],
            },
            Deed(
                "undo",
                events.donation_undone,
                None if entry.act == "endorse" else NotificationKind.DONATION_UNDONE,
                {"undone": entry.act, "entry_id": str(entry.id)},
            ),
        )


def _refuse_to_undo(scope: Scope, entry: AuditEntry | None, name: str) -> None:
    if entry is None or entry.act not in _UNDOABLE:
        raise Conflict("There is nothing to undo: nobody has acted on this gift since.")
    if entry.caller != scope.caller:
        raise Conflict(f"Only {name} can undo this: they acted last, {when(entry)}.")
    if columns.now() - entry.inserted_at > UNDO_WITHIN:
        raise Conflict(f"It is too late to undo this: you acted {when(entry)}, over a minute ago.")


async def hide(scope: Scope, id: UUID | str) -> Donation:
    """Hide the donor's name and the message of a gift from everybody, on every page at once.

    Nothing happens if they are hidden. Emits ``donation_moderated``. Raises Unauthorized,
    Forbidden and NotFound.
    """
    return await _moderate(scope, id, is_hidden=True)


async def show(scope: Scope, id: UUID | str) -> Donation:
    """Show again what ``hide`` has hidden; what the donor hides stays hidden.

    Nothing happens if nothing is hidden. Emits ``donation_moderated``. Raises Unauthorized,
    Forbidden and NotFound.
    """
    return await _moderate(scope, id, is_hidden=False)


async def _moderate(scope: Scope, id: UUID | str, *, is_hidden: bool) -> Donation:
    act = Act.HIDE if is_hidden else Act.SHOW
    async with acting(scope, id, act, None) as (session, donation):
        if donation.is_hidden == is_hidden:
            return donation
        deed = Deed("hide" if is_hidden else "show", events.donation_moderated)
        return await apply(session, scope, donation, {"is_hidden": is_hidden}, deed)


async def review_many(
    scope: Scope, act: str, ids: Sequence[UUID | str], attrs: Mapping[str, Any] | None = None
) -> list[Outcome]:
    """Approve, reject, refund, undo, hide or show many gifts, each by itself.

    Returns what became of each, in their order; one that is refused keeps no other back. ``attrs``
    are those of the act, for all of them. Raises Unauthorized, and Invalid for another act, and for
    no gifts or more than 100.
    """
    rights.require(scope, Act.REVIEW_MANY)
    errors = Errors()
    if act not in ACTS:
        errors.add("act", f"is invalid: use one of {', '.join(ACTS)}")
    if not 0 < len(ids) <= MOST_AT_ONCE:
        errors.add("ids", f"must be 1 to {MOST_AT_ONCE}")
    errors.raise_any()
    return [await _one_of_many(scope, act, gift, attrs or {}) for gift in ids]


async def _one_of_many(
    scope: Scope, act: str, gift: UUID | str, attrs: Mapping[str, Any]
) -> Outcome:
    try:
        return await _do(scope, act, gift, attrs)
    except AppError as error:
        return error


async def _do(scope: Scope, act: str, gift: UUID | str, attrs: Mapping[str, Any]) -> Donation:
    match act:
        case "approve":
            return await approve(scope, gift)
        case "reject":
            return await reject(scope, gift, attrs)
        case "refund":
            return await refund(scope, gift, attrs)
        case "undo":
            return await undo(scope, gift)
        case "hide":
            return await hide(scope, gift)
        case _:
            return await show(scope, gift)
