"""What a night plays on: servers, an instance with two workers, lines, browsers and open pages."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Playwright, async_playwright

from e2e.bench.first_gift import CHROMIUM_FLAGS
from e2e.conftest import find_chromium
from e2e.faults import processes
from e2e.faults.bus_line import BusLine
from e2e.faults.giver import Giver
from e2e.faults.pages import NAME, PATHS, SLUG, OpenPage, open_page
from e2e.instance import Site, connected, start_site, stop_site
from e2e.line import Line, line_to
from e2e.people import Operator
from financial_live.embedded import DataFolder, Postgres, Valkey
from financial_live.rooms.views import GIFTS

WORKERS = 2
PATIENCE_S = 30.0


@dataclass
class Stage:
    """Everything that faults act on, the pages that are compared, and who gives.

    ``notes`` say what a fault did, ``failures`` what did not happen as it must.
    """

    site: Site
    postgres: Postgres
    valkey: Valkey
    bus: BusLine
    lines: list[Line]
    laptop: int
    pages: list[OpenPage]
    giver: Giver
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def workers(self) -> list[int]:
        """The workers' processes, the one with the most sockets first."""
        return processes.workers(self.site.process.pid)


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    """Bring everything up, and take it down at the end."""
    async with AsyncExitStack() as stack:
        postgres, valkey = Postgres(DataFolder(folder / "p")), Valkey(DataFolder(folder / "v"))
        for part in (postgres, valkey):
            stack.callback(part.stop)
            part.start()
        bus = BusLine(valkey.url)
        await bus.mend()
        stack.push_async_callback(bus.cut)
        site = await asyncio.to_thread(
            start_site, folder / "site", "--workers", str(WORKERS),
            settings={"DATABASE_URL": postgres.url, "REDIS_URL": bus.url},
        )  # fmt: skip
        stack.push_async_callback(asyncio.to_thread, stop_site, site)
        await make_campaign(postgres.url)
        giver = Giver(site.address, SLUG)
        stack.push_async_callback(giver.close)
        for _ in range(GIFTS):
            await giver.give_until_accepted(PATIENCE_S)
        playwright = await stack.enter_async_context(async_playwright())
        browser, _ = await launch(playwright)
        laptop, laptop_pid = await launch(playwright)
        lines = [await stack.enter_async_context(line_to(site.address)) for _ in PATHS]
        pages = [await open_page(browser, site.address, group="direct", kind="campaign")]
        for kind, line in zip(PATHS, lines, strict=True):
            pages.append(await open_page(browser, line.address, group="line", kind=kind))
        pages.append(await open_page(laptop, site.address, group="laptop", kind="campaign"))
        pages.append(await open_page(laptop, site.address, group="laptop", kind="gifts"))
        yield Stage(site, postgres, valkey, bus, lines, laptop_pid, pages, giver)


async def make_campaign(database_url: str) -> None:
    """Start the campaign that the night is about."""
    settings: dict[str, Any] = {
        "name": NAME,
        "slug": SLUG,
        "currency": "IDR",
        "goal_amount": "900000000",
    }
    async with connected(database_url):
        await Operator().new_campaign(**settings)


async def launch(playwright: Playwright) -> tuple[Browser, int]:
    """Launch a browser; return it and its first process. It ends with Playwright."""
    known = set(processes.descendants(os.getpid()))
    browser = await playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
    return browser, next(pid for pid in processes.descendants(os.getpid()) if pid not in known)
