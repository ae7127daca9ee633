"""What admins do with accounts, and how the first one comes to be."""

from collections.abc import Mapping
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, limits, outbox, rights
from financial_live.contexts import columns
from financial_live.contexts.accounts import events, passwords, repo, sessions, throttle, tokens
from financial_live.contexts.accounts.models import (
    CONSTRAINTS,
    AccountInput,
    EmailInput,
    PasswordInput,
    Purpose,
    Registration,
    RoleInput,
    User,
)
from financial_live.contexts.accounts.service import replace_password
from financial_live.contexts.constraints import refusals
from financial_live.contexts.inputs import TAKEN, checked
from financial_live.errors import Invalid, NotFound
from financial_live.limits import Policy
from financial_live.rights import Act
from financial_live.scope import Role, Scope


async def create_user(scope: Scope, attrs: Mapping[str, Any]) -> User:
    """Make an account of ``name`` and ``email``, and if wanted ``role`` and ``password``.

    The address counts as proven: an admin vouches for it. Without a password a link to choose one
    is mailed: emits ``reset_requested``. Raises Unauthorized, Forbidden, and Invalid naming every
    wrong field.
    """
    rights.require(scope, Act.CREATE_USER)
    given = checked(AccountInput, attrs)
    password_hash = await passwords.hashed(given.password) if given.password else None
    with refusals(CONSTRAINTS, overflow="name"):
        async with db.transaction() as session:
            user = await _add(session, given, given.role, password_hash)
            if password_hash is None:
                await outbox.append(events.reset_requested(user.id))
    return user


async def _add(
    session: AsyncSession,
    given: AccountInput | Registration,
    role: Role,
    password_hash: str | None,
) -> User:
    user = User(
        email=given.email,
        name=given.name,
        role=role,
        password_hash=password_hash,
        verified_at=columns.now(),
    )
    if not await repo.add_user(session, user):
        raise Invalid({"email": [TAKEN]})
    return user


async def set_password(scope: Scope, email: str, password: str) -> User:
    """Set somebody's password; their sessions, links and API tokens end.

    Their address counts as proven.

    Emits ``session_revoked`` and ``token_revoked``. Raises Unauthorized, Forbidden, NotFound, and
    Invalid.
    """
    rights.require(scope, Act.SET_PASSWORD)
    user = await _named(email)
    given = checked(PasswordInput, {"password": password}, email=user.email, name=user.name)
    password_hash = await passwords.hashed(given.password)
    async with db.transaction() as session:
        locked = await _locked(session, user)
        changed = await replace_password(session, locked, password_hash)
        await throttle.forget(user.email)
        return changed


async def set_role(scope: Scope, email: str, role: str) -> User:
    """Give somebody another role; nothing happens if they have it. Their sessions end.

    Their API tokens stay, and may what the new role may from the next request on.

    Emits ``session_revoked``. Raises Unauthorized, Forbidden, NotFound, and Invalid.
    """
    rights.require(scope, Act.SET_ROLE)
    given = checked(RoleInput, {"role": role})
    user = await _named(email)
    async with db.transaction() as session:
        locked = await _locked(session, user)
        if locked.role == given.role:
            return locked
        changed = await repo.change_user(session, user.id, role=given.role)
        await sessions.end(session, user.id)
        return changed


async def _named(email: str) -> User:
    given = checked(EmailInput, {"email": email})
    async with db.transaction() as session:
        user = await repo.find_user(session, given.email)
    if user is None:
        raise NotFound(f"There is no account of {given.email!r}.")
    return user


async def _locked(session: AsyncSession, user: User) -> User:
    locked = await repo.lock_user(session, user.id)
    if locked is None:
        raise NotFound("There is no such account any more.")
    return locked


async def first_admin_token(scope: Scope) -> str | None:
    """Return the token with which the first admin is made, or None if there is an admin.

    It lives 24 hours, works once, and ends the one returned before. Raises Forbidden.
    """
    rights.require(scope, Act.FIRST_ADMIN_TOKEN)
    async with db.transaction() as session:
        await repo.lock_first_admin(session)
        if await repo.has_admin(session):
            return None
        return await tokens.issue(session, None, Purpose.FIRST_ADMIN)


async def create_first_admin(scope: Scope, token: str, attrs: Mapping[str, Any]) -> User:
    """Make the first admin of ``name``, ``email`` and ``password``.

    Raises NotFound for a token that is over, as all are once there is an admin, and Invalid naming
    every wrong field, which leaves the token as it is.
    """
    rights.require(scope, Act.CREATE_FIRST_ADMIN)
    await limits.require(scope, Policy.LOGIN)
    token_hash = tokens.digest(token)
    async with db.transaction() as session:
        if await repo.find_token(session, token_hash, Purpose.FIRST_ADMIN) is None:
            raise tokens.over()
    given = checked(Registration, attrs)
    password_hash = await passwords.hashed(given.password)
    with refusals(CONSTRAINTS, overflow="name"):
        async with db.transaction() as session:
            await repo.lock_first_admin(session)
            has_admin = await repo.has_admin(session)
            if has_admin or not await repo.use_token(session, token_hash, Purpose.FIRST_ADMIN):
                raise tokens.over()
            return await _add(session, given, Role.ADMIN, password_hash)
