"""The shell: whom it takes its visitor for."""

from typing import Any
from uuid import uuid4

import pytest

from financial_live.contexts import accounts, donations
from financial_live.contexts.accounts import User
from financial_live.contexts.donations import Waiting
from financial_live.errors import Unavailable
from financial_live.scope import Role, Scope
from financial_live.ui import layout
from financial_live.ui.layout import Shell


class Visitor:
    """Whose cookie a page came with, as far as that can be found out."""

    def __init__(self) -> None:
        self.scope = Scope.user(uuid4(), role=Role.MANAGER)
        self.is_away = False
        self.reviews = False

    def token_of(self, state: object) -> str:
        return "token"

    async def scope_of(self, state: object) -> Scope:
        if self.is_away:
            raise Unavailable("The database is away.")
        return self.scope

    async def find_user(self, scope: Scope, user_id: object) -> User:
        return User(name="Siti Nurhaliza", email="siti@example.org")

    async def is_reviewer(self, scope: Scope) -> bool:
        return self.reviews

    async def waiting(self, scope: Scope) -> list[Waiting]:
        return [Waiting(uuid4(), slug, slug, "IDR", count) for slug, count in (("a", 3), ("b", 4))]


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Visitor:
    visitor = Visitor()
    monkeypatch.setattr(layout, "scope_of", visitor.scope_of)
    monkeypatch.setattr(layout, "token_of", visitor.token_of)
    monkeypatch.setattr(accounts, "find_user", visitor.find_user)
    monkeypatch.setattr(donations, "is_reviewer", visitor.is_reviewer)
    monkeypatch.setattr(donations, "waiting", visitor.waiting)
    return visitor


@pytest.fixture
def shell() -> Any:
    return Shell(_reflex_internal_init=True)  # type: ignore[call-arg]


async def handle(shell: Any, handler: Any) -> Any:
    """Let the shell handle an event, and return what it asks for next."""
    return await handler.fn(shell)


def seen(shell: Any) -> tuple[str, bool, bool]:
    return shell.user_name, shell.is_known, shell.may_start


class TestArrive:
    async def test_leads_reviewers_to_what_waits_for_them_and_nobody_else(
        self, shell: Any, visitor: Visitor
    ) -> None:
        await handle(shell, Shell.arrive)
        assert (shell.may_review, shell.waiting) == (False, 0)
        visitor.reviews = True
        await handle(shell, Shell.arrive)
        assert (shell.may_review, shell.waiting) == (True, 7)

    async def test_names_who_is_here(self, shell: Any, visitor: Visitor) -> None:
        assert await handle(shell, Shell.arrive) is None
        assert seen(shell) == ("Siti Nurhaliza", True, True)
        visitor.scope = Scope.visitor()
        await handle(shell, Shell.arrive)
        assert seen(shell) == ("", False, False)

    async def test_names_nobody_who_cannot_be_looked_up_and_looks_again(
        self, shell: Any, visitor: Visitor
    ) -> None:
        await handle(shell, Shell.arrive)
        visitor.is_away = True
        assert await handle(shell, Shell.arrive) == Shell.load_again
        assert seen(shell) == ("", False, True)
        assert shell.csrf
        visitor.is_away = False
        assert await handle(shell, Shell.load) is None
        assert seen(shell) == ("Siti Nurhaliza", True, True)

    async def test_looking_again_leaves_what_was_said_meanwhile(
        self, shell: Any, visitor: Visitor
    ) -> None:
        shell._say("info", "Done.")
        await handle(shell, Shell.load)
        assert shell.flash_text == "Done."
        await handle(shell, Shell.arrive)
        assert shell.flash_text == ""
