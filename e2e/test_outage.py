"""The database goes away and comes back: every page says so meanwhile, and is right after."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from e2e.instance import Site, start_site, stop_site
from e2e.line import line_to
from e2e.people import Visitors, eventually
from financial_live import routes
from financial_live.embedded import DataFolder, Postgres

SLUG = "build-mosque"
GIFT = {"amount": "111000", "currency": "IDR"}


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Return a PostgreSQL that the test may take away."""
    part = Postgres(DataFolder(tmp_path_factory.mktemp("postgres")))
    part.start()
    yield part
    part.stop()


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, frontend: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Return an instance that uses it."""
    folder: Path = tmp_path_factory.mktemp("site")
    running = start_site(folder, frontend=frontend, settings={"DATABASE_URL": postgres.url})
    yield running
    stop_site(running)


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(browser: Browser, site: Site) -> AsyncIterator[Visitors]:
    """Return a way to open pages of this instance."""
    visitors = Visitors(browser, site)
    visitors.forgiven = ("WebSocket", "ERR_CONNECTION_REFUSED")
    yield visitors
    await visitors.leave()
    assert visitors.unforgiven() == []


async def total(page: Page) -> str:
    return str(await page.locator("#numbers .total .sr-only").text_content())


class TestTheDatabaseGoesAway:
    async def test_pages_that_stay_open_return_or_open_meanwhile_are_right_after(
        self, visitors: Visitors, site: Site, postgres: Postgres
    ) -> None:
        path = routes.campaign(SLUG)
        async with line_to(site.address) as line:
            stays = await visitors.open(path)
            returns = await visitors.open(path, at=line.address)
            for page in (stays, returns):
                await expect(page.locator("#numbers")).to_be_visible()
            before = await total(stays)
            await line.cut()
            await asyncio.to_thread(postgres.stop)
            await line.mend()
            opens = await visitors.open(path)
            for page in (stays, returns, opens):
                await expect(page.locator(".stale-line")).to_contain_text("as of", timeout=15_000)
            await asyncio.to_thread(postgres.start)

            async def is_given() -> bool:
                return await site.try_to_give(SLUG, **GIFT) == 201

            await eventually(is_given, what="gifts are taken again", within_s=20)
            raised = (await site.campaign(SLUG))["total_raised"]
            for page in (stays, returns, opens):
                text = page.locator("#numbers .total .sr-only")
                await expect(text).not_to_have_text(before, timeout=15_000)
                await expect(page.locator(".stale-line")).to_have_text("", timeout=15_000)
                digits = "".join(c for c in await total(page) if c.isdigit())
                assert digits == raised.partition(".")[0]
