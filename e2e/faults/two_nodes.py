"""Two nodes behind the proxy of compose.yaml, on one database: what visitors see when one dies.

    uv run python e2e/faults/two_nodes.py [--smoke]

Starts PostgreSQL, Valkey, two nodes in production on an empty database at once, and Caddy with the
very text of compose.yaml, its names replaced by addresses of this machine. The nodes serve pages of
different builds, as they do while a new version is rolled out; the first is taken from
FINANCIAL_LIVE_FRONTEND_DIR if that is set. Prints a table; ends with 1 when a line of it is wrong.
"""

import argparse
import asyncio
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from e2e.bench.first_gift import print_row
from e2e.faults import processes
from e2e.faults.giver import Giver
from e2e.faults.pages import PATHS, SLUG, OpenPage, expected, names_of_gifts, open_page
from e2e.faults.proxy import MARK, free_port, left_out, proxy, second_build
from e2e.faults.staging import PATIENCE_S, launch, make_campaign
from e2e.instance import Site, start_site, stop_site
from e2e.people import eventually
from financial_live import routes
from financial_live.embedded import DataFolder, Postgres, Valkey

PAGES = 6
RATE_HZ = 10.0
_PATH = PATHS["campaign"]
_GIFTS = routes.api_campaign_donations(SLUG)
_ELSEWHERE = "https://evil.example"


class Table:
    """What was found, printed as it is found; ``wrong`` is what is not as it must be."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def row(self, what: str, found: object, must: object = None, detail: str = "") -> None:
        """Print a line, with what ``must`` be found if anything must."""
        print_row(what, str(found), "" if must is None else str(must), detail)
        if must not in (None, found):
            self.wrong.append(f"{what}: {found}, not {must}")


@dataclass(frozen=True)
class Sites:
    """Two nodes, the address at which the proxy serves them, and how to start each again."""

    address: str
    nodes: list[Site]
    postgres: Postgres
    folder: Path
    settings: list[dict[str, str]]
    log: Path

    def start_again(self, number: int) -> None:
        """Start a node that was killed, at the address it had."""
        self.nodes[number] = _start(self.folder, number, self.settings[number])

    def stop(self) -> None:
        """Stop both nodes."""
        for node in self.nodes:
            stop_site(node)

    def client(self) -> httpx.AsyncClient:
        """Return a client that reaches the site as visitors do."""
        return httpx.AsyncClient(base_url=self.address, verify=False, timeout=20)


def _start(folder: Path, number: int, settings: dict[str, str]) -> Site:
    port = settings["FINANCIAL_LIVE_PORT"]
    data_dir = folder / f"node{number + 1}"
    return start_site(data_dir, "--port", port, "--workers", "2", settings=settings)


def build(folder: Path) -> list[Path]:
    """Return the pages for both nodes, built here if they are not yet."""
    given = os.environ.get("FINANCIAL_LIVE_FRONTEND_DIR")
    first, second = Path(given or folder / "pages1"), folder / "pages2"
    if not first.exists():
        command = str(Path(sys.executable).with_name("financial-live"))
        subprocess.run(
            [command, "build", "--to", str(first), "--data-dir", str(folder / "build")],
            check=True, stdout=subprocess.DEVNULL, timeout=240,
        )  # fmt: skip
    second_build(first, second)
    return [first, second]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Sites]:
    """Run everything, on a database that is empty at first."""
    postgres, valkey = Postgres(DataFolder(folder / "parts")), Valkey(DataFolder(folder / "parts"))
    # Not localhost: there Reflex's pages believe that whatever is https is on port 443.
    ports, domain = [free_port(), free_port()], f"127.0.0.1:{free_port()}"
    pages = await asyncio.to_thread(build, folder)
    with ExitStack() as stack:
        for part in (postgres, valkey):
            stack.callback(part.stop)
            # Here, in the main thread: a part ends with the thread that started it.
            part.start()
        common = {
            "FINANCIAL_LIVE_ENV": "production",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "ALLOWED_ORIGINS": f"https://{domain}",
            "PUBLIC_URL": f"https://{domain}",
            "PROXY_HOPS": "1",
        }
        settings = [
            common | {"FINANCIAL_LIVE_PORT": str(port), "FINANCIAL_LIVE_FRONTEND_DIR": str(place)}
            for port, place in zip(ports, pages, strict=True)
        ]
        log = stack.enter_context(proxy(folder / "proxy", domain, ports))
        nodes = await asyncio.gather(
            *(asyncio.to_thread(_start, folder, number, one) for number, one in enumerate(settings))
        )
        sites = Sites(f"https://{domain}", list(nodes), postgres, folder, settings, log)
        stack.callback(sites.stop)
        yield sites


class Visitors:
    """Pages opened through the proxy, and what became of them."""

    def __init__(self, browser: Browser, sites: Sites) -> None:
        self._browser = browser
        self._sites = sites
        self.pages: list[OpenPage] = []
        self.complaints: set[str] = set()
        self.lost_lines = 0

    async def open(self) -> OpenPage:
        """Open the campaign's page as somebody new."""
        context = await self.come()
        page = await open_page(context, self._sites.address, group="proxy", kind="campaign")
        self.pages.append(page)
        return page

    async def come(self) -> BrowserContext:
        """Return a context of somebody new, whose pages are watched."""
        context = await self._browser.new_context(ignore_https_errors=True)
        context.on("page", self._watch)
        return context

    async def are_right(self) -> None:
        """Wait until every page shows what the database holds, and says that it is right."""

        async def all_are() -> bool:
            right = (await expected(self._sites.postgres.url))["campaign"]
            shown = await asyncio.gather(*(page.shown() for page in self.pages))
            return all(one == ("", right) for one in shown)

        await eventually(all_are, what="every page is right", within_s=PATIENCE_S)

    async def by_build(self) -> tuple[int, int]:
        """Return how many pages came from the first node, and from the second."""
        second = [await is_of_second(page) for page in self.pages].count(True)
        return len(self.pages) - second, second

    def _watch(self, page: Page) -> None:
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("websocket", lambda line: line.on("close", self._count_lost))

    def _count_lost(self, _line: object) -> None:
        self.lost_lines += 1

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and "WebSocket" not in text:
            self.complaints.add(text)


