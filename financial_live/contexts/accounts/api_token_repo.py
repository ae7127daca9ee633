"""Every query about API tokens. Nothing here commits.

Locks are taken as in ``repo``: a user's row, then tokens.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts import columns
from financial_live.contexts.accounts.models import ApiToken, User

_QUIET = {"synchronize_session": False}
_LIVE = sa.or_(
    col(ApiToken.expires_at).is_(None), col(ApiToken.expires_at) > sa.bindparam("moment")
)
# Every request by a token runs this, so it is built once.
_SCOPE = (
    sa.select(
        col(ApiToken.id),
        col(ApiToken.user_id),
        col(ApiToken.scopes),
        col(ApiToken.last_used_at),
        col(User.role),
        col(User.verified_at),
    )
    .join(User, col(User.id) == col(ApiToken.user_id))
    .where(col(ApiToken.token_hash) == sa.bindparam("token_hash"), _LIVE)
)


async def add(session: AsyncSession, token: ApiToken) -> None:
    """Store a token."""
    values = {name: getattr(token, name) for name in ApiToken.model_fields}
    await session.execute(sa.insert(ApiToken).values(values))


async def live(session: AsyncSession, token_hash: str) -> sa.Row[Any] | None:
    """Return whose token this is and what it is for, if it lives."""
    values = {"token_hash": token_hash, "moment": columns.now()}
    return (await session.execute(_SCOPE, values)).one_or_none()


async def of_user(session: AsyncSession, user_id: UUID) -> Sequence[ApiToken]:
    """Return the living tokens of a user, the newest first."""
    query = (
        sa.select(ApiToken)
        .where(col(ApiToken.user_id) == user_id, _LIVE)
        .order_by(col(ApiToken.inserted_at).desc(), col(ApiToken.id).desc())
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query, {"moment": columns.now()})).scalars().all()


async def touch(
    session: AsyncSession, token_id: UUID, *, address: str, moment: datetime, before: datetime
) -> None:
    """Note a use at ``moment``, if none is noted since ``before``; wait for nobody who does it."""
    unnoted = (
        sa.select(col(ApiToken.id))
        .where(
            col(ApiToken.id) == token_id,
            sa.or_(col(ApiToken.last_used_at).is_(None), col(ApiToken.last_used_at) < before),
        )
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    await session.execute(
        sa.update(ApiToken)
        .where(col(ApiToken.id) == unnoted)
        .values(last_used_at=moment, last_address=address),
        execution_options=_QUIET,
    )


async def remove(
    session: AsyncSession, user_id: UUID, *, only: UUID | None = None, only_logins: bool = False
) -> list[UUID]:
    """Delete tokens of a user and return which: all, one, or those that programs got by login."""
    statement = sa.delete(ApiToken).where(col(ApiToken.user_id) == user_id)
    if only is not None:
        statement = statement.where(col(ApiToken.id) == only)
    if only_logins:
        statement = statement.where(col(ApiToken.is_login))
    gone = await session.execute(statement.returning(col(ApiToken.id)), execution_options=_QUIET)
    return list(gone.scalars())


async def remove_expired(session: AsyncSession) -> list[tuple[UUID, UUID]]:
    """Delete the tokens whose time is over, and return the user and the id of each."""
    expired = (
        sa.select(col(ApiToken.id))
        .where(col(ApiToken.expires_at) <= columns.now())
        .with_for_update(skip_locked=True)
    )
    statement = sa.delete(ApiToken).where(col(ApiToken.id).in_(expired))
    gone = await session.execute(
        statement.returning(col(ApiToken.user_id), col(ApiToken.id)), execution_options=_QUIET
    )
    return [(row.user_id, row.id) for row in gone]
