"""Two nodes behind the proxy of compose.yaml, on one database: what visitors see when one dies.

    uv run python e2e/faults/two_nodes.py

Starts PostgreSQL, Valkey, two nodes in production on an empty database at once, and Caddy with the
very text of compose.yaml, its names replaced by addresses of this machine. The nodes serve pages of
different builds, as they do while a new version is rolled out. Prints a table; ends with 1 when a
line of it is wrong.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from playwright.async_api import Browser, Page, WebSocket, async_playwright, expect
from sqlalchemy import make_url
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from e2e.conftest import find_chromium
from e2e.instance import Site, start_site, stop_site
from e2e.people import Operator, eventually
from financial_live import db, routes
from financial_live.embedded import DataFolder, Postgres, Valkey

COMPOSE = Path(__file__).parent.parent.parent / "compose.yaml"
PAGES = 8
AMOUNT = 25
PATIENCE_MS = 30_000
# How the files of the second build are told from those of the first.
_MARK = "-second"
_NAMED = re.compile(r"assets/([\w.-]+)\.(js|css)")
_VARIABLE = re.compile(r"\$\{(\w+)(?::[^}]*)?\}")


@dataclass
class Table:
    """What was found, printed as it is found."""

    wrong: list[str] = field(default_factory=list)

    def row(self, what: str, value: str, *, right: bool = True) -> None:
        """Print a line."""
        print(f"{'  ' if right else '! '}{what:54} {value}", flush=True)
        if not right:
            self.wrong.append(what)


@dataclass(frozen=True)
class Sites:
    """Two nodes, the address at which the proxy serves them, and how to start each again."""

    address: str
    nodes: list[Site]
    postgres: Postgres
    folder: Path
    settings: list[dict[str, str]]

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


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def caddyfile(domain: str, ports: list[int]) -> str:
    """Return the proxy's configuration in compose.yaml, for this machine."""
    text: str = yaml.safe_load(COMPOSE.read_text())["configs"]["proxy"]["content"]
    text = _VARIABLE.sub(lambda found: {"DOMAIN": domain}[found[1]], text)
    for number, port in enumerate(ports, start=1):
        text = text.replace(f"node{number}:8000", f"127.0.0.1:{port}")
    here = f"{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {free_port()}\n"
    return text.replace("{\n", here, 1)


@contextmanager
def proxy(folder: Path, domain: str, ports: list[int]) -> Iterator[None]:
    """Run Caddy, with its certificates and its log in ``folder``."""
    folder.mkdir()
    (folder / "Caddyfile").write_text(caddyfile(domain, ports))
    places = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")],
            stdout=log, stderr=log, env=os.environ | places,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def second_build(first: Path, second: Path) -> None:
    """Copy a build so that every script and style of it has another name."""
    shutil.copytree(first, second, ignore=shutil.ignore_patterns("*.gz"))
    for file in [one for one in second.rglob("*") if one.suffix in (".html", ".js", ".css")]:
        text = _NAMED.sub(rf"assets/\1{_MARK}.\2", file.read_text())
        # Scripts name each other by ./name, the manifest and the pages by assets/name.
        text = re.sub(r"""(["'`]\./[\w.-]+)\.js(["'`])""", rf"\1{_MARK}.js\2", text)
        file.write_text(text)
    for file in (second / "client" / "assets").glob("*.*s"):
        file.rename(file.with_name(f"{file.stem}{_MARK}{file.suffix}"))


def _start(folder: Path, number: int, settings: dict[str, str]) -> Site:
    port = settings["FINANCIAL_LIVE_PORT"]
    data_dir = folder / f"node{number + 1}"
    return start_site(data_dir, "--port", port, "--workers", "2", settings=settings)


