"""Every query about the ledger. Nothing here commits."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db
from financial_live.contexts import columns
from financial_live.contexts.ledger.models import ACCOUNTS, LedgerEntry, Posting
from financial_live.sending import Statement, insertion, rows_text

_ADD = insertion("ledger_entry", tuple(LedgerEntry.model_fields))


def values_of(postings: Sequence[Posting]) -> list[dict[str, Any]]:
    """Return the rows of entries to be written now."""
    moment = columns.now()
    rows = []
    for one in postings:
        debit, credit = ACCOUNTS[one.kind]
        rows.append(
            {
                "id": columns.new_id(),
                "kind": one.kind,
                "debit_campaign_id": one.debit_campaign_id,
                "debit_account": debit,
                "credit_campaign_id": one.credit_campaign_id,
                "credit_account": credit,
                "amount": one.amount,
                "currency": one.currency,
                "donation_id": one.donation_id,
                "challenge_id": one.challenge_id,
                "inserted_at": moment,
            }
        )
    return rows


def add(rows: Sequence[dict[str, Any]]) -> None:
    """Store entries, with the next statement or the commit."""
    db.send_later(Statement(_ADD, {"rows": rows_text(rows)}))


async def has_entries(session: AsyncSession, donation_id: UUID) -> bool:
    """Whether any entry names the gift."""
    query = sa.select(sa.exists().where(col(LedgerEntry.donation_id) == donation_id))
    return bool(await session.scalar(query))
