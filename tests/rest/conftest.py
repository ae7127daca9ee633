from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from financial_live import cookies, db, limits
from financial_live.contexts.accounts import LoggedIn
from financial_live.contexts.campaigns import Campaign, create_campaign
from financial_live.rest import create_api
from financial_live.rest.parsing import CSRF_HEADER
from financial_live.scope import Scope
from tests.contexts.people import log_in, make_user, quick_hashes

__all__ = ["quick_hashes"]

ADDRESS = "203.0.113.7"


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Let nobody have asked for anything before the test."""
    limits.connect(None)


def client_at(address: str) -> AsyncClient:
    """Return a client of a fresh API, as seen from ``address``."""
    transport = ASGITransport(create_api(), client=(address, 40_000))
    return AsyncClient(transport=transport, base_url="http://test")


def session_of(logged_in: LoggedIn) -> AsyncClient:
    """Return a client that acts for who is logged in, as a page of the site does."""
    token = logged_in.token
    headers = {"Cookie": f"{cookies.NAME}={token}", CSRF_HEADER: cookies.csrf_token(token)}
    transport = ASGITransport(create_api(), client=(ADDRESS, 40_000))
    return AsyncClient(transport=transport, base_url="http://localhost", headers=headers)


@pytest_asyncio.fixture
async def manager(database: db.Database, quick_hashes: None) -> AsyncIterator[AsyncClient]:
    """Return a client of somebody who may start campaigns."""
    await make_user(role="manager")
    async with session_of(await log_in()) as client:
        yield client


@pytest_asyncio.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with client_at(ADDRESS) as client:
        yield client


@pytest_asyncio.fixture
async def campaign(database: db.Database, operator: Scope) -> Campaign:
    """Return an active campaign that counts gifts at once and takes several of one donor."""
    attrs = {
        "name": "Wells for Gunung Kidul",
        "goal_amount": "1000",
        "currency": "USD",
        "review_policy": "automatic",
        "one_gift_per_donor": False,
    }
    return await create_campaign(operator, attrs)
