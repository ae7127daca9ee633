"""Every query about the ledger. Nothing here commits."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts import columns
from financial_live.contexts.ledger.models import ACCOUNTS, LedgerEntry, Posting

# Built once, and of the bare table: every counted gift runs it.
_ADD = sa.insert(SQLModel.metadata.tables["ledger_entry"]).inline()


def values_of(postings: Sequence[Posting]) -> list[dict[str, Any]]:
    """Return the rows of entries to be written now."""
    moment = columns.now()
    rows = []
    for one in postings:
        debit, credit = ACCOUNTS[one.kind]
        sides = {"debit_account": debit, "credit_account": credit}
        rows.append({"id": columns.new_id(), **asdict(one), **sides, "inserted_at": moment})
    return rows


async def add(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Store entries."""
    await session.execute(_ADD, rows[0] if len(rows) == 1 else list(rows))


async def has_entries(session: AsyncSession, donation_id: UUID) -> bool:
    """Whether any entry names the gift."""
    query = sa.select(sa.exists().where(col(LedgerEntry.donation_id) == donation_id))
    return bool(await session.scalar(query))
