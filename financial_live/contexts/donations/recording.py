"""Gifts that did not come through a door of ours: counted by hand, and entered many at once."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field as InputField

from financial_live import db
from financial_live.contexts import campaigns, columns, idempotency_keys
from financial_live.contexts.constraints import refusals
from financial_live.contexts.donations import batch, giving, repo
from financial_live.contexts.donations.giving import Gift
from financial_live.contexts.donations.models import CONSTRAINTS, Donation, DonationSource
from financial_live.contexts.inputs import TAKEN, Amount, Errors, Input, checked
from financial_live.errors import Invalid
from financial_live.money import format_amount
from financial_live.rights import Act
from financial_live.scope import Scope

MOST = 500


class BatchInput(Input):
    """What must agree with the gifts of a batch, counted by somebody else or twice."""

    control_total: Amount
    """The sum of all gifts, in the campaign's currency."""
    control_count: Annotated[int | None, InputField(ge=1, le=MOST)] = None
    """How many gifts there are; not compared where nothing is given."""


async def record_batch(
    scope: Scope,
    campaign: UUID | str,
    gifts: Sequence[Mapping[str, Any]],
    attrs: Mapping[str, Any],
    *,
    idempotency_key: str | None = None,
) -> list[Donation]:
    """Enter offline gifts to a campaign, all or none: their sum must be the control total.

    Each of ``gifts`` is as for ``give``, in the campaign's currency; ``attrs``: control_total and,
    if wanted, control_count. Emits one ``donations_created``. The same ``idempotency_key`` of one
    caller is the same batch. Raises Unauthorized, Forbidden, NotFound, and Invalid naming every
    wrong field of every gift, as ``gifts.0.amount``, or by how much the total differs.
    """
    if idempotency_key is None:
        return await _record(scope, campaign, gifts, attrs)
    made: list[Donation] = []

    async def act() -> dict[str, Any]:
        made.extend(await _record(scope, campaign, gifts, attrs))
        return {"donation_ids": [str(donation.id) for donation in made]}

    body = {**attrs, "campaign": str(campaign), "gifts": [dict(gift) for gift in gifts]}
    response, _ = await idempotency_keys.once(scope, idempotency_key, body, act)
    if made:
        return made
    ids = [UUID(text) for text in response["donation_ids"]]
    async with db.reading() as session:
        found = await repo.by_ids(session, ids)
    return [found[one] for one in ids if one in found]


async def _record(
    scope: Scope,
    key: UUID | str,
    gifts: Sequence[Mapping[str, Any]],
    attrs: Mapping[str, Any],
) -> list[Donation]:
    campaign = await campaigns.get_campaign(scope, key)
    with refusals(CONSTRAINTS, overflow="amount"):
        async with db.transaction():
            held = await campaigns.locked(campaign.id)
            await campaigns.require(scope, Act.RECORD_BATCH, held.id)
            control = _control(gifts, attrs)
            asked = [Gift(gift, DonationSource.OFFLINE, held.id) for gift in gifts]
            donations = await _checked(scope, asked, held)
            _refuse_disagreement(donations, control, held.currency)
            stored = await repo.add_all(donations)
            _refuse_taken(donations, stored)
            await batch.count_and_tell(
                scope, {held.id: held}, donations, batch_id=str(columns.new_id())
            )
    return donations


def _control(gifts: Sequence[Mapping[str, Any]], attrs: Mapping[str, Any]) -> BatchInput:
    errors = Errors()
    if not 0 < len(gifts) <= MOST:
        errors.add("gifts", f"must be 1 to {MOST}")
    errors.raise_any()
    return checked(BatchInput, attrs)


async def _checked(scope: Scope, asked: Sequence[Gift], held: campaigns.Campaign) -> list[Donation]:
    """Return the rows of a batch, not stored yet. Raises Invalid with all that is wrong."""
    errors, donations = Errors(), []
    for number, gift in enumerate(asked):
        try:
            given, worth = await giving.checked_gift(scope, gift, held)
        except Invalid as error:
            for name, messages in error.fields.items():
                for message in messages:
                    errors.add(f"gifts.{number}.{name}", message)
            continue
        if worth.rate is not None:
            errors.add(f"gifts.{number}.currency", f"must be {held.currency} in a batch")
        donation = giving.new_donation(scope, gift, given, worth, held)
        # The campaign is held: the next version is the one that counting this batch will make.
        donation.version = held.version + 1
        donations.append(donation)
    errors.raise_any()
    return donations


def _refuse_disagreement(donations: Sequence[Donation], control: BatchInput, currency: str) -> None:
    errors = Errors()
    total = sum((donation.amount for donation in donations), Decimal(0))
    if total != control.control_total:
        errors.add(
            "control_total",
            f"is {format_amount(control.control_total, currency)}, but the gifts make "
            f"{format_amount(total, currency)}: "
            f"{format_amount(abs(total - control.control_total), currency)} "
            f"{'too much' if total > control.control_total else 'too little'}",
        )
    if control.control_count not in (None, len(donations)):
        errors.add("control_count", f"is {control.control_count}, but there are {len(donations)}")
    errors.raise_any()


def _refuse_taken(donations: Sequence[Donation], stored: set[UUID]) -> None:
    """Raise Invalid if a unique index left any out: then none is entered."""
    errors = Errors()
    for number, donation in enumerate(donations):
        if donation.id not in stored:
            errors.add(f"gifts.{number}.donor_email", TAKEN)
    errors.raise_any()
