"""What the tests of accounts and mail make their people of."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from financial_live.contexts import accounts, columns
from financial_live.contexts.accounts import LoggedIn, Purpose, User, passwords
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, events

PASSWORD = "correct horse battery"
EMAIL = "siti@example.org"
HOME = "203.0.113.7"
ELSEWHERE = "198.51.100.9"
SITI: dict[str, Any] = {"name": "Siti Nurhaliza", "email": EMAIL, "password": PASSWORD}


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash at the least cost: what a password costs is tested where that is the matter."""
    hash_quickly(monkeypatch)


def hash_quickly(patch: pytest.MonkeyPatch) -> None:
    """Hash at the least cost until ``patch`` is undone."""
    patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._dummy.cache_clear()


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Let no time go by, however busy the machine is, and return what time it is."""
    moment = columns.now()
    monkeypatch.setattr(columns, "now", lambda: moment)
    return moment


async def make_user(email: str = EMAIL, **attrs: Any) -> User:
    """Make an account that can log in."""
    return await accounts.create_user(OPERATOR, SITI | {"email": email} | attrs)


async def make_admin(name: str) -> Scope:
    """Make an account that may do everything, and return its scope."""
    user = await make_user(f"{name.lower()}@example.org", name=name, role="admin")
    return Scope.user(user.id, role=Role.ADMIN)


async def registered(email: str = EMAIL) -> UUID:
    """Register somebody, whose address is not proven yet."""
    await accounts.register(VISITOR, SITI | {"email": email})
    return (await accounts.find_user(OPERATOR, email)).id


async def link(email: str, purpose: Purpose) -> str:
    """Return the token of a link as it would be mailed."""
    user = await accounts.find_user(OPERATOR, email)
    return (await accounts.issue_link(OPERATOR, user.id, purpose))[1]


async def log_in(email: str = EMAIL, password: str = PASSWORD, *, address: str = HOME) -> LoggedIn:
    """Log in from home."""
    return await accounts.log_in(VISITOR, email, password, address=address, agent="Firefox")


async def scope_of(logged_in: LoggedIn) -> Scope:
    """Return the scope of a living session."""
    scope = await accounts.session_scope(logged_in.token)
    assert scope is not None
    return scope


async def revoked() -> list[tuple[list[str], list[str]]]:
    """Return what was told of sessions that ended: the topics, and the sessions."""
    return [
        (topics, data["session_ids"])
        for name, topics, data in await events()
        if name == "session_revoked"
    ]
