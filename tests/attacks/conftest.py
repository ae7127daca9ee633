"""One instance for all attacks, as it runs behind a proxy that ends TLS."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from e2e.conftest import frontend
from e2e.instance import Site, connected, start_site, stop_site
from e2e.people import Account, Operator
from tests.attacks.visitor import HOST, ORIGIN, SECRETS, log_of
from tests.contexts.people import quick_hashes

__all__ = ["frontend", "quick_hashes"]

_BEHIND_A_PROXY = {"ALLOWED_ORIGINS": ORIGIN, "PUBLIC_URL": ORIGIN, "PROXY_HOPS": "1"}


@pytest.fixture(scope="session")
def attacked(frontend: Path) -> Iterator[Site]:
    """Return an instance that is reached as ``HOST``, and look into its log after all attacks."""
    folder = Path(tempfile.mkdtemp(prefix="financial-live-attacks-"))
    running = start_site(folder, frontend=frontend, settings=_BEHIND_A_PROXY)
    yield running
    stop_site(running)
    log = log_of(running)
    shutil.rmtree(folder, ignore_errors=True)
    assert [secret for secret in SECRETS if secret in log] == []


@pytest_asyncio.fixture
async def operator_of_attacked(attacked: Site, quick_hashes: None) -> AsyncIterator[Operator]:
    """Return somebody who acts on the same database as the instance."""
    async with connected(attacked.instance["database_url"]):
        yield Operator()


@pytest_asyncio.fixture
async def victim(operator_of_attacked: Operator) -> Account:
    """Return somebody with an account and a session."""
    return await operator_of_attacked.new_account("Rina Korban")


@pytest_asyncio.fixture
async def client(attacked: Site) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that sends what it is told, and no Origin of its own."""
    async with httpx.AsyncClient(base_url=attacked.address, headers={"Host": HOST}) as client:
        yield client
