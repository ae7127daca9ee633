"""Slowing those who guess passwords, and not those who share an address with them.

Each attempt is written down as failed before the password is looked at, under a lock of its
account and its address, and as right afterwards. So it is exact however many try at once, and a
crash never gives anybody a free attempt.

- An account with five failures in 15 minutes makes who comes from an address that never logged in
  to it wait: 1 s after the fifth, then twice as long each time, up to a minute.
- From an address that has logged in to it, the right password is always let in, a wrong one is told
  to wait.
- An address with a hundred failures in 15 minutes waits until they are old. An account that has
  been logged in to from there counts its own failures only, so who shares an address with somebody
  who tries every account is not locked out of their own.

An attempt that has to wait is not looked at and not counted.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from financial_live import config, db
from financial_live.contexts import columns
from financial_live.contexts.accounts import repo
from financial_live.contexts.accounts.models import ADDRESS_LENGTH, LoginAttempt
from financial_live.contexts.inputs import is_storable_text
from financial_live.errors import AppError, TooMany, Unauthorized

WINDOW = timedelta(minutes=15)
FREE_FAILURES = 5
MAX_WAIT_S = 60
MAX_FAILURES = 100
REMEMBERED = timedelta(days=90)
WRONG = (
    "The e-mail address and the password do not match, or the address has not been proven yet: "
    "look for our mail."
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt that has something to do with the present one."""

    is_account: bool
    is_address: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is under way. ``wait_s`` is what a wrong password has to wait afterwards."""

    id: UUID
    wait_s: int

    def refusal(self) -> AppError:
        """Return what to say if the password was wrong."""
        return Unauthorized(WRONG) if self.wait_s == 0 else _too_many(self.wait_s)


def account_wait_s(failures: list[Failure], now: datetime) -> int:
    """Return for how many seconds the account still makes strangers wait."""
    times = [failure.at for failure in failures if failure.is_account]
    more = len(times) - FREE_FAILURES
    if more < 0:
        return 0
    return _seconds(times[-1] + timedelta(seconds=min(2 ** min(more, 10), MAX_WAIT_S)) - now)


def address_wait_s(failures: list[Failure], now: datetime, *, is_known: bool) -> int:
    """Return for how many seconds the address has to wait, or the account from there if known."""
    counted = [f.at for f in failures if f.is_address and (f.is_account or not is_known)]
    if len(counted) < MAX_FAILURES:
        return 0
    return _seconds(counted[-MAX_FAILURES] + WINDOW - now)


def _seconds(time: timedelta) -> int:
    return max(0, math.ceil(time.total_seconds()))


def account_of(email: str) -> str:
    """Return the name under which attempts for this address are counted."""
    return hashlib.sha256(email.encode("utf-8", "replace")).hexdigest()


def network_of(address: str) -> str:
    """Return what is counted as one address: of IPv6 the 64 bits that one customer has."""
    network = config.network_of(address)[:ADDRESS_LENGTH]
    return network if is_storable_text(network) else ""


async def begin(email: str, address: str) -> Attempt:
    """Note an attempt to log in. Raises TooMany if it has to wait; then it is not looked at."""
    account, network = account_of(email), network_of(address)
    async with db.transaction() as session:
        await repo.lock_attempts(session, account=account, address=network)
        now = columns.now()
        is_known = await repo.has_succeeded(session, account=account, address=network)
        rows = await repo.failures(session, account=account, address=network, since=now - WINDOW)
        failures = [Failure(*row) for row in rows]
        wait_s = account_wait_s(failures, now)
        blocked_s = address_wait_s(failures, now, is_known=is_known)
        if not is_known:
            blocked_s = max(blocked_s, wait_s)
        if blocked_s > 0:
            raise _too_many(blocked_s)
        attempt = LoginAttempt(account=account, address=network, inserted_at=now)
        await repo.add_attempt(session, attempt)
    return Attempt(attempt.id, wait_s)


def _too_many(wait_s: int) -> TooMany:
    return TooMany(
        f"That was tried too often. Wait {wait_s} s, or choose a new password by mail.",
        retry_after_s=wait_s,
    )


async def succeeded(attempt: Attempt) -> None:
    """Note that the password was right."""
    async with db.transaction() as session:
        await repo.mark_succeeded(session, attempt.id)


async def trust(email: str, address: str) -> None:
    """Note that the owner of an account, by a link that was mailed, has proven to be here."""
    attempt = LoginAttempt(
        account=account_of(email),
        address=network_of(address),
        has_succeeded=True,
        inserted_at=columns.now(),
    )
    async with db.transaction() as session:
        await repo.add_attempt(session, attempt)


async def forget(email: str) -> None:
    """Forget what was tried for an account, and from where: its password is another one now."""
    async with db.transaction() as session:
        await repo.forget_attempts(session, account_of(email))


async def prune() -> None:
    """Forget failures that count no more, and addresses not logged in from for 90 days."""
    now = columns.now()
    async with db.transaction() as session:
        await repo.forget_old_attempts(session, failed_before=now - WINDOW, before=now - REMEMBERED)
