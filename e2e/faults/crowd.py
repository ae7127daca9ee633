"""Many watchers on two workers, one of which is killed: how soon all have the exact total again.

    uv run python e2e/faults/crowd.py [--smoke] [--watchers 1000]

Starts an instance with two workers, and gives by the REST door all the time. Who loses their line
comes back as a browser does, after a random moment. Ends with an error if a gift that was accepted
is lost, or if anybody ends on another total. Times hold for the machine they were measured on.
"""

import argparse
import asyncio
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from e2e.bench.first_gift import print_row
from e2e.bench.swarm import Watcher
from e2e.faults import processes
from e2e.faults.giver import Giver
from e2e.faults.pages import SLUG, names_of_gifts
from e2e.faults.staging import WORKERS, make_campaign
from e2e.instance import Site, start_site, stop_site
from financial_live import db, routes

RATE_HZ = 20.0
BEFORE_S = 2.0
AFTER_S = 2.0
AIM_S = 5
_TRIES = 6
_JITTER_S = 1.0
_GIVE_UP_S = 30.0
_TOTAL = b'"total_raised_rx_state_":"'


class Returner(Watcher):
    """A watcher that comes back when it loses its line.

    ``total`` is what it was last shown; ``back_at``, by the clock of ``monotonic``, when it was
    shown something for the first time since it came, or came back.
    """

    def __init__(self, address: str, path: str) -> None:
        super().__init__(address, path)
        self.total = ""
        self.cuts = 0
        self.back_at: float | None = None
        self._has_left = False
        self._coming: asyncio.Task[None] | None = None

    async def come(self) -> None:
        """Connect. Raises OSError when nobody takes it."""
        host, _, port = self._host.partition(":")
        await asyncio.get_running_loop().create_connection(lambda: self, host, int(port))

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back, unless it is over."""
        if self._has_left:
            return
        self.cuts += 1
        self.back_at = None
        self.total = ""
        self._buffer, self._is_upgraded = b"", False
        self._coming = asyncio.create_task(self._come_back())

    async def _come_back(self) -> None:
        for _ in range(_TRIES):
            await asyncio.sleep(random.uniform(0, _JITTER_S))
            try:
                await self.come()
            except OSError:
                continue
            return

    def _take(self, frame: bytes, now: float) -> None:
        super()._take(frame, now)
        at = frame.find(_TOTAL)
        if at >= 0:
            start = at + len(_TOTAL)
            self.total = frame[start : frame.index(b'"', start)].decode()
            self.back_at = self.back_at or time.monotonic()

    def close(self) -> None:
        """Leave for good."""
        self._has_left = True
        super().close()


async def gather(address: str, count: int) -> list[Returner]:
    """Bring ``count`` watchers to the campaign's page, a few at a time."""
    watchers = [Returner(address, routes.campaign(SLUG)) for _ in range(count)]
    for start in range(0, count, 50):
        some = watchers[start : start + 50]
        for watcher in some:
            await watcher.come()
        await asyncio.gather(*(watcher.arrived.wait() for watcher in some))
    return watchers


async def total_raised(database_url: str) -> str:
    """Return the campaign's total by its row."""
    async with await psycopg.AsyncConnection.connect(db.libpq_url(database_url)) as connection:
        cursor = await connection.execute(
            "SELECT total_raised FROM campaign WHERE slug = %s", [SLUG]
        )
        [(total,)] = await cursor.fetchall()
        return str(total)


async def until_all_are_exact(watchers: list[Returner], database_url: str) -> int:
    """Wait until all watchers were last shown the total; return how many never are."""
    deadline = time.monotonic() + _GIVE_UP_S
    while True:
        total = await total_raised(database_url)
        wrong = sum(watcher.total != total for watcher in watchers)
        if not wrong or time.monotonic() > deadline:
            return wrong
        await asyncio.sleep(0.02)


async def kill_one(site: Site, count: int) -> int:
    """Gather the crowd, kill a worker, print the table; return how much ended wrong."""
    url = site.instance["database_url"]
    await make_campaign(url)
    giver = Giver(site.address, SLUG)
    watchers = await gather(site.address, count)
    pids = processes.workers(site.process.pid)
    assert len(pids) == WORKERS, pids
    async with giver.giving(RATE_HZ):
        await asyncio.sleep(BEFORE_S)
        killed_at = time.monotonic()
        processes.send(signal.SIGKILL, pids[:1])
        await asyncio.sleep(AFTER_S)
    await giver.settled()
    wrong = await until_all_are_exact(watchers, url)
    exact_after = time.monotonic() - killed_at
    lost = giver.accepted - (await names_of_gifts(url)).keys()
    shown = f"{giver.answers['accepted']} accepted, {giver.answers['unanswered']} unanswered"
    cut = [watcher for watcher in watchers if watcher.cuts]
    back = [watcher.back_at - killed_at for watcher in cut if watcher.back_at is not None]
    detail = f"{sum(watcher.cuts > 1 for watcher in cut)} more than once"
    print_row("watchers", str(count), "", f"on {WORKERS} workers")
    print_row("cut when one was killed", str(len(cut)), "", detail)
    print_row("back with the others, half of them", f"{statistics.median(back):.1f} s", "")
    print_row("back with the others, the last", f"{max(back):.1f} s", "")
    detail = f"gifts went on for {AFTER_S:g} s of it"
    print_row("all on the exact total", f"{exact_after:.1f} s", f"{AIM_S} s", detail)
    print_row("gifts accepted and lost", str(len(lost)), "0", shown)
    print_row("watchers that end on another total", str(wrong), "0")
    for watcher in watchers:
        watcher.close()
    await giver.close()
    return wrong + len(lost)


async def measure(folder: Path, count: int) -> None:
    """Start an instance, and kill one of its workers."""
    site = await asyncio.to_thread(start_site, folder, "--workers", str(WORKERS))
    try:
        wrong = await kill_one(site, count)
        check: subprocess.CompletedProcess[str] = await asyncio.to_thread(site.command, "check")
        print(check.stdout.strip())
    finally:
        stop_site(site)
    if wrong or check.returncode:
        sys.exit("somebody, or some gift, was left behind")


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="60 watchers")
    parser.add_argument("--watchers", type=int, default=1000)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="financial-live-crowd-"))
    try:
        asyncio.run(measure(folder, 60 if given.smoke else given.watchers))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
