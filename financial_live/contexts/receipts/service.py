"""The use cases of receipts: donors get one for each counted gift given with their address.

Numbers have no gaps within a year: the counter is a row, moved in the transaction that stores the
receipt, and the last thing that is locked there. Whatever is hidden from others is on it.

A receipt stays as it was issued. When what is kept of its gift changes after, because of a refund
or of an act that was undone, another receipt is issued that replaces it (``correct``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, outbox, rights
from financial_live.contexts import columns, donations
from financial_live.contexts.donations import Donation
from financial_live.contexts.receipts import repo
from financial_live.contexts.receipts.models import ORIGINAL, Receipt
from financial_live.errors import Conflict, NotFound
from financial_live.rights import Act
from financial_live.scope import Scope

READER = "receipts"
# After these what is kept of a gift may be another amount.
_CORRECTED_AFTER = ("donation_approved", "donation_refunded", "donation_undone")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Paper:
    """A receipt, and those beside it: the one that it replaces, and the one that replaces it."""

    receipt: Receipt
    replaces: Receipt | None
    replaced_by: Receipt | None


async def issue_receipt(scope: Scope, donation_id: UUID | str) -> Receipt:
    """Return the last receipt of an own gift, issued now if it has none.

    It says what is true today, and goes on saying it: the name as given, what is kept of the
    amount, the campaign's name. Raises Unauthorized, Forbidden, NotFound also for somebody else's
    gift, and Conflict for one that is not counted or was given back before it had a receipt.
    """
    rights.require_user(scope, Act.ISSUE_RECEIPT)
    async with db.transaction() as session:
        gift = await donations.find_own(scope, donation_id, is_locked=True)
        if gift is None:
            raise NotFound("There is no such gift, or it was not given with your address.")
        issued = await repo.all_of(session, gift.id)
        return issued[-1] if issued else await _first(session, gift)


async def _first(session: AsyncSession, gift: Donation) -> Receipt:
    """Store the receipt of a gift that is held and has none."""
    if not gift.is_counted:
        raise Conflict("Only a gift that is counted has a receipt; this one is not.")
    if _certified(gift) == 0:
        raise Conflict("This gift was given back, so it has no receipt.")
    return await _issue(session, gift, donor_name=gift.donor_name, correction=ORIGINAL)


def _certified(gift: Donation) -> Decimal:
    """Return what is kept of a gift, in the currency it was given in."""
    if not gift.counted_amount:
        return Decimal("0.00")
    part = gift.kept_amount / gift.counted_amount
    return (gift.amount * part).quantize(_CENT, rounding=ROUND_HALF_UP)


async def _issue(
    session: AsyncSession, gift: Donation, *, donor_name: str, correction: int
) -> Receipt:
    moment = columns.now()
    receipt = Receipt(
        year=moment.year,
        serial=await repo.next_serial(session, moment.year),
        donation_id=gift.id,
        correction=correction,
        donor_name=donor_name,
        amount=_certified(gift),
        currency=gift.currency,
        campaign_name=gift.campaign.name,
        given_at=gift.inserted_at,
        issued_at=moment,
    )
    await repo.add(session, receipt)
    return receipt


async def correct() -> int:
    """Issue a receipt in place of each that is not true any more; return how many.

    Reads what happened to gifts by a cursor of its own, so none is overlooked, and none is
    corrected twice. A gift that nobody asked a receipt of gets none.
    """
    async with db.transaction() as session:
        events = await outbox.read(READER, _CORRECTED_AFTER)
        changed = {UUID(event.data["donation"]["id"]) for event in events}
        due = sorted(await repo.which_have(session, changed))
        return sum([await _correct_one(session, donation_id) for donation_id in due])


async def _correct_one(session: AsyncSession, donation_id: UUID) -> bool:
    gift = await donations.locked_gift(donation_id)
    [*issued] = await repo.all_of(session, donation_id)
    last = issued[-1]
    if gift is None or _certified(gift) == last.amount:
        return False
    await _issue(session, gift, donor_name=last.donor_name, correction=last.correction + 1)
    return True


async def get_receipt(scope: Scope, id: UUID | str) -> Paper:
    """Return a receipt of an own gift. Raises Unauthorized, Forbidden, and NotFound.

    Somebody else's is not found, nor one of a gift whose address was corrected to another.
    """
    rights.require_user(scope, Act.GET_RECEIPT)
    async with db.transaction() as session:
        receipt = await repo.find(session, _id_of(id))
        if receipt is None or await donations.find_own(scope, receipt.donation_id) is None:
            raise _unknown()
        return _paper(receipt, await repo.all_of(session, receipt.donation_id))


def _paper(receipt: Receipt, issued: Sequence[Receipt]) -> Paper:
    by_correction = {one.correction: one for one in issued}
    return Paper(
        receipt,
        replaces=by_correction.get(receipt.correction - 1),
        replaced_by=by_correction.get(receipt.correction + 1),
    )


def _id_of(id: UUID | str) -> UUID:
    try:
        return id if isinstance(id, UUID) else UUID(id)
    except ValueError:
        raise _unknown() from None


def _unknown() -> NotFound:
    return NotFound("There is no such receipt, or it is not yours.")
