"""Logging in and out, and where somebody is logged in.

A session is a row and a token that only its owner's cookie holds. It ends with the row: whoever
serves it hears ``session_revoked``, and ``session_scope`` knows it no more.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, limits, outbox, rights
from financial_live.contexts import columns
from financial_live.contexts.accounts import (
    api_token_repo,
    events,
    passwords,
    repo,
    throttle,
    tokens,
)
from financial_live.contexts.accounts.models import (
    ADDRESS_LENGTH,
    AGENT_LENGTH,
    Credentials,
    LoggedIn,
    Purpose,
    User,
    UserSession,
)
from financial_live.contexts.inputs import checked, is_storable_text
from financial_live.errors import NotFound, Unauthorized
from financial_live.limits import Policy
from financial_live.rights import Act
from financial_live.scope import Role, Scope

LIFETIME = timedelta(days=30)
# Noting each use would make every event a write.
_SEEN_EVERY = timedelta(minutes=1)


async def log_in(scope: Scope, email: str, password: str, *, address: str, agent: str) -> LoggedIn:
    """Begin a session of whoever has this password, and return it with its token.

    ``address`` is the caller's, as the door knows it; ``agent`` its browser. The session lasts 30
    days. An unknown address, a wrong password and an address not proven yet take the same time and
    get the same words. Raises Unauthorized, Invalid for what can be no address or password, TooMany
    for who tried too often, and Unavailable when too many log in at once.
    """
    rights.require(scope, Act.LOG_IN)
    user = await authenticated(scope, email, password, address=address)
    async with db.transaction() as session:
        await lock_unchanged(session, user)
        return await begin(session, user, address=address, agent=agent)


async def handover(scope: Scope, email: str, password: str, *, address: str) -> str:
    """Return a ticket with which ``redeem_handover`` begins a session of whoever has the password.

    For a page, which can check a password but set no cookie: it lives 60 seconds, works once, and a
    newer one ends it. Raises like ``log_in``.
    """
    rights.require(scope, Act.HANDOVER)
    user = await authenticated(scope, email, password, address=address)
    async with db.transaction() as session:
        await lock_unchanged(session, user)
        return await tokens.issue(session, user.id, Purpose.HANDOVER)


async def redeem_handover(scope: Scope, token: str, *, address: str, agent: str) -> LoggedIn:
    """Begin the session that a ticket of ``handover`` stands for. Raises NotFound if it is over."""
    rights.require(scope, Act.REDEEM_HANDOVER)
    async with db.transaction() as session:
        user = await tokens.use(session, token, Purpose.HANDOVER)
        return await begin(session, user, address=address, agent=agent)


async def authenticated(scope: Scope, email: str, password: str, *, address: str) -> User:
    """Return whoever has this password. Raises like ``log_in``; each login counts as one."""
    await limits.require(scope, Policy.LOGIN)
    given = checked(Credentials, {"email": email, "password": password})
    attempt = await throttle.begin(given.email, address)
    async with db.transaction() as session:
        user = await repo.find_user(session, given.email)
    known_hash = user.password_hash if user is not None and user.is_verified else None
    is_right = await passwords.is_right(known_hash, given.password)
    if user is None or known_hash is None or not is_right:
        raise attempt.refusal()
    await throttle.succeeded(attempt)
    if passwords.is_outdated(known_hash):
        return await _rehashed(user, given.password)
    return user


async def _rehashed(user: User, password: str) -> User:
    """Keep the password at today's cost, unless it was changed meanwhile."""
    password_hash = await passwords.hashed(password)
    async with db.transaction() as session:
        await lock_unchanged(session, user)
        return await repo.change_user(session, user.id, password_hash=password_hash)


async def lock_unchanged(session: AsyncSession, user: User) -> None:
    """Hold the user's row. Raises Unauthorized if the password checked is no longer the one."""
    locked = await repo.lock_user(session, user.id)
    if locked is None or locked.password_hash != user.password_hash:
        raise Unauthorized(throttle.WRONG)


