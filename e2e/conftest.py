"""The product as people meet it: the real command, a real database and bus, a real Chromium."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from e2e.instance import Site, connected, start_site, stop_site
from e2e.people import Account, Operator, Visitors
from financial_live.asgi import PROJECT, build_frontend
from financial_live.embedded import DataFolder

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all stories happen in one event loop: that of the browser, which they share."""
    stories = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(stories) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def find_chromium() -> str | None:
    """Return the Chromium to use; None for the one that Playwright brings, installed if missing.

    Stops the tests with what to type where there is none to be had.
    """
    found = os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        return found
    install = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        pytest.exit(
            "No Chromium was found, and Playwright could not download its own. Install one "
            "(Debian, Ubuntu: apt-get install chromium) or set CHROMIUM_PATH.",
            returncode=2,
        )
    return None


@pytest.fixture(scope="session")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built pages, which all instances of all test processes serve."""
    own = tmp_path_factory.getbasetemp()
    # One of several test processes has its folder inside of that of all.
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return build_frontend(PROJECT, DataFolder(shared / "built"))


@pytest.fixture(scope="session")
def site(frontend: Path) -> Iterator[Site]:
    """Return an instance with the demo campaigns, shared by all stories of a test process."""
    folder = Path(tempfile.mkdtemp(prefix="financial-live-e2e-"))
    running = start_site(folder, frontend=frontend)
    yield running
    stop_site(running)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def chromium() -> str | None:
    """Return the path of the Chromium to use."""
    return find_chromium()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser(chromium: str | None) -> AsyncIterator[Browser]:
    """Return the browser of all stories; each visitor has a profile of their own in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(browser: Browser, site: Site) -> AsyncIterator[Visitors]:
    """Return a way to open pages; a page that complains on its console fails the test."""
    visitors = Visitors(browser, site)
    yield visitors
    await visitors.leave()
    assert visitors.unforgiven() == []


@pytest_asyncio.fixture(loop_scope="session")
async def operator(site: Site) -> AsyncIterator[Operator]:
    """Return somebody who changes campaigns behind the pages' backs, in the same database."""
    async with connected(site.instance["database_url"]):
        yield Operator()


@pytest_asyncio.fixture(loop_scope="session")
async def admin(operator: Operator) -> Account:
    """Return somebody who may do everything."""
    return await operator.new_account("Ayu Admin", role="admin")


@pytest_asyncio.fixture(loop_scope="session")
async def manager(operator: Operator) -> Account:
    """Return somebody who may start campaigns."""
    return await operator.new_account("Made Manager", role="manager")
