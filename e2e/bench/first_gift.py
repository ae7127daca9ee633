"""From a gift's commit to the change on every open page, and what the first page costs.

    uv run python e2e/bench/first_gift.py [--smoke]

Starts an instance of its own, with its own database, bus and browser, and prints a table. Times
hold for the machine they were measured on; bytes and memory hold everywhere.
"""

import argparse
import asyncio
import gzip
import os
import re
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from playwright.async_api import Browser, Page, async_playwright

from e2e.bench.client import Client
from e2e.conftest import find_chromium
from e2e.instance import Site, start_site, stop_site
from financial_live import db, routes

SLUG = "build-mosque"
PAGES = 20
RATE_HZ = 2.0
PHONE = {"width": 390, "height": 844}
# The pages are windows of one browser that shares a process among them: twenty renderers would
# measure how two cores switch between them. Windows in the background are slowed down by
# Chromium; here each is a visitor's own.
CHROMIUM_FLAGS = [
    "--process-per-site",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
]
# Notes for each new row the moment it is in the page.
WATCH_ROWS = """() => {
  window.seen = {};
  const note = () => {
    const now = performance.timeOrigin + performance.now();
    for (const row of document.querySelectorAll("#gifts h3")) window.seen[row.textContent] ??= now;
  };
  const everything = { childList: true, subtree: true, characterData: true };
  new MutationObserver(note).observe(document.body, everything);
}"""


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    gifts: int
    sessions: int


FULL = Scale(gifts=200, sessions=200)
SMOKE = Scale(gifts=20, sessions=20)


def quantile(values: list[float], share: float) -> float:
    """Return the value that ``share`` of ``values`` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def until_first_page(address: str) -> None:
    """Wait until the site answers with its first page."""
    async with httpx.AsyncClient(base_url=address) as client:
        (await client.get(routes.HOME)).raise_for_status()


async def page_bytes(address: str, browser: Browser) -> dict[str, int]:
    """Return the gzipped bytes of everything the donor page loads, by kind."""
    page = await browser.new_page()
    loaded: list[str] = []
    page.on("response", lambda response: loaded.append(response.url))
    await page.goto(address + routes.campaign(SLUG))
    await page.wait_for_selector("#gifts li")
    await page.wait_for_load_state("networkidle")
    await page.close()
    kinds: dict[str, int] = {"html": 0, "js": 0, "css": 0, "font": 0, "other": 0}
    async with httpx.AsyncClient() as client:
        for url in dict.fromkeys(loaded):
            body = (await client.get(url)).content
            kinds[kind_of(url)] += len(body if url.endswith(".woff2") else gzip.compress(body))
    return kinds


def kind_of(url: str) -> str:
    """Return what a file of the page is."""
    if match := re.search(r"\.(js|css|woff2)(\?|$)", url):
        return {"js": "js", "css": "css", "woff2": "font"}[match[1]]
    return "html" if "/campaigns/" in url else "other"


async def worker_pid(site: Site) -> str:
    """Return the process id of the worker that answers."""
    metrics = (await site.get(routes.METRICS)).text
    pid = re.search(r'memory_total_bytes\{pid="(\d+)"', metrics)
    assert pid is not None, "the worker says no pid in its metrics"
    return pid[1]


def resident_bytes(pid: str) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def sessions_memory(site: Site, count: int) -> tuple[int, int]:
    """Return the worker's memory without and with ``count`` sessions on the donor page."""
    pid = await worker_pid(site)
    before = resident_bytes(pid)
    arrived, are_all_here = 0, asyncio.Event()

    def note(delta: dict[str, Any]) -> None:
        nonlocal arrived
        arrived += any("campaign_live" in state for state in delta)
        if arrived >= count:
            are_all_here.set()

    clients = [Client(site.address, routes.campaign(SLUG), note) for _ in range(count)]
    for client in clients:
        await client.open()
    await are_all_here.wait()
    after = resident_bytes(pid)
    await asyncio.gather(*(client.close() for client in clients))
    return before, after


async def open_pages(address: str, browser: Browser) -> list[Page]:
    """Open the donor page many times, each noting the rows that arrive."""
    context = await browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    pages = []
    for _ in range(PAGES):
        page = await context.new_page()
        await page.goto(address + routes.campaign(SLUG))
        await page.wait_for_selector("#gifts li")
        await page.evaluate(WATCH_ROWS)
        pages.append(page)
    return pages