async def is_of_second(page: OpenPage) -> bool:
    """Return whether the page came from the second node."""
    return MARK in await page.page.content()


async def story(sites: Sites, browser: Browser, table: Table, *, is_smoke: bool) -> None:
    """Go through everything, or what matters most, one finding a line."""
    await make_campaign(sites.postgres.url)
    giver, visitors = Giver(sites.address, SLUG), Visitors(browser, sites)
    await show_doors(sites, table)
    await show_giving(giver, visitors, table)
    await show_form(visitors, table)
    await show_death(sites, giver, visitors, table)
    if not is_smoke:
        await show_return(sites, giver, visitors, table)
        await show_replacement(sites, giver, visitors, table)
        await show_outage(sites, visitors, table)
        await show_slow_headers(sites, table)
    complaints = sorted(visitors.complaints)
    table.row("complaints on the pages' consoles", len(complaints), 0, "; ".join(complaints))
    await giver.close()
    counted = await names_of_gifts(sites.postgres.url)
    lost, twice = giver.accepted - counted.keys(), [n for n in counted.values() if n > 1]
    table.row("gifts accepted and lost", len(lost), 0, f"{len(giver.accepted)} accepted")
    table.row("gifts counted twice", len(twice), 0)


async def show_doors(sites: Sites, table: Table) -> None:
    """What the proxy and the nodes behind it let in."""
    async with sites.client() as client:
        home = await client.get(routes.HOME)
        gift = await client.post(_GIFTS, json={}, headers={"Origin": _ELSEWHERE})
        measured = await client.get(routes.METRICS)
        slash = await client.get(f"{routes.API_CAMPAIGNS}/")
    table.row("first page through https", home.status_code, 200)
    hsts = home.headers.get("strict-transport-security", "")
    table.row("it is https only from then on", bool(hsts), True, hsts)
    table.row("a gift from another site's page", gift.status_code, 403)
    table.row("a line from another site's page", await _handshake(sites), 403)
    table.row("measurements, from outside", measured.status_code, 404)
    location = slash.headers.get("location", "")
    table.row("an answer leads out of https", location.startswith("http:"), False, location)


