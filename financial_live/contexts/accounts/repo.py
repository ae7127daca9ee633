"""Every query about accounts. Nothing here commits.

Locks are taken in one order: a user's row, then sessions and tokens. Whatever changes who may come
in holds the user's row, so a login and a new password never pass each other.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts import columns
from financial_live.contexts.accounts.models import (
    LoginAttempt,
    Purpose,
    User,
    UserSession,
    UserToken,
)
from financial_live.scope import Role

# Any numbers, the same in every worker: they keep these locks apart from those of others.
_ADDRESS_LOCK = 72_541
_ACCOUNT_LOCK = 72_542
_FIRST_ADMIN_LOCK = 7_254_002_043

_FRESH = {"populate_existing": True, "synchronize_session": False}
_QUIET = {"synchronize_session": False}
# Every privileged event runs this, so it is built once.
_SCOPE = (
    sa.select(
        col(UserSession.id),
        col(UserSession.user_id),
        col(UserSession.last_seen_at),
        col(User.role),
        col(User.verified_at),
    )
    .join(User, col(User.id) == col(UserSession.user_id))
    .where(
        col(UserSession.token_hash) == sa.bindparam("token_hash"),
        col(UserSession.expires_at) > sa.bindparam("moment"),
    )
)


async def find_user(session: AsyncSession, key: UUID | str) -> User | None:
    """Return the user with this id (a UUID) or address (in small letters)."""
    column = col(User.id) if isinstance(key, UUID) else col(User.email)
    query = sa.select(User).where(column == key).execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def names_of(session: AsyncSession, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of these accounts, by id."""
    query = sa.select(col(User.id), col(User.name)).where(col(User.id).in_(user_ids))
    return {row[0]: row[1] for row in (await session.execute(query)).all()}