async def give_evenly(site: Site, count: int) -> list[str]:
    """Give ``count`` gifts by the REST door, evenly spaced; return the donors' names."""
    names = [f"Donor {number:04}" for number in range(count)]
    async with httpx.AsyncClient(base_url=site.address) as client:
        started = time.monotonic()
        for number, name in enumerate(names):
            await asyncio.sleep(max(0.0, started + number / RATE_HZ - time.monotonic()))
            gift = {"donor_name": name, "donor_email": "bench@example.org", "amount": "50000"}
            answer = await client.post(
                routes.api_campaign_donations(SLUG), json={"donation": gift | {"currency": "IDR"}}
            )
            answer.raise_for_status()
    return names


def commit_times_ms(site: Site) -> dict[str, float]:
    """Return when each donor's gift was committed, by the database's own record."""
    with psycopg.connect(db.libpq_url(site.instance["database_url"])) as connection:
        rows = connection.execute(
            "SELECT donor_name, extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000"
            " FROM donation WHERE donor_email = 'bench@example.org'"
        ).fetchall()
    return {name: float(moment) for name, moment in rows}


async def commit_to_dom_ms(site: Site, browser: Browser, gifts: int) -> list[float]:
    """Return, for each gift and each open page, the time from commit to the row in the page."""
    pages = await open_pages(site.address, browser)
    names = await give_evenly(site, gifts)
    for page in pages:
        await page.wait_for_function("name => name in window.seen", arg=names[-1])
    committed = commit_times_ms(site)
    seen = [await page.evaluate("window.seen") for page in pages]
    await pages[0].context.close()
    # A row that a later gift pushed out before the page painted was never in the page.
    return [shown[name] - committed[name] for shown in seen for name in names if name in shown]


async def measure(folder: Path, scale: Scale) -> None:
    """Run everything and print the table."""
    stop_site(await asyncio.to_thread(start_site, folder))
    started = time.monotonic()
    site = await asyncio.to_thread(start_site, folder)
    try:
        await until_first_page(site.address)
        print_row("warm start to the first page", f"{time.monotonic() - started:.1f} s", "5 s")
        before, after = await sessions_memory(site, scale.sessions)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=find_chromium(), args=CHROMIUM_FLAGS
            )
            print_bytes(await page_bytes(site.address, browser))
            times = await commit_to_dom_ms(site, browser, scale.gifts)
            await browser.close()
    finally:
        stop_site(site)
    print_memory(before, after, scale.sessions)
    shown = f"{len(times)} rows: {scale.gifts} gifts at {RATE_HZ:.0f}/s, {PAGES} pages"
    print_row("commit to DOM, p50", f"{statistics.median(times):.0f} ms", "", shown)
    print_row("commit to DOM, p95", f"{quantile(times, 0.95):.0f} ms", "60 ms", shown)


def print_bytes(kinds: dict[str, int]) -> None:
    """Print what the donor page loads."""
    detail = ", ".join(f"{kind} {size / 1000:.0f}" for kind, size in kinds.items() if size)
    code = sum(size for kind, size in kinds.items() if kind != "font")
    print_row("donor page, gzipped, without fonts", f"{code / 1000:.0f} KB", "200 KB", detail)
    print_row("donor page, gzipped, with fonts", f"{sum(kinds.values()) / 1000:.0f} KB", "", detail)


def print_memory(before: int, after: int, sessions: int) -> None:
    """Print the worker's memory."""
    each = (after - before) / sessions / 1000
    print_row("memory of the worker, 0 sessions", f"{before / 1e6:.0f} MB", "")
    print_row(
        f"memory of the worker, {sessions} sessions",
        f"{after / 1e6:.0f} MB",
        "",
        f"{each:.0f} KB each",
    )


def print_row(what: str, value: str, aim: str, detail: str = "") -> None:
    """Print one line of the table."""
    print(f"{what:38} {value:>9}   {'aim ' + aim if aim else '':12} {detail}", flush=True)


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="measure a little, to see it works")
    scale = SMOKE if parser.parse_args().smoke else FULL
    folder = Path(tempfile.mkdtemp(prefix="financial-live-bench-"))
    try:
        asyncio.run(measure(folder, scale))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
