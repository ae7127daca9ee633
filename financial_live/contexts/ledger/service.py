"""The use cases of the ledger: writing what moved, and moving money between campaigns."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from financial_live import db, outbox
from financial_live.contexts import audit_entries, campaigns, idempotency_keys
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.inputs import MISSING, Errors, checked
from financial_live.contexts.ledger import events, repo
from financial_live.contexts.ledger.models import EntryKind, LedgerEntry, Posting, TransferInput
from financial_live.contexts.wire import amount_text
from financial_live.errors import Conflict
from financial_live.money import format_amount
from financial_live.rights import Act
from financial_live.scope import Scope


async def post(postings: Sequence[Posting]) -> None:
    """Write entries in the task's open transaction, in which the totals change as well."""
    if postings:
        async with db.transaction():
            repo.add(repo.values_of(postings))


async def has_entries(donation_id: UUID) -> bool:
    """Whether the ledger names a gift, whatever became of it."""
    async with db.reading() as session:
        return await repo.has_entries(session, donation_id)


async def transfer(
    scope: Scope,
    from_campaign: UUID | str,
    to_campaign: UUID | str,
    attrs: Mapping[str, Any],
    *,
    idempotency_key: str | None = None,
) -> LedgerEntry:
    """Move money from one campaign to another, both or neither; the seed's ``transfer_funds``.

    ``attrs``: amount (decimal text, in the currency of both) and, if wanted, a note for the audit
    trail. The caller needs the right in both campaigns. The same ``idempotency_key`` of one caller
    is the same transfer. Emits ``funds_transferred`` for each campaign. Raises Unauthorized,
    Forbidden, NotFound for the first campaign, Invalid naming every wrong field, also where the
    campaigns are one or have different currencies, and Conflict if there is not so much to move.
    """
    if idempotency_key is None:
        return await _transfer(scope, from_campaign, to_campaign, attrs)
    made: list[LedgerEntry] = []

    async def act() -> dict[str, Any]:
        made.append(await _transfer(scope, from_campaign, to_campaign, attrs))
        return {"entry": made[0].model_dump(mode="json")}

    body = {**attrs, "from": str(from_campaign), "to": str(to_campaign)}
    response, _ = await idempotency_keys.once(scope, idempotency_key, body, act)
    return made[0] if made else LedgerEntry.model_validate(response["entry"])


async def _transfer(
    scope: Scope, from_campaign: UUID | str, to_campaign: UUID | str, attrs: Mapping[str, Any]
) -> LedgerEntry:
    giver = await campaigns.get_campaign(scope, from_campaign)
    taker = await campaigns.find_campaign(to_campaign)
    given = checked(TransferInput, attrs)
    async with db.transaction():
        held = await campaigns.locked_all([giver.id, *([taker.id] if taker else [])])
        if giver.id not in held:
            raise Conflict("The campaign was deleted meanwhile.")
        giver, taker = held[giver.id], held.get(taker.id) if taker else None
        await campaigns.require(scope, Act.TRANSFER, giver.id)
        taker = _checked_taker(giver, taker)
        await campaigns.require(scope, Act.TRANSFER, taker.id)
        _refuse_overdraw(giver, given.amount)
        posted = Posting(EntryKind.TRANSFER, giver.id, taker.id, given.amount, giver.currency)
        [row] = repo.values_of([posted])
        repo.add([row])
        entry = LedgerEntry(**row)
        # The rows are held already; the order of the two counts matters no more.
        for campaign, sign in ((giver, -1), (taker, 1)):
            await _count_and_tell(scope, campaign, entry, sign * given.amount, given.note)
    return entry


def _checked_taker(giver: Campaign, taker: Campaign | None) -> Campaign:
    errors = Errors()
    if taker is None:
        errors.add("to", MISSING)
    elif taker.id == giver.id:
        errors.add("to", "must be another campaign")
    elif taker.currency != giver.currency:
        errors.add("to", f"is in {taker.currency}, but must be in {giver.currency}")
    errors.raise_any()
    assert taker is not None
    return taker


def _refuse_overdraw(giver: Campaign, amount: Decimal) -> None:
    if amount > giver.total:
        there = format_amount(giver.total, giver.currency)
        message = f"must be at most {there}, which is all that the campaign has"
        raise Conflict(f"The amount {message}.", fields={"amount": [message]})


async def _count_and_tell(
    scope: Scope, campaign: Campaign, entry: LedgerEntry, change: Decimal, note: str
) -> None:
    after = await campaigns.counted(campaign.id, transferred=change)
    assert after is not None, "a locked campaign cannot vanish"
    await audit_entries.record(
        scope,
        "transfer",
        campaign_id=campaign.id,
        details={
            "entry_id": str(entry.id),
            "from": str(entry.debit_campaign_id),
            "to": str(entry.credit_campaign_id),
            "amount": amount_text(entry.amount),
            "currency": entry.currency,
            "note": note,
        },
    )
    await outbox.append(events.funds_transferred(entry, after))
