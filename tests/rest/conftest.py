from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from financial_live import db, limits
from financial_live.contexts.campaigns import Campaign, create_campaign
from financial_live.rest import create_api
from financial_live.scope import Scope

ADDRESS = "203.0.113.7"


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Let nobody have asked for anything before the test."""
    limits.connect(None)


def client_at(address: str) -> AsyncClient:
    """Return a client of a fresh API, as seen from ``address``."""
    transport = ASGITransport(create_api(), client=(address, 40_000))
    return AsyncClient(transport=transport, base_url="http://test")


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
