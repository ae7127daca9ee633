"""Single-use tokens: what a link or a ticket holds. The database keeps their hashes only."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db
from financial_live.contexts import columns
from financial_live.contexts.accounts import repo
from financial_live.contexts.accounts.models import Purpose, User, UserToken
from financial_live.errors import NotFound

LIFETIMES = {
    Purpose.VERIFY: timedelta(days=3),
    Purpose.RESET: timedelta(hours=1),
    Purpose.INVITE: timedelta(days=7),
    Purpose.FIRST_ADMIN: timedelta(hours=24),
    Purpose.HANDOVER: timedelta(seconds=60),
}
# Of these only the last one made is good.
_SINGLE = {Purpose.FIRST_ADMIN, Purpose.HANDOVER}
# More than the mails that one address gets while a link lives, 60 in three days: nobody ends the
# links in somebody's mailbox by asking for others. Only sending that fails for hours gets near it.
MOST_LIVE = 100
_BYTES = 32
# Longer than any of ours: what is longer need not be hashed to be known as wrong.
_MAX_LENGTH = 100


def mint() -> tuple[str, str]:
    """Return a new token of 32 random bytes, fit for an address, and its hash."""
    token = secrets.token_urlsafe(_BYTES)
    return token, digest(token)


def digest(token: object) -> str:
    """Return the hash of what somebody sent as a token; an empty one if it can be none."""
    if not isinstance(token, str) or len(token) > _MAX_LENGTH or not token.isascii():
        return ""
    return hashlib.sha256(token.encode()).hexdigest()


async def issue(
    session: AsyncSession,
    user_id: UUID | None,
    purpose: Purpose,
    data: Mapping[str, Any] | None = None,
) -> str:
    """Make a token. Needs the user's lock.

    The link for the first admin and the ticket to log in end those made before. Anybody may ask for
    the others to be mailed, so of them the last 100 live, until they expire or one is used.
    """
    token, token_hash = mint()
    moment = columns.now()
    kept = 0 if purpose in _SINGLE else MOST_LIVE - 1
    await repo.keep_newest_tokens(session, user_id, purpose, count=kept)
    made = UserToken(
        user_id=user_id,
        purpose=purpose,
        token_hash=token_hash,
        data=dict(data or {}),
        inserted_at=moment,
        expires_at=moment + LIFETIMES[purpose],
    )
    await repo.add_token(session, made)
    return token


async def owner(token: str, purpose: Purpose) -> User:
    """Return whose token this is, without using it up. Raises NotFound."""
    async with db.transaction() as session:
        return await _owner(session, digest(token), purpose)


async def use(session: AsyncSession, token: str, purpose: Purpose) -> User:
    """Use a token up and return its user, locked; all others of theirs for this purpose end too.

    Raises NotFound; of many at once one succeeds.
    """
    token_hash = digest(token)
    found = await _owner(session, token_hash, purpose)
    user = await repo.lock_user(session, found.id)
    if user is None or not await repo.use_token(session, token_hash, purpose):
        raise over()
    await repo.remove_tokens(session, user.id, [purpose])
    return user


async def _owner(session: AsyncSession, token_hash: str, purpose: Purpose) -> User:
    found = await repo.find_token(session, token_hash, purpose)
    user = await repo.find_user(session, found.user_id) if found and found.user_id else None
    if user is None:
        raise over()
    return user


def over() -> NotFound:
    """Return what to say of a token that is unknown, used or too old."""
    return NotFound("This link does not work any more. Ask for a new one.")
