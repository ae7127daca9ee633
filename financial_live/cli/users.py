"""The subcommands about accounts: ``user create``, ``user password`` and ``user role``.

A password is no argument: others on the machine can read those, and shells keep them. It is typed
twice, unseen, or it is the first line of the standard input.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from financial_live.cli.console import Console
from financial_live.cli.data import OPERATOR, with_database
from financial_live.config import Settings
from financial_live.contexts import accounts
from financial_live.contexts.accounts import Role, User
from financial_live.embedded import joined_or_started
from financial_live.errors import Invalid

_T = TypeVar("_T")


def create(settings: Settings, email: str, *, name: str, role: Role, console: Console) -> None:
    """Make an account; without a password a link to choose one is mailed."""
    password = _read_password("Password (empty: a link to choose one is mailed)", may_be_empty=True)
    attrs = {"email": email, "name": name, "role": role.value}
    if password:
        attrs["password"] = password
    user = _done(settings, lambda: accounts.create_user(OPERATOR, attrs))
    console.good(f"{user.email} has an account now, as {user.role}.")
    if not password:
        console.note("A link to choose a password is mailed to them when the site runs.")


def set_password(settings: Settings, email: str, console: Console) -> None:
    """Set somebody's password; everywhere they are logged in, they are logged out."""
    password = _read_password("New password")
    user = _done(settings, lambda: accounts.set_password(OPERATOR, email, password))
    console.good(f"{user.email} has the new password, and is logged out everywhere.")


def set_role(settings: Settings, email: str, role: Role, console: Console) -> None:
    """Give somebody another role; if it is another, they are logged out everywhere."""

    async def change() -> tuple[User, User]:
        before = await accounts.find_user(OPERATOR, email)
        return before, await accounts.set_role(OPERATOR, email, role.value)

    before, user = _done(settings, change)
    if before.role == user.role:
        console.good(f"{user.email} is {user.role} already.")
    else:
        console.good(f"{user.email} is {user.role} now, and is logged out everywhere.")


def _done(settings: Settings, work: Callable[[], Awaitable[_T]]) -> _T:
    with joined_or_started(settings) as reachable:
        return asyncio.run(with_database(reachable, work))


def _read_password(question: str, *, may_be_empty: bool = False) -> str:
    """Return what is typed twice, or else the first line of what is no terminal. Raises Invalid."""
    if sys.stdin.isatty():
        default = "" if may_be_empty else None
        typed: str = typer.prompt(
            question, default, hide_input=True, confirmation_prompt=True, show_default=False
        )
        return typed
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Invalid({"password": ["is not UTF-8 text"]}) from None