async def begin(session: AsyncSession, user: User, *, address: str, agent: str) -> LoggedIn:
    """Begin a session, in the caller's transaction, of a user whose row it holds.

    Emits ``session_begun``.
    """
    token, token_hash = tokens.mint()
    moment = columns.now()
    begun = UserSession(
        user_id=user.id,
        token_hash=token_hash,
        inserted_at=moment,
        last_seen_at=moment,
        expires_at=moment + LIFETIME,
        address=shortened(address, ADDRESS_LENGTH),
        agent=shortened(agent, AGENT_LENGTH),
    )
    await repo.add_session(session, begun)
    await outbox.append(events.session_begun(user.id))
    return LoggedIn(token, begun)


def shortened(text: str, length: int) -> str:
    """Return so much of what a door says of a caller; nothing of what cannot be stored."""
    return text[:length] if is_storable_text(text[:length]) else ""


async def session_scope(token: str) -> Scope | None:
    """Return who a session's token belongs to, as they are now; None if it has ended.

    One indexed query, so that each privileged event can ask. Notes the use once a minute.
    """
    token_hash = tokens.digest(token)
    if not token_hash:
        return None
    async with db.reading() as session:
        found = await repo.live_session(session, token_hash)
    if found is None:
        return None
    now = columns.now()
    if found.last_seen_at < now - _SEEN_EVERY:
        async with db.transaction() as session:
            await repo.touch(session, found.id, moment=now)
    return Scope.user(
        found.user_id,
        role=Role(found.role),
        session_id=found.id,
        is_verified=found.verified_at is not None,
    )


async def list_sessions(scope: Scope) -> Sequence[UserSession]:
    """Return where the caller is logged in, the last used first. Raises Unauthorized."""
    user_id = rights.require_user(scope, Act.LIST_SESSIONS)
    async with db.transaction() as session:
        return await repo.sessions_of(session, user_id)


async def log_out(scope: Scope) -> None:
    """End the caller's own session; nothing happens if it has ended. Emits ``session_revoked``.

    Raises Unauthorized.
    """
    user_id = rights.require_user(scope, Act.LOG_OUT)
    if scope.session_id is not None:
        async with db.transaction() as session:
            await end(session, user_id, only=scope.session_id)


async def revoke_session(scope: Scope, id: UUID | str) -> None:
    """End one of the caller's sessions. Emits ``session_revoked``. Raises Unauthorized, NotFound.

    Somebody else's is not found.
    """
    user_id = rights.require_user(scope, Act.REVOKE_SESSION)
    gone = NotFound("That session has ended already, or is not yours.")
    try:
        session_id = UUID(str(id))
    except ValueError:
        raise gone from None
    async with db.transaction() as session:
        if not await end(session, user_id, only=session_id):
            raise gone


async def revoke_others(scope: Scope) -> int:
    """End all of the caller's sessions but this one; return how many. Emits ``session_revoked``.

    Raises Unauthorized.
    """
    user_id = rights.require_user(scope, Act.REVOKE_OTHERS)
    async with db.transaction() as session:
        return len(await end(session, user_id, but=scope.session_id))


async def end(
    session: AsyncSession, user_id: UUID, *, only: UUID | None = None, but: UUID | None = None
) -> list[UUID]:
    """End sessions of a user in the caller's transaction, and tell which."""
    await repo.lock_user(session, user_id)
    ended = await repo.end_sessions(session, user_id, only=only, but=but)
    if ended:
        await outbox.append(events.session_revoked(user_id, ended))
    return ended


async def prune() -> int:
    """End the sessions whose time is over, and return how many. Emits ``session_revoked``.

    API tokens end likewise (``token_revoked``); links, and attempts to log in, that count no more
    are forgotten.
    """
    async with db.transaction() as session:
        ended = await repo.end_expired_sessions(session)
        for user_id, session_id in ended:
            await outbox.append(events.session_revoked(user_id, [session_id]))
        await repo.remove_expired_tokens(session)
        for user_id, token_id in await api_token_repo.remove_expired(session):
            await outbox.append(events.token_revoked(user_id, [token_id]))
    await throttle.prune()
    return len(ended)