def build(folder: Path) -> list[Path]:
    """Build the pages for both nodes."""
    command = str(Path(sys.executable).with_name("financial-live"))
    places = [folder / "pages1", folder / "pages2"]
    subprocess.run(
        [command, "build", "--to", str(places[0]), "--data-dir", str(folder / "build")],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=240,
    )
    second_build(*places)
    return places


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Sites]:
    """Run everything, on a database that is empty at first."""
    postgres, valkey = Postgres(DataFolder(folder / "parts")), Valkey(DataFolder(folder / "parts"))
    # Not localhost: there Reflex's pages believe that whatever is https is on port 443.
    ports, domain = [free_port(), free_port()], f"127.0.0.1:{free_port()}"
    pages = await asyncio.to_thread(build, folder)
    with contextlib.ExitStack() as stack:
        for part in (postgres, valkey):
            stack.callback(part.stop)
            # Here, in the main thread: a part ends with the thread that started it.
            part.start()
        common = {
            "FINANCIAL_LIVE_ENV": "production",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "ALLOWED_ORIGINS": f"https://{domain}",
        }
        settings = [
            common | {"FINANCIAL_LIVE_PORT": str(port), "FINANCIAL_LIVE_FRONTEND_DIR": str(place)}
            for port, place in zip(ports, pages, strict=True)
        ]
        stack.enter_context(proxy(folder / "proxy", domain, ports))
        nodes = await asyncio.gather(
            *(asyncio.to_thread(_start, folder, number, one) for number, one in enumerate(settings))
        )
        sites = Sites(f"https://{domain}", list(nodes), postgres, folder, settings)
        stack.callback(sites.stop)
        yield sites


