"""What was done to a gift, for the team of its campaign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from financial_live.contexts import accounts, audit_entries, campaigns
from financial_live.contexts.donations import service
from financial_live.rights import Act
from financial_live.scope import Scope


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was done to a gift."""

    act: str
    """record, update, delete, approve, endorse, reject, refund, undo, hide or show."""
    name: str
    """Who did it, as others know them."""
    address: str
    """From where; empty for a command on the machine."""
    at: datetime
    details: Mapping[str, Any]
    """The reason, the amount, what was changed, and the gift's standing before."""


async def history(scope: Scope, id: UUID | str) -> Sequence[Done]:
    """Return all that was done to a gift, the first act first: who, what, when and from where.

    That it was given is said by the gift itself. Raises Unauthorized, Forbidden and NotFound.
    """
    donation, _ = await service.seen_by(scope, id)
    await campaigns.require(scope, Act.HISTORY, donation.campaign_id)
    entries = await audit_entries.entries_of(donation.id)
    names = await accounts.names_of([e.user_id for e in entries if e.user_id is not None])
    return [
        Done(
            entry.act,
            names.get(entry.user_id, entry.caller) if entry.user_id else entry.caller,
            entry.address,
            entry.inserted_at,
            entry.details,
        )
        for entry in entries
    ]
