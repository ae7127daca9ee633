"""Every query about receipts. Nothing here commits."""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts.receipts.models import ORIGINAL, Receipt, ReceiptCounter


async def find(session: AsyncSession, receipt_id: UUID) -> Receipt | None:
    """Return one receipt."""
    return await session.get(Receipt, receipt_id)


async def all_of(session: AsyncSession, donation_id: UUID) -> Sequence[Receipt]:
    """Return the receipt of a gift and those that correct it, each replacing the one before."""
    query = sa.select(Receipt).where(col(Receipt.donation_id) == donation_id)
    return (await session.execute(query.order_by(col(Receipt.correction)))).scalars().all()


async def which_have(session: AsyncSession, donation_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these gifts that have a receipt."""
    query = sa.select(col(Receipt.donation_id)).where(
        col(Receipt.donation_id).in_(donation_ids), col(Receipt.correction) == ORIGINAL
    )
    return set((await session.execute(query)).scalars())


async def next_serial(session: AsyncSession, year: int) -> int:
    """Return the next serial of a year, and hold the counter until the transaction ends.

    The next one waits for that: a transaction that fails takes its serial back.
    """
    counted = insert(ReceiptCounter).values(year=year, last_serial=1)
    found = await session.execute(
        counted.on_conflict_do_update(
            index_elements=["year"], set_={"last_serial": ReceiptCounter.last_serial + 1}
        ).returning(col(ReceiptCounter.last_serial))
    )
    return int(found.scalar_one())


async def add(session: AsyncSession, receipt: Receipt) -> None:
    """Store a receipt."""
    session.add(receipt)
    await session.flush()
