"""The use cases of receipts: donors get one for each counted gift given with their address.

Numbers have no gaps within a year: the counter is a row, moved in the transaction that stores the
receipt, and the last thing that is locked there. Whatever is hidden from others is on it.
"""

from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, rights
from financial_live.contexts import columns, donations
from financial_live.contexts.donations import Donation
from financial_live.contexts.receipts import repo
from financial_live.contexts.receipts.models import Receipt
from financial_live.errors import Conflict, NotFound
from financial_live.rights import Act
from financial_live.scope import Scope


async def issue_receipt(scope: Scope, donation_id: UUID | str) -> Receipt:
    """Return the receipt of an own gift, issued now if it has none; asked twice it is the same.

    It says what is true today, and goes on saying it: the name as given, the amount, the campaign's
    name. Raises Unauthorized, Forbidden, NotFound also for somebody else's gift, and Conflict for
    one that is not counted or was given back before it had a receipt.
    """
    rights.require_user(scope, Act.ISSUE_RECEIPT)
    async with db.transaction() as session:
        gift = await donations.find_own(scope, donation_id, is_locked=True)
        if gift is None:
            raise NotFound("There is no such gift, or it was not given with your address.")
        return await repo.find_of(session, gift.id) or await _issue(session, gift)


async def _issue(session: AsyncSession, gift: Donation) -> Receipt:
    """Store the receipt of a gift that is held and has none."""
    if not gift.is_counted:
        raise Conflict("Only a gift that is counted has a receipt; this one is not.")
    if gift.refunded_amount > 0:
        raise Conflict("This gift was given back, so it has no receipt.")
    moment = columns.now()
    receipt = Receipt(
        year=moment.year,
        serial=await repo.next_serial(session, moment.year),
        donation_id=gift.id,
        donor_name=gift.donor_name,
        amount=gift.amount,
        currency=gift.currency,
        campaign_name=gift.campaign.name,
        given_at=gift.inserted_at,
        issued_at=moment,
    )
    await repo.add(session, receipt)
    return receipt


async def get_receipt(scope: Scope, id: UUID | str) -> Receipt:
    """Return a receipt of an own gift. Raises Unauthorized, Forbidden, and NotFound.

    Somebody else's is not found, nor one of a gift whose address was corrected to another.
    """
    rights.require_user(scope, Act.GET_RECEIPT)
    async with db.transaction() as session:
        receipt = await repo.find(session, _id_of(id))
        if receipt is None or await donations.find_own(scope, receipt.donation_id) is None:
            raise _unknown()
        return receipt


def _id_of(id: UUID | str) -> UUID:
    try:
        return id if isinstance(id, UUID) else UUID(id)
    except ValueError:
        raise _unknown() from None


def _unknown() -> NotFound:
    return NotFound("There is no such receipt, or it is not yours.")
