"""The REST door beside bare FastAPI with the same queries: what rights, limits and layers cost.

    uv run python e2e/bench/rest.py [--smoke] [--rounds 7] [--seconds 3]

Starts an instance with one worker and ``bare.py`` on the same database, asks both in turns, and
prints a table. Other work on the machine hits both alike: compare the ratios.
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

from e2e.bench.first_gift import print_row, quantile
from e2e.bench.load import Load, request
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
def bare_server(site: Site) -> Iterator[str]:
    """Yield the address of the bare application on the site's database."""
    command = [sys.executable, str(Path(__file__).with_name("bare.py"))]
    process = subprocess.Popen(
        [*command, site.instance["database_url"]], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)


async def compare(kind: Kind, site: str, bare: str, *, rounds: int, seconds: float) -> None:
    """Ask both in turns, and print how many answers a second came and how late at half of that."""
    loads = [Load(address, kind.requests, kind.status) for address in (site, bare)]
    for load in loads:
        await load.open()
        # Statements are prepared, pools filled and caches warm after this.
        await load.most(seconds / 3)
    found = [[await load.most(seconds) for load in loads] for _ in range(rounds)]
    most = [statistics.median(column) for column in zip(*found, strict=True)]
    late = [await load.at(rate / 2, seconds) for load, rate in zip(loads, most, strict=True)]
    report(kind.name, found, most, late)
    for load in loads:
        load.close()


def report(name: str, found: list[list[float]], most: list[float], late: list[list[float]]) -> None:
    """Print the rows of one kind of request."""
    ratio = statistics.median(real / bare for real, bare in found)
    print_row(f"{name}, requests a second", f"{most[0]:.0f}", "", f"bare {most[1]:.0f}")
    spread = f"{len(found)} rounds, " + " ".join(f"{real / bare:.2f}" for real, bare in found)
    print_row(f"{name}, of bare FastAPI", f"{ratio:.2f}", "0.70", spread)
    for share in (0.5, 0.99):
        real, bare = (quantile(times, share) * 1000 for times in late)
        label = f"{name}, p{share * 100:.0f} at half of the most"
        print_row(label, f"{real:.1f} ms", "", f"bare {bare:.1f} ms")


async def measure(folder: Path, *, rounds: int, seconds: float) -> None:
    """Start both servers and compare them."""
    site = await asyncio.to_thread(start_site, folder, settings=SETTINGS)
    try:
        ids = await make_campaigns(site)
        with bare_server(site) as bare:
            for kind in kinds(ids):
                await compare(kind, site.address, bare, rounds=rounds, seconds=seconds)
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
