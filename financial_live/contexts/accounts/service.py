"""The use cases of accounts: getting one, proving its address, and its password.

Nothing here tells whether an address has an account. What is asked for by address is answered the
same way and does the same work: a password is hashed, an event is written, if need be about nobody.
An account that somebody made for themselves lets nobody in until its address is proven, or a login
after a registration would tell.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, limits, outbox, rights
from financial_live.contexts import columns
from financial_live.contexts.accounts import (
    api_tokens,
    events,
    passwords,
    repo,
    sessions,
    throttle,
    tokens,
)
from financial_live.contexts.accounts.models import (
    CONSTRAINTS,
    CurrentPassword,
    EmailInput,
    PasswordInput,
    Purpose,
    Registration,
    TypedPassword,
    User,
)
from financial_live.contexts.constraints import refusals
from financial_live.contexts.inputs import checked
from financial_live.errors import Conflict, Invalid, NotFound, Unauthorized
from financial_live.limits import Policy
from financial_live.rights import Act
from financial_live.scope import Scope


async def register(scope: Scope, attrs: Mapping[str, Any]) -> None:
    """Make a donor's account of ``name``, ``email`` and ``password``, to be proven by mail.

    The answer never tells whether the address has an account: where it has, nothing changes, and
    its owner gets a mail. Emits ``user_registered`` or ``registered_again``. Raises Invalid naming
    every wrong field, TooMany for too many from one address, and Unavailable when too many
    passwords are waiting.
    """
    rights.require(scope, Act.REGISTER)
    await limits.require(scope, Policy.MAILING)
    given = checked(Registration, attrs)
    password_hash = await passwords.hashed(given.password)
    user = User(email=given.email, name=given.name, password_hash=password_hash)
    with refusals(CONSTRAINTS, overflow="name"):
        async with db.transaction() as session:
            if await repo.add_user(session, user):
                await outbox.append(events.user_registered(user.id))
                return
            await outbox.append(events.registered_again(await _id_of(session, given.email)))


async def _id_of(session: AsyncSession, email: str) -> UUID:
    """Return the user's id, or one of nobody, so that as much is done for an unknown address."""
    user = await repo.find_user(session, email)
    made: UUID = user.id if user is not None else columns.new_id()
    return made


async def request_verification(scope: Scope, email: str) -> None:
    """Have another link sent to prove the address, if there is an account that needs one.

    The answer is always the same. Emits ``verification_requested``. Raises Invalid if this can be
    no address, and TooMany for too many from one address.
    """
    rights.require(scope, Act.REQUEST_VERIFICATION)
    await limits.require(scope, Policy.MAILING)
    given = checked(EmailInput, {"email": email})
    async with db.transaction() as session:
        await outbox.append(events.verification_requested(await _id_of(session, given.email)))


async def verify_email(scope: Scope, token: str, password: str, *, address: str = "") -> User:
    """Prove the address by the token that was mailed to it, and return the account.

    All links that prove it end. Who has done so from ``address`` is known there, and is not slowed
    by what others try.

    The password is asked for as well: who gets such a mail without having registered must not open
    an account to the one who did. Raises NotFound for a token that is over, Unauthorized for the
    wrong password, which leaves the token as it is, Invalid for what can be no password, and
    TooMany for too many from one address.
    """
    rights.require(scope, Act.VERIFY_EMAIL)
    await limits.require(scope, Policy.LOGIN)
    given = checked(TypedPassword, {"password": password})
    user = await tokens.owner(token, Purpose.VERIFY)
    if not await passwords.is_right(user.password_hash, given.password):
        raise Unauthorized(
            "That is not the password of this account. If you did not register, ignore the mail."
        )
    async with db.transaction() as session:
        # A password that was replaced meanwhile has ended the token.
        locked = await tokens.use(session, token, Purpose.VERIFY)
        await throttle.trust(user.email, address)
        return await repo.change_user(
            session, user.id, verified_at=locked.verified_at or columns.now()
        )


async def request_reset(scope: Scope, email: str) -> None:
    """Have a link sent to choose a new password, if there is an account.

    The answer is always the same. Emits ``reset_requested``. Raises Invalid if this can be no
    address, and TooMany for too many from one address.
    """
    rights.require(scope, Act.REQUEST_RESET)
    await limits.require(scope, Policy.MAILING)
    given = checked(EmailInput, {"email": email})
    async with db.transaction() as session:
        await outbox.append(events.reset_requested(await _id_of(session, given.email)))