async def _handshake(sites: Sites) -> int:
    """Return the status by which a page of another site gets, or does not get, a line of events."""
    url = sites.address.replace("https", "wss") + "/_event/?token=x&EIO=4&transport=websocket"
    try:
        async with connect(url, ssl=_trusting(), origin=Origin(_ELSEWHERE)):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def _trusting() -> ssl.SSLContext:
    """Return TLS that takes Caddy's own certificate."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return trusting


async def show_giving(giver: Giver, visitors: Visitors, table: Table) -> None:
    """Pages of both nodes, and gifts that each shows."""
    for _ in range(PAGES):
        await visitors.open()
    first, second = await visitors.by_build()
    table.row("pages from both nodes", min(first, second) > 0, True, f"{first} and {second}")
    for _ in range(10):
        await giver.give_until_accepted(PATIENCE_S)
    await visitors.are_right()
    table.row("gifts by REST, on every page", len(giver.accepted))


async def show_form(visitors: Visitors, table: Table) -> None:
    """A gift by the form, in one browser, on every other."""
    context = await visitors.come()
    page = (await open_page(context, visitors.pages[0].address, group="form", kind="campaign")).page
    for name, text in (("donor_name", "Budi"), ("donor_email", "b@example.org")):
        await page.fill(f"#{name}", text)
    await page.fill("#amount", "25000")
    await page.click("#give-form button[type=submit]")
    await expect(page.locator(".thanks")).to_contain_text("Budi", timeout=PATIENCE_S * 1000)
    await context.close()
    await visitors.are_right()
    table.row("gifts by the form, on every page", 1)


async def show_death(sites: Sites, giver: Giver, visitors: Visitors, table: Table) -> None:
    """One node is killed while gifts arrive and pages watch."""
    answers, lost_before = Counter(giver.answers), visitors.lost_lines
    async with giver.giving(RATE_HZ), sites.client() as client:
        await giver.give_until_accepted(PATIENCE_S)
        died = time.monotonic()
        # As a power cut would: nothing of it says goodbye.
        processes.send(signal.SIGKILL, processes.tree(sites.nodes[0].process.pid))
        sites.nodes[0].process.wait()
        statuses = [(await client.get(routes.HOME)).status_code for _ in range(50)]
    await giver.settled()
    await visitors.are_right()
    taken_s = time.monotonic() - died
    lost = visitors.lost_lines - lost_before
    table.row("node 1 killed: some lose their line", 0 < lost < PAGES, True, f"{lost} of {PAGES}")
    table.row("all are right again, by node 2", f"{taken_s:.1f} s")
    bad = [one for one in statuses if one != 200]
    table.row("of 50 first pages at once, not 200", len(bad), 0, str(bad or ""))
    _tell_of_gifts(giver.answers - answers, table)


def _tell_of_gifts(answers: Counter[str], table: Table) -> None:
    found = f"{answers['accepted']}/{answers['refused']}/{answers['unanswered']}"
    table.row("gifts meanwhile", found, detail="accepted/refused/unanswered")


async def show_return(sites: Sites, giver: Giver, visitors: Visitors, table: Table) -> None:
    """The node comes back and gets visitors again."""
    await asyncio.to_thread(sites.start_again, 0)

    async def is_of_first() -> bool:
        return not await is_of_second(await visitors.open())

    await eventually(is_of_first, what="node 1 gets visitors", within_s=PATIENCE_S)
    await giver.give_until_accepted(PATIENCE_S)
    await visitors.are_right()
    first, second = await visitors.by_build()
    table.row("node 1 is back: all pages are right", True, detail=f"{first} and {second}")


async def show_replacement(sites: Sites, giver: Giver, visitors: Visitors, table: Table) -> None:
    """A node is replaced in order while gifts arrive, as for a new version."""
    answers = Counter(giver.answers)
    async with giver.giving(RATE_HZ):
        await asyncio.to_thread(stop_site, sites.nodes[1])
        await asyncio.to_thread(sites.start_again, 1)
    await giver.settled()
    await visitors.are_right()
    table.row("node 2 replaced: all pages are right", True)
    _tell_of_gifts(giver.answers - answers, table)


async def show_outage(sites: Sites, visitors: Visitors, table: Table) -> None:
    """No node is ready: what visitors get is a page of ours."""
    already = sites.log.stat().st_size
    await asyncio.to_thread(sites.postgres.stop)

    async def are_left_out() -> bool:
        log = sites.log.read_bytes()[already:].decode(errors="replace")
        return len(left_out(log)) == len(sites.nodes)

    await eventually(are_left_out, what="the proxy leaves both nodes out", within_s=PATIENCE_S)
    async with sites.client() as client:
        statuses = {(await client.get(_PATH)).status_code for _ in range(4)}
        gift = await client.post(_GIFTS, json={"donation": {}})
    sites.postgres.start()
    table.row("no database: the campaign's page", statuses, {200})
    table.row("a gift meanwhile", gift.status_code, 503, gift.text[:80])
    table.row("it is refused in words of ours", "errors" in gift.text, True)
    await visitors.are_right()
    table.row("it is back: all pages are right", True)


async def show_slow_headers(sites: Sites, table: Table) -> None:
    """Headers that never end are cut off by the proxy."""
    host, _, port = sites.address.removeprefix("https://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=_trusting())
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    started = time.monotonic()
    await asyncio.wait_for(reader.read(), PATIENCE_S)
    table.row("headers that never end are cut off", f"{time.monotonic() - started:.0f} s")
    writer.close()


async def _main(folder: Path, table: Table, *, is_smoke: bool) -> None:
    async with running(folder) as sites, async_playwright() as playwright:
        table.row("nodes on an empty database at once", len(sites.nodes))
        browser, _ = await launch(playwright)
        await story(sites, browser, table, is_smoke=is_smoke)


def main() -> None:
    """Read the command line, and go through it all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="doors, gifts and one death alone")
    given = parser.parse_args()
    if shutil.which("caddy") is None:
        sys.stderr.write("Caddy is not on the PATH. On Debian: apt-get install caddy\n")
        sys.exit(2)
    folder, table = Path(tempfile.mkdtemp(prefix="financial-live-two-")), Table()
    try:
        asyncio.run(_main(folder, table, is_smoke=given.smoke))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if table.wrong:
        sys.exit("\n".join(table.wrong))


if __name__ == "__main__":
    main()