def kill_all_of(node: Site) -> None:
    """End a node as a power cut would: nothing of it says goodbye."""
    pid = node.process.pid
    children = [
        int(child)
        for file in Path(f"/proc/{pid}/task").glob("*/children")
        for child in file.read_text().split()
    ]
    for one in (pid, *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    node.process.wait()


class Givers:
    """Give a gift at a time through the proxy, each repeated with its key until it is answered."""

    def __init__(self, sites: Sites, slug: str) -> None:
        self._sites = sites
        self._path = routes.api_campaign_donations(slug)
        self.given = 0
        self.repeats = 0
        self.refused: list[str] = []

    async def give(self, count: int = 1) -> None:
        """Give ``count`` gifts, one after the other."""
        async with self._sites.client() as client:
            for _ in range(count):
                await self._give_one(client)

    async def give_until(self, enough: asyncio.Event) -> None:
        """Go on giving until there is enough."""
        while not enough.is_set():
            await self.give()

    async def _give_one(self, client: httpx.AsyncClient) -> None:
        body = {"donor_name": "Sari Lestari", "donor_email": "sari@example.org"}
        body |= {"amount": str(AMOUNT), "currency": "USD"}
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Origin": self._sites.address}
        while (status := await self._status(client, body, headers)) != 201:
            self.refused.append(status if isinstance(status, str) else str(status))
            self.repeats += 1
            await asyncio.sleep(0.05)
        self.given += 1

    async def _status(
        self, client: httpx.AsyncClient, body: dict[str, Any], headers: dict[str, str]
    ) -> int | str:
        try:
            answer = await client.post(self._path, json={"donation": body}, headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__
        return answer.status_code


class Visitors:
    """Pages opened through the proxy, and what became of them."""

    def __init__(self, browser: Browser, sites: Sites) -> None:
        self._browser = browser
        self._sites = sites
        self.pages: list[Page] = []
        self.complaints: list[str] = []
        self.lost_lines = 0

    async def open(self, path: str) -> Page:
        """Open ``path`` as somebody new."""
        context = await self._browser.new_context(ignore_https_errors=True)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("websocket", self._watch)
        await page.goto(self._sites.address + path)
        self.pages.append(page)
        return page

    async def all_show(self, total: str) -> None:
        """Wait until every page shows this total, and says that it is right."""
        for page in self.pages:
            shown = page.locator("#numbers .total .sr-only")
            await expect(shown).to_have_text(total, timeout=PATIENCE_MS)
            await expect(page.locator(".stale-line")).to_have_text("", timeout=PATIENCE_MS)

    async def by_build(self) -> tuple[int, int]:
        """Return how many pages came from the first node, and from the second."""
        second = [_MARK in await page.content() for page in self.pages].count(True)
        return len(self.pages) - second, second

    def _watch(self, line: WebSocket) -> None:
        line.on("close", self._count_lost)

    def _count_lost(self, line: WebSocket) -> None:
        self.lost_lines += 1

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)


def dollars(gifts: int) -> str:
    """Return how a page shows the total of so many gifts."""
    return f"${gifts * AMOUNT:,}"


async def story(sites: Sites, browser: Browser, table: Table) -> None:
    """Go through everything, one finding a line."""
    db.connect(_sqlalchemy(sites.postgres.url), pool_size=2)
    campaign = await Operator().new_campaign(goal_amount="100000", slug="two-nodes")
    path = routes.campaign(campaign.slug)
    givers, visitors = Givers(sites, campaign.slug), Visitors(browser, sites)
    await show_doors(sites, path, table)
    await show_giving(givers, visitors, path, table)
    await show_form(visitors, givers, path, table)
    await show_death(sites, givers, visitors, table)
    await show_return(sites, givers, visitors, path, table)
    await show_replacement(sites, givers, visitors, table)
    await show_outage(sites, path, table)
    table.row("complaints on the pages' consoles", "; ".join(_unexpected(visitors)) or "none",
              right=not _unexpected(visitors))  # fmt: skip
    await show_money(sites, givers, campaign.slug, table)
    await show_slow_headers(sites, table)
    await db.disconnect()


def _unexpected(visitors: Visitors) -> list[str]:
    return sorted({c for c in visitors.complaints if "WebSocket" not in c})


async def show_doors(sites: Sites, path: str, table: Table) -> None:
    """What the proxy and the nodes behind it let in."""
    async with sites.client() as client:
        home = await client.get(routes.HOME)
        gift = await client.post(
            routes.api_campaign_donations("two-nodes"),
            json={}, headers={"Origin": "https://evil.example"},
        )  # fmt: skip
        measured = await client.get(routes.METRICS)
        slash = await client.get(f"{routes.API_CAMPAIGNS}/")
    table.row("first page through https", str(home.status_code), right=home.status_code == 200)
    hsts = home.headers.get("strict-transport-security", "none")
    table.row("Strict-Transport-Security", hsts, right=hsts != "none")
    table.row("a gift from another site's page", str(gift.status_code),
              right=gift.status_code == 403)  # fmt: skip
    refusal = await _handshake(sites)
    table.row("the line of events, from another site's page", str(refusal), right=refusal == 403)
    table.row("measurements, from outside", str(measured.status_code),
              right=measured.status_code == 404)  # fmt: skip
    plain = slash.headers.get("location", "").startswith("http:")
    table.row("an answer that leads out of https", "yes" if plain else "none", right=not plain)


async def _handshake(sites: Sites) -> int:
    """Return the status by which a page of another site gets, or does not get, a line of events."""
    url = sites.address.replace("https", "wss") + "/_event/?token=x&EIO=4&transport=websocket"
    try:
        async with connect(url, ssl=_trusting(), origin=Origin("https://evil.example")):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def _trusting() -> ssl.SSLContext:
    """Return TLS that takes Caddy's own certificate."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return trusting


async def show_giving(givers: Givers, visitors: Visitors, path: str, table: Table) -> None:
    """Pages of both nodes, and gifts that each shows."""
    for _ in range(PAGES):
        await visitors.open(path)
    first, second = await visitors.by_build()
    table.row("pages from node 1 and node 2", f"{first} and {second}")
    await givers.give(10)
    await visitors.all_show(dollars(givers.given))
    table.row("10 gifts by REST, on every page", dollars(givers.given))


async def show_form(visitors: Visitors, givers: Givers, path: str, table: Table) -> None:
    """A gift by the form, in one browser, on every other."""
    giver = visitors.pages[0]
    for name, text in (("donor_name", "Budi"), ("donor_email", "b@example.org")):
        await giver.fill(f"#{name}", text)
    await giver.fill("#amount", str(AMOUNT))
    await giver.click("#give-form button[type=submit]")
    givers.given += 1
    await visitors.all_show(dollars(givers.given))
    table.row("a gift by the form, on every page", dollars(givers.given))


async def show_death(sites: Sites, givers: Givers, visitors: Visitors, table: Table) -> None:
    """One node is killed while gifts arrive and pages watch."""
    enough, before = asyncio.Event(), visitors.lost_lines
    giving = asyncio.create_task(givers.give_until(enough))
    await asyncio.sleep(0.5)
    died = time.monotonic()
    kill_all_of(sites.nodes[0])
    async with sites.client() as client:
        answers = [(await client.get(routes.HOME)).status_code for _ in range(50)]
    enough.set()
    await giving
    await visitors.all_show(dollars(givers.given))
    taken = time.monotonic() - died
    lost = visitors.lost_lines - before
    table.row("node 1 killed: pages that lost their line", f"{lost} of {PAGES}",
              right=0 < lost < PAGES)  # fmt: skip
    table.row("pages that are right again, by node 2", f"all {PAGES}, after {taken:.1f} s")
    bad = [one for one in answers if one != 200]
    table.row("of 50 first pages asked for at once, not 200", str(len(bad)), right=not bad)
    table.row("gifts that had to be repeated", f"{givers.repeats} {givers.refused or ''}")


async def show_return(
    sites: Sites, givers: Givers, visitors: Visitors, path: str, table: Table
) -> None:
    """The node comes back and gets visitors again."""
    await asyncio.to_thread(sites.start_again, 0)
    # A page of the first build shows that the proxy has noticed.
    deadline = time.monotonic() + 15
    while _MARK in await (await visitors.open(path)).content():
        if time.monotonic() > deadline:
            table.row("node 1 is back: it gets visitors", "no", right=False)
            return
        await asyncio.sleep(0.5)
    table.row("node 1 is back: it gets visitors", "yes")
    await givers.give(5)
    await visitors.all_show(dollars(givers.given))
    table.row("5 more gifts, on every page of both", dollars(givers.given))


async def show_replacement(sites: Sites, givers: Givers, visitors: Visitors, table: Table) -> None:
    """A node is replaced in order while gifts arrive, as for a new version."""
    enough, before = asyncio.Event(), givers.repeats
    giving = asyncio.create_task(givers.give_until(enough))
    await asyncio.to_thread(stop_site, sites.nodes[1])
    await asyncio.to_thread(sites.start_again, 1)
    enough.set()
    await giving
    await visitors.all_show(dollars(givers.given))
    table.row("node 2 replaced in order: gifts that were repeated",
              f"{givers.repeats - before} {givers.refused[before:] or ''}")  # fmt: skip
    table.row("meanwhile given, and on every page", dollars(givers.given))


async def show_outage(sites: Sites, path: str, table: Table) -> None:
    """No node is ready: what visitors get is a page of ours."""
    await asyncio.to_thread(sites.postgres.stop)
    async with sites.client() as client:

        async def is_unready() -> bool:
            return (await client.get(routes.READY)).status_code != 200

        await eventually(is_unready, what="the site says that it is not ready")
        # Longer than it takes the proxy to find that neither node is.
        await asyncio.sleep(5)
        answers = [(await client.get(path)).status_code for _ in range(4)]
        gift = await client.post(routes.api_campaign_donations("two-nodes"), json={"donation": {}})
    sites.postgres.start()
    table.row("the database is away: campaign's page", str(answers), right=set(answers) == {200})
    ours = gift.status_code == 503 and "errors" in gift.text
    table.row("a gift meanwhile", f"{gift.status_code} {gift.text[:80]}", right=ours)


async def show_money(sites: Sites, givers: Givers, slug: str, table: Table) -> None:
    """Every gift that was answered is in the database, once."""
    async with sites.client() as client:

        async def is_back() -> bool:
            return (await client.get(routes.api_campaign(slug))).status_code == 200

        await eventually(is_back, what="the site is back", within_s=20)
        answer = await client.get(routes.api_campaign(slug))
    raised = float(answer.json()["data"]["total_raised"])
    table.row("gifts answered and gifts counted", f"{givers.given} and {raised / AMOUNT:g}",
              right=raised == givers.given * AMOUNT)  # fmt: skip


async def show_slow_headers(sites: Sites, table: Table) -> None:
    """Headers that never end are cut off by the proxy."""
    host, _, port = sites.address.removeprefix("https://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=_trusting())
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    started = time.monotonic()
    try:
        await asyncio.wait_for(reader.read(), 30)
    except TimeoutError:
        table.row("headers that never end are cut off", "no", right=False)
    else:
        table.row("headers that never end are cut off", f"{time.monotonic() - started:.0f} s")
    writer.close()


def _sqlalchemy(url: str) -> str:
    changed = make_url(url).set(drivername="postgresql+psycopg")
    return changed.render_as_string(hide_password=False)


async def _main(folder: Path, table: Table) -> None:
    async with running(folder) as sites, async_playwright() as playwright:
        table.row("two nodes on an empty database, at once", "both serve")
        browser = await playwright.chromium.launch(executable_path=find_chromium())
        await story(sites, browser, table)
        await browser.close()


def main() -> int:
    """Run it all; return 1 when something is wrong."""
    if shutil.which("caddy") is None:
        sys.stderr.write("Caddy is not on the PATH. On Debian: apt-get install caddy\n")
        return 2
    folder, table = Path(tempfile.mkdtemp(prefix="financial-live-two-")), Table()
    try:
        asyncio.run(_main(folder, table))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if table.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
