"""What donors do with gifts of their own: those given with the address they have proven.

Who gave without an account finds the gifts here later. An address not proven yet owns nothing, or
anybody could register it and see what somebody else has given.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from financial_live import db, rights
from financial_live.contexts import accounts
from financial_live.contexts.donations import repo, service
from financial_live.contexts.donations.models import Donation, Visibility
from financial_live.contexts.inputs import checked
from financial_live.rights import Act
from financial_live.scope import Scope

MOST = 100


async def list_own(scope: Scope) -> Sequence[Donation]:
    """Return the last 100 gifts given with the caller's proven address, with their campaigns.

    They are whole, of any status, the newest first; tests are left out. There are none while the
    address is not proven. Raises Unauthorized, Forbidden.
    """
    user_id = rights.require_user(scope, Act.LIST_OWN)
    async with db.transaction() as session:
        email = await _proven_email(scope, user_id)
        if email is None:
            return []
        query = repo.real(repo.of_email(repo.gifts(), email))
        return await repo.newest(session, query, MOST)


async def change_visibility(scope: Scope, id: UUID | str, attrs: Mapping[str, Any]) -> Donation:
    """Show or hide the donor's name (show_name) or the amount (show_amount) of an own gift.

    Whatever became of the gift; nothing happens where nothing differs. Emits ``donation_updated``
    with the campaign's next version, so every view changes at once. Raises Unauthorized, Forbidden,
    Invalid naming every wrong field, NotFound also for somebody else's gift, and Conflict if it was
    moved to another campaign meanwhile.
    """
    user_id = rights.require_user(scope, Act.CHANGE_VISIBILITY)
    given = checked(Visibility, attrs).model_dump(exclude_unset=True)
    async with db.transaction() as session:
        email = await _proven_email(scope, user_id)
        seen = await repo.find(session, service.id_of(id))
        if seen is None or not _is_of(seen, email):
            raise service.unknown(id)
        donation = await service.held(session, seen, None)
        # The address may have been corrected before the gift was held.
        if not _is_of(donation, email):
            raise service.unknown(id)
        changes = {name: shown for name, shown in given.items() if getattr(donation, name) != shown}
        return await service.change(session, donation, changes) if changes else donation


async def find_own(scope: Scope, id: UUID | str, *, is_locked: bool = False) -> Donation | None:
    """Return one of the caller's own gifts with its campaign; None if it is not one of them.

    ``is_locked``: as it is now, and until the caller's transaction ends. Raises NotFound for what
    can be no gift's id.
    """
    if scope.user_id is None:
        return None
    async with db.transaction() as session:
        email = await _proven_email(scope, scope.user_id)
        find = repo.lock if is_locked else repo.find
        found = await find(session, service.id_of(id))
        return found if found is not None and _is_of(found, email) else None


async def locked_gift(donation_id: UUID) -> Donation | None:
    """Return a gift with its campaign, held until the task's transaction ends; for other contexts.

    Who only reads what it says needs no lock of its campaign.
    """
    async with db.transaction() as session:
        return await repo.lock(session, donation_id)


async def _proven_email(scope: Scope, user_id: UUID) -> str | None:
    """Return the caller's address, as it is now; None if it is not proven."""
    user = await accounts.find_user(scope, user_id)
    return user.email if user.is_verified else None


def _is_of(donation: Donation, email: str | None) -> bool:
    return donation.donor_email is not None and donation.donor_email.lower() == email
