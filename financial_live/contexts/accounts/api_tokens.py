"""API tokens: how programs come in, as the user who made them, for what they were made.

A token is a row and a secret that only its maker has seen. It is looked up at each request, so it
ends with its row, and what its user may is read then too: another role counts at once. Whoever
serves a token for longer than a request hears ``token_revoked``. A password
set by a mailed link or by an admin ends all tokens of the account, as whoever had got in may have
made one; a password that its owner changes ends only those that programs got by logging in.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, outbox, rights
from financial_live.contexts import columns
from financial_live.contexts.accounts import api_token_repo, events, repo, sessions, tokens
from financial_live.contexts.accounts.models import (
    ADDRESS_LENGTH,
    HINT_LENGTH,
    TOKEN_NAME_LENGTH,
    ApiToken,
    NewToken,
    TokenInput,
)
from financial_live.contexts.inputs import checked
from financial_live.errors import Conflict, NotFound, Unauthorized
from financial_live.rights import Act
from financial_live.scope import Role, Scope, TokenScope

# Those who look for secrets in what is published find ours by it.
PREFIX = "flt_"
MOST = 50
LOGIN_DAYS = 30
_UNKNOWN_AGENT = "A program"
# Noting each use would make every request a write.
_SEEN_EVERY = timedelta(minutes=1)


async def create_token(scope: Scope, attrs: Mapping[str, Any]) -> NewToken:
    """Make a token of the caller's; its secret is returned here and never again.

    ``attrs``: name, scopes (some of read, give and manage), expires_in_days (30, 90, 365, or None
    or empty text for a token that does not expire). Raises Unauthorized, Forbidden also for who
    comes by a token, Invalid naming every wrong field, and Conflict for who has 50 already.
    """
    user_id = rights.require_user(scope, Act.CREATE_TOKEN)
    given = checked(TokenInput, {"expires_in_days": None, **attrs})
    async with db.transaction() as session:
        if await repo.lock_user(session, user_id) is None:
            raise Unauthorized("Your account is not there any more.")
        if len(await api_token_repo.of_user(session, user_id)) >= MOST:
            raise Conflict(f"You have {MOST} tokens. Revoke one that nothing uses any more.")
        return await _add(session, user_id, given, is_login=False)


async def log_in_program(
    scope: Scope, email: str, password: str, *, address: str, agent: str
) -> NewToken:
    """Make a token of whoever has this password, for all they may, for 30 days.

    It is named after ``agent``, the program as it calls itself. Of who has 50 tokens the oldest
    that was got so ends: emits ``token_revoked``. Raises like ``log_in``, and Conflict if there is
    none such.
    """
    rights.require(scope, Act.LOG_IN_PROGRAM)
    user = await sessions.authenticated(scope, email, password, address=address)
    name = sessions.shortened(agent.strip(), TOKEN_NAME_LENGTH) or _UNKNOWN_AGENT
    given = TokenInput(name=name, scopes=frozenset(TokenScope), expires_in_days=LOGIN_DAYS)
    async with db.transaction() as session:
        await sessions.lock_unchanged(session, user)
        await _make_room(session, user.id)
        return await _add(session, user.id, given, is_login=True)


async def _make_room(session: AsyncSession, user_id: UUID) -> None:
    held = await api_token_repo.of_user(session, user_id)
    if len(held) < MOST:
        return
    by_login = [token for token in held if token.is_login]
    if not by_login:
        raise Conflict(f"This account has {MOST} tokens. Revoke one on the site, or use one.")
    await end(session, user_id, only=by_login[-1].id)


async def _add(
    session: AsyncSession, user_id: UUID, given: TokenInput, *, is_login: bool
) -> NewToken:
    secret = PREFIX + tokens.mint()[0]
    moment = columns.now()
    days = given.expires_in_days
    token = ApiToken(
        user_id=user_id,
        name=given.name,
        token_hash=tokens.digest(secret),
        hint=secret[-HINT_LENGTH:],
        scopes=[scope.value for scope in TokenScope if scope in given.scopes],
        is_login=is_login,
        inserted_at=moment,
        expires_at=moment + timedelta(days=days) if days else None,
    )
    await api_token_repo.add(session, token)
    return NewToken(secret, token)


async def list_tokens(scope: Scope) -> Sequence[ApiToken]:
    """Return the caller's living tokens, the newest first. Raises Unauthorized, Forbidden."""
    user_id = rights.require_user(scope, Act.LIST_TOKENS)
    async with db.transaction() as session:
        return await api_token_repo.of_user(session, user_id)


async def revoke_token(scope: Scope, id: UUID | str) -> None:
    """End one of the caller's tokens; its next request is refused. Emits ``token_revoked``.

    Raises Unauthorized, Forbidden, and NotFound also for somebody else's.
    """
    user_id = rights.require_user(scope, Act.REVOKE_TOKEN)
    gone = NotFound("That token has ended already, or is not yours.")
    try:
        token_id = UUID(str(id))
    except ValueError:
        raise gone from None
    async with db.transaction() as session:
        if not await end(session, user_id, only=token_id):
            raise gone


async def end(
    session: AsyncSession, user_id: UUID, *, only: UUID | None = None, only_logins: bool = False
) -> list[UUID]:
    """End tokens of a user in the caller's transaction, and tell which."""
    ended = await api_token_repo.remove(session, user_id, only=only, only_logins=only_logins)
    if ended:
        await outbox.append(events.token_revoked(user_id, ended))
    return ended


async def token_scope(secret: str, *, address: str) -> Scope | None:
    """Return who comes by this token, as they are now; None if it is none, or has ended.

    One indexed query. Notes the use and the caller's ``address``, once a minute.
    """
    token_hash = tokens.digest(secret)
    if not token_hash or not secret.startswith(PREFIX):
        return None
    async with db.reading() as session:
        found = await api_token_repo.live(session, token_hash)
    if found is None:
        return None
    now = columns.now()
    if found.last_used_at is None or found.last_used_at < now - _SEEN_EVERY:
        seen_at = sessions.shortened(address, ADDRESS_LENGTH)
        async with db.transaction() as session:
            await api_token_repo.touch(
                session, found.id, address=seen_at, moment=now, before=now - _SEEN_EVERY
            )
    return Scope.user(
        found.user_id,
        role=Role(found.role),
        is_verified=found.verified_at is not None,
        token_scopes=frozenset(map(TokenScope, found.scopes)),
    )
