"""Writing acts down, and reading them again. Who may see them is asked by the calling context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from financial_live import db
from financial_live.contexts import columns
from financial_live.contexts.audit_entries.models import AuditEntry
from financial_live.scope import Scope
from financial_live.sending import Statement, insertion, rows_text

_ADD = insertion("audit_entry", tuple(AuditEntry.model_fields))
_BY_GIFT = sa.select(AuditEntry).where(col(AuditEntry.donation_id) == sa.bindparam("donation"))


@dataclass(frozen=True, slots=True)
class Entry:
    """What an act was about. ``details`` are JSON, and hold no e-mail address."""

    campaign_id: UUID
    donation_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


async def record(
    scope: Scope,
    act: str,
    *,
    campaign_id: UUID,
    donation_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write in the task's open transaction that ``scope`` did ``act``; ``details`` are JSON.

    An entry holds no e-mail address.
    """
    await record_all(scope, act, [Entry(campaign_id, donation_id, details or {})])


async def record_all(scope: Scope, act: str, entries: Sequence[Entry]) -> None:
    """Write in the task's open transaction that ``scope`` did ``act`` to each, in one statement."""
    if not entries:
        return
    moment = columns.now()
    rows = [
        {
            "id": columns.new_id(),
            "act": act,
            "caller": scope.caller,
            "user_id": scope.user_id,
            "address": scope.address,
            "campaign_id": entry.campaign_id,
            "donation_id": entry.donation_id,
            "details": entry.details,
            "inserted_at": moment,
        }
        for entry in entries
    ]
    async with db.transaction():
        db.send_later(Statement(_ADD, {"rows": rows_text(rows)}))


async def entries_of(donation_id: UUID) -> Sequence[AuditEntry]:
    """Return all that was done to a gift, the first act first."""
    async with db.reading() as session:
        found = await session.execute(
            _BY_GIFT.order_by(col(AuditEntry.id)), {"donation": donation_id}
        )
        return found.scalars().all()


async def last_of(donation_id: UUID, *, without: Sequence[str] = ()) -> AuditEntry | None:
    """Return the last act on a gift that is none of ``without``; None if there is none."""
    query = _BY_GIFT.where(col(AuditEntry.act).not_in(without)).order_by(col(AuditEntry.id).desc())
    async with db.reading() as session:
        found = await session.execute(query.limit(1), {"donation": donation_id})
        return found.scalar_one_or_none()