async def reset_password(scope: Scope, token: str, new: str, *, address: str = "") -> User:
    """Set a new password by the token that was mailed, and return the account.

    The address is proven by it. All sessions, links and API tokens of the account end, and it is
    forgotten from where it was logged in to. Emits ``session_revoked`` and ``token_revoked``.
    Raises NotFound for a token that is over, Invalid for a password that is not good enough, which
    leaves the token as it is, and TooMany for too many from one address.
    """
    rights.require(scope, Act.RESET_PASSWORD)
    await limits.require(scope, Policy.LOGIN)
    user = await tokens.owner(token, Purpose.RESET)
    password_hash = await _new_hash(user, new)
    async with db.transaction() as session:
        locked = await tokens.use(session, token, Purpose.RESET)
        changed = await replace_password(session, locked, password_hash)
        await throttle.forget(user.email)
        await throttle.trust(user.email, address)
        return changed


async def change_password(scope: Scope, current: str, new: str) -> None:
    """Change the caller's password; their other sessions, all links and programs' logins end.

    The API tokens that the caller has made stay, so that no program of theirs stops.

    Emits ``session_revoked`` and ``token_revoked``. Raises Unauthorized, Invalid naming ``current``
    or ``password``, TooMany for who tried too often, and Conflict if it was changed meanwhile.
    """
    user_id = rights.require_user(scope, Act.CHANGE_PASSWORD)
    given = checked(CurrentPassword, {"current": current})
    user = await _own(user_id)
    # A session is an address of its own here: who has taken one over is slowed like a stranger.
    attempt = await throttle.begin(user.email, f"session:{scope.session_id}")
    if not await passwords.is_right(user.password_hash, given.current):
        if attempt.wait_s:
            raise attempt.refusal()
        raise Invalid({"current": ["is not your password"]})
    await throttle.succeeded(attempt)
    password_hash = await _new_hash(user, new)
    async with db.transaction() as session:
        locked = await repo.lock_user(session, user_id)
        if locked is None or locked.password_hash != user.password_hash:
            raise Conflict("Your password was changed meanwhile. Log in with the new one.")
        await replace_password(
            session, locked, password_hash, but=scope.session_id, keeps_tokens=True
        )


async def _own(user_id: UUID) -> User:
    async with db.transaction() as session:
        user = await repo.find_user(session, user_id)
    if user is None:
        raise Unauthorized("Your account is not there any more.")
    return user


async def _new_hash(user: User, password: str) -> str:
    given = checked(PasswordInput, {"password": password}, email=user.email, name=user.name)
    return await passwords.hashed(given.password)


async def replace_password(
    session: AsyncSession,
    user: User,
    password_hash: str,
    *,
    but: UUID | None = None,
    keeps_tokens: bool = False,
) -> User:
    """Set a password in the caller's transaction; sessions ``but`` one end, and all links.

    API tokens end as well; ``keeps_tokens`` keeps those that were not got by logging in. Whoever
    may set it has proven the address or vouches for it, or has proven it before.
    """
    changed = await repo.change_user(
        session,
        user.id,
        password_hash=password_hash,
        verified_at=user.verified_at or columns.now(),
    )
    await repo.remove_tokens(session, user.id)
    await api_tokens.end(session, user.id, only_logins=keeps_tokens)
    await sessions.end(session, user.id, but=but)
    return changed


async def find_user(scope: Scope, key: UUID | str) -> User:
    """Return an account by its id or address: any for an admin, for others their own.

    Raises Unauthorized or Forbidden, whether it is there or not, and NotFound.
    """
    wanted = key if isinstance(key, UUID) else checked(EmailInput, {"email": key}).email
    async with db.transaction() as session:
        user = await repo.find_user(session, wanted)
    rights.require(scope, Act.FIND_USER, owner=user.id if user is not None else None)
    if user is None:
        raise NotFound("There is no such account.")
    return user


async def names_of(user_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Return the names of these accounts, by id, as far as they are there; for other contexts."""
    if not user_ids:
        return {}
    async with db.reading() as session:
        return await repo.names_of(session, user_ids)


async def issue_link(scope: Scope, user_id: UUID, purpose: Purpose) -> tuple[User, str]:
    """Make the token of a link to mail, and return it with whom to mail it to; the operator's.

    Earlier ones go on working until one is used. Raises Forbidden, and NotFound if there is no such
    account, or nothing left to prove.
    """
    rights.require(scope, Act.ISSUE_LINK)
    async with db.transaction() as session:
        user = await repo.lock_user(session, user_id)
        if user is None or (purpose is Purpose.VERIFY and user.is_verified):
            raise NotFound("There is nobody to send this to.")
        return user, await tokens.issue(session, user_id, purpose)
