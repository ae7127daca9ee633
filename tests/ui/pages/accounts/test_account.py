"""The account page while nobody can be looked up."""

from typing import Any

import pytest

from financial_live.errors import Unavailable
from financial_live.ui.pages.accounts import account
from financial_live.ui.pages.accounts.account import AccountPage


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the state of a page that shows somebody's account, while the database is away."""

    async def scope_of(state: object) -> object:
        raise Unavailable("The database is away.")

    monkeypatch.setattr(account, "scope_of", scope_of)
    state = AccountPage(_reflex_internal_init=True)  # type: ignore[call-arg]
    state.email, state.gifts, state.loaded = "siti@example.org", [{"id": "1"}], True
    return state


async def handle(page: Any, handler: Any) -> Any:
    """Let the page handle an event, and return what it asks for next."""
    return await handler.fn(page)


class TestLoad:
    async def test_shows_nobodys_account_to_who_cannot_be_looked_up(self, page: Any) -> None:
        again = await handle(page, AccountPage.load)
        assert (page.email, page.gifts, page.loaded) == ("", [], False)
        assert again == AccountPage.load_again


class TestMove:
    async def test_leaves_an_open_page_as_it_is_and_tries_again(self, page: Any) -> None:
        again = await handle(page, AccountPage.move)
        assert (page.email, page.loaded) == ("siti@example.org", True)
        assert again == AccountPage.load_again
