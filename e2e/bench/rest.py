"""The REST door beside bare FastAPI with the same queries: what rights, limits and layers cost.

    uv run python e2e/bench/rest.py [--smoke] [--rounds 7] [--seconds 3]

Starts an instance with one worker and ``bare.py`` on the same database, asks both in turns, and
prints a table. Other work on the machine hits both alike: compare the ratios. The worker's CPU is
that of its whole process, which for gifts tells of them as well.
"""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson
import uvloop

from e2e.bench.first_gift import print_row, quantile, worker_pid
from e2e.bench.load import Load, request
from e2e.bench.storm import cpu_s
from e2e.instance import Site, connected, start_site, stop_site
from financial_live import routes
from financial_live.contexts import campaigns
from financial_live.scope import Scope

CAMPAIGNS = 20
# So often that nobody is ever told to wait.
UNLIMITED = "999999/s burst 999999"
SETTINGS = {f"RATE_LIMIT_{name}": UNLIMITED for name in ("REQUESTS", "GIVING")}
GIFT = {
    "donor_name": "Sari Lestari",
    "donor_email": "sari@example.org",
    "amount": "50000",
    "currency": "IDR",
    "message": "Semoga berkah",
}


@dataclass(frozen=True)
class Kind:
    """What is asked for, and the status that answers it."""

    name: str
    requests: list[bytes]
    status: int = 200


@dataclass(frozen=True)
class Server:
    """A server to ask, and the process that answers."""

    address: str
    pid: str


@dataclass(frozen=True)
class Round:
    """What one round found: answers a second, and the server's CPU for each, in seconds."""

    rate_hz: float
    cpu_s: float


async def make_campaigns(site: Site) -> list[UUID]:
    """Make a page of campaigns, each as long as one that somebody wrote."""
    settings = {"goal_amount": "9000000000", "currency": "IDR", "review_policy": "automatic"}
    settings |= {"one_gift_per_donor": "false", "description": "Your gift raises the walls. " * 8}
    async with connected(site.instance["database_url"]):
        return [
            (await campaigns.create_campaign(Scope.operator(), settings | {"name": f"Wall {n}"})).id
            for n in range(CAMPAIGNS)
        ]


def kinds(ids: list[UUID]) -> list[Kind]:
    """Return what is measured."""
    gift = orjson.dumps({"donation": GIFT})
    keys = [str(key) for key in ids]
    return [
        Kind("index", [request("GET", f"{routes.API_CAMPAIGNS}?per_page={CAMPAIGNS}")]),
        Kind("show", [request("GET", routes.api_campaign(key)) for key in keys]),
        Kind(
            "create",
            [request("POST", routes.api_campaign_donations(key), gift) for key in keys],
            status=201,
        ),
    ]


@contextmanager
def bare_server(site: Site) -> Iterator[Server]:
    """Start the bare application on the site's database, and stop it in the end."""
    command = [sys.executable, str(Path(__file__).with_name("bare.py"))]
    process = subprocess.Popen(
        [*command, site.instance["database_url"]], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Server(process.stdout.readline().strip(), str(process.pid))
    finally:
        process.terminate()
        process.wait(10)


async def take_round(server: Server, load: Load, seconds: float) -> Round:
    """Ask a server for as much as it answers."""
    before = cpu_s(server.pid)
    count, passed_s = await load.most(seconds)
    return Round(count / passed_s, (cpu_s(server.pid) - before) / count)


async def compare(kind: Kind, servers: list[Server], *, rounds: int, seconds: float) -> None:
    """Ask both in turns, and print how much they answered, and how soon at half of that."""
    loads = [Load(server.address, kind.requests, kind.status) for server in servers]
    for load in loads:
        await load.open()
        # Statements are prepared, pools filled and caches warm after this.
        await load.most(seconds / 3)
    both = list(zip(servers, loads, strict=True))
    found = [
        [await take_round(server, load, seconds) for server, load in both] for _ in range(rounds)
    ]
    most = [statistics.median(one.rate_hz for one in of) for of in zip(*found, strict=True)]
    late = [await load.at(rate / 2, seconds) for load, rate in zip(loads, most, strict=True)]
    report(kind.name, found, most, late)
    for load in loads:
        load.close()


def report(name: str, found: list[list[Round]], most: list[float], late: list[list[float]]) -> None:
    """Print the rows of one kind of request."""
    ratios = [real.rate_hz / bare.rate_hz for real, bare in found]
    print_row(f"{name}, requests a second", f"{most[0]:.0f}", "", f"bare {most[1]:.0f}")
    rounds = f"{len(found)} rounds, " + " ".join(f"{ratio:.2f}" for ratio in ratios)
    print_row(f"{name}, of bare FastAPI", f"{statistics.median(ratios):.2f}", "0.70", rounds)
    real, bare = (statistics.median(r.cpu_s for r in of) * 1000 for of in zip(*found, strict=True))
    print_row(f"{name}, worker's CPU", f"{real:.2f} ms", "", f"bare {bare:.2f} ms")
    for share in (0.5, 0.99):
        real, bare = (quantile(times, share) * 1000 for times in late)
        label = f"{name}, p{share * 100:.0f} at half of the most"
        print_row(label, f"{real:.1f} ms", "", f"bare {bare:.1f} ms")


async def measure(folder: Path, *, rounds: int, seconds: float) -> None:
    """Start both servers and compare them."""
    site = await asyncio.to_thread(start_site, folder, settings=SETTINGS)
    try:
        ids = await make_campaigns(site)
        real = Server(site.address, await worker_pid(site))
        with bare_server(site) as bare:
            for kind in kinds(ids):
                await compare(kind, [real, bare], rounds=rounds, seconds=seconds)
        check = await asyncio.to_thread(site.command, "check")
        print(check.stdout.strip())
        assert check.returncode == 0, check.stdout
    finally:
        stop_site(site)


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    rounds, seconds = (1, 0.3) if given.smoke else (given.rounds, given.seconds)
    folder = Path(tempfile.mkdtemp(prefix="financial-live-bench-"))
    try:
        uvloop.run(measure(folder, rounds=rounds, seconds=seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