async def lock_user(session: AsyncSession, user_id: UUID) -> User | None:
    """Return the user, held against every other change until the transaction ends."""
    query = (
        sa.select(User)
        .where(col(User.id) == user_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def add_user(session: AsyncSession, user: User) -> bool:
    """Store ``user``; False if the address is taken, which leaves the transaction usable."""
    statement = (
        insert(User)
        .values(_values(user))
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(col(User.id))
    )
    return (await session.execute(statement)).scalar() is not None


async def change_user(session: AsyncSession, user_id: UUID, **values: Any) -> User:
    """Write columns of a user, who is there."""
    statement = (
        sa.update(User)
        .where(col(User.id) == user_id)
        .values(**values, updated_at=columns.now())
        .returning(User)
    )
    changed: User = (await session.execute(statement, execution_options=_FRESH)).scalar_one()
    return changed


async def has_admin(session: AsyncSession) -> bool:
    """Whether anybody is an admin."""
    return bool(await session.scalar(sa.select(sa.exists().where(col(User.role) == Role.ADMIN))))


async def lock_first_admin(session: AsyncSession) -> None:
    """Be the only one that makes the first admin, or the link for it, until the end."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_FIRST_ADMIN_LOCK)))


async def add_session(session: AsyncSession, begun: UserSession) -> None:
    """Store a session."""
    await session.execute(insert(UserSession).values(_values(begun)))


async def live_session(session: AsyncSession, token_hash: str) -> sa.Row[Any] | None:
    """Return who a token belongs to, if its session still lives."""
    values = {"token_hash": token_hash, "moment": columns.now()}
    return (await session.execute(_SCOPE, values)).one_or_none()


async def touch(session: AsyncSession, session_id: UUID, *, moment: datetime) -> None:
    """Note that the session was used."""
    await session.execute(
        sa.update(UserSession)
        .where(col(UserSession.id) == session_id)
        .values(last_seen_at=sa.func.greatest(col(UserSession.last_seen_at), moment)),
        execution_options=_QUIET,
    )


async def sessions_of(session: AsyncSession, user_id: UUID) -> Sequence[UserSession]:
    """Return the living sessions of a user, the last used first."""
    query = (
        sa.select(UserSession)
        .where(
            col(UserSession.user_id) == user_id,
            col(UserSession.expires_at) > columns.now(),
        )
        .order_by(col(UserSession.last_seen_at).desc(), col(UserSession.id).desc())
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalars().all()


async def end_sessions(
    session: AsyncSession, user_id: UUID, *, only: UUID | None = None, but: UUID | None = None
) -> list[UUID]:
    """End sessions of a user, ``only`` one or all ``but`` one; return which they were."""
    statement = sa.delete(UserSession).where(col(UserSession.user_id) == user_id)
    if only is not None:
        statement = statement.where(col(UserSession.id) == only)
    if but is not None:
        statement = statement.where(col(UserSession.id) != but)
    ended = await session.execute(
        statement.returning(col(UserSession.id)), execution_options=_QUIET
    )
    return list(ended.scalars())


async def end_expired_sessions(session: AsyncSession) -> list[tuple[UUID, UUID]]:
    """End the sessions whose time is over; return each with its user."""
    expired = (
        sa.select(col(UserSession.id))
        .where(col(UserSession.expires_at) <= columns.now())
        .with_for_update(skip_locked=True)
    )
    ended = await session.execute(
        sa.delete(UserSession)
        .where(col(UserSession.id).in_(expired))
        .returning(col(UserSession.user_id), col(UserSession.id)),
        execution_options=_QUIET,
    )
    return [(row[0], row[1]) for row in ended.all()]


async def add_token(session: AsyncSession, token: UserToken) -> None:
    """Store a single-use token."""
    await session.execute(insert(UserToken).values(_values(token)))


async def find_token(session: AsyncSession, token_hash: str, purpose: Purpose) -> UserToken | None:
    """Return a token that may still be used."""
    query = sa.select(UserToken).where(*_usable(token_hash, purpose))
    return (await session.execute(query)).scalar_one_or_none()


async def use_token(session: AsyncSession, token_hash: str, purpose: Purpose) -> bool:
    """Use a token up; False if it may not be used any more. Of many at once one gets True."""
    used = await session.execute(
        sa.update(UserToken)
        .where(*_usable(token_hash, purpose))
        .values(used_at=columns.now())
        .returning(col(UserToken.id)),
        execution_options=_QUIET,
    )
    return used.scalar() is not None


def _usable(token_hash: str, purpose: Purpose) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(UserToken.token_hash) == token_hash,
        col(UserToken.purpose) == purpose,
        col(UserToken.used_at).is_(None),
        col(UserToken.expires_at) > columns.now(),
    )


async def remove_tokens(
    session: AsyncSession, user_id: UUID, purposes: Collection[Purpose] = tuple(Purpose)
) -> None:
    """Delete the tokens of a user for these purposes."""
    await session.execute(
        sa.delete(UserToken).where(
            col(UserToken.user_id) == user_id, col(UserToken.purpose).in_(purposes)
        ),
        execution_options=_QUIET,
    )


async def keep_newest_tokens(
    session: AsyncSession, user_id: UUID | None, purpose: Purpose, *, count: int
) -> None:
    """Delete all but the newest tokens of a user, or of nobody, for this purpose."""
    owner = col(UserToken.user_id)
    older = (
        sa.select(col(UserToken.id))
        .where(
            owner.is_(None) if user_id is None else owner == user_id,
            col(UserToken.purpose) == purpose,
        )
        .order_by(col(UserToken.inserted_at).desc(), col(UserToken.id).desc())
        .offset(count)
    )
    await session.execute(
        sa.delete(UserToken).where(col(UserToken.id).in_(older)), execution_options=_QUIET
    )


async def remove_expired_tokens(session: AsyncSession) -> None:
    """Delete the tokens whose time is over."""
    expired = (
        sa.select(col(UserToken.id))
        .where(col(UserToken.expires_at) <= columns.now())
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        sa.delete(UserToken).where(col(UserToken.id).in_(expired)), execution_options=_QUIET
    )


async def lock_attempts(session: AsyncSession, *, account: str, address: str) -> None:
    """Be the only one that counts attempts for this account, and from this address."""
    for kind, name in ((_ADDRESS_LOCK, address), (_ACCOUNT_LOCK, account)):
        lock = sa.func.pg_advisory_xact_lock(kind, sa.func.hashtext(name))
        await session.execute(sa.select(lock))


async def failures(
    session: AsyncSession, *, account: str, address: str, since: datetime
) -> list[tuple[bool, bool, datetime]]:
    """Return the failed attempts, oldest first: of the account? from the address? and when."""
    is_account = col(LoginAttempt.account) == account
    is_address = col(LoginAttempt.address) == address
    query = (
        sa.select(is_account, is_address, col(LoginAttempt.inserted_at))
        .where(
            sa.or_(is_account, is_address),
            col(LoginAttempt.inserted_at) > since,
            col(LoginAttempt.has_succeeded).is_(False),
        )
        .order_by(col(LoginAttempt.inserted_at))
    )
    return [(row[0], row[1], row[2]) for row in (await session.execute(query)).all()]


async def has_succeeded(session: AsyncSession, *, account: str, address: str) -> bool:
    """Whether this account was logged in to from this address, as long as that is remembered."""
    query = sa.exists().where(
        col(LoginAttempt.account) == account,
        col(LoginAttempt.address) == address,
        col(LoginAttempt.has_succeeded),
    )
    return bool(await session.scalar(sa.select(query)))


async def add_attempt(session: AsyncSession, attempt: LoginAttempt) -> None:
    """Store an attempt."""
    await session.execute(insert(LoginAttempt).values(_values(attempt)))


async def mark_succeeded(session: AsyncSession, attempt_id: UUID) -> None:
    """Note that the attempt was right."""
    await session.execute(
        sa.update(LoginAttempt)
        .where(col(LoginAttempt.id) == attempt_id)
        .values(has_succeeded=True),
        execution_options=_QUIET,
    )


async def forget_attempts(session: AsyncSession, account: str) -> None:
    """Delete what was tried for an account, right or wrong."""
    await session.execute(
        sa.delete(LoginAttempt).where(col(LoginAttempt.account) == account),
        execution_options=_QUIET,
    )


async def forget_old_attempts(
    session: AsyncSession, *, failed_before: datetime, before: datetime
) -> None:
    """Delete the failed attempts before one moment, and all before another."""
    tried = col(LoginAttempt.inserted_at)
    failed = col(LoginAttempt.has_succeeded).is_(False)
    await session.execute(
        sa.delete(LoginAttempt).where(
            sa.or_(tried < before, sa.and_(failed, tried < failed_before))
        ),
        execution_options=_QUIET,
    )


def _values(row: SQLModel) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).model_fields}
