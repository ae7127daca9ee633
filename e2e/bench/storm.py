"""A storm of gifts on one campaign with many watchers: how soon each sees them, and the cap.

    uv run python e2e/bench/storm.py [--smoke] [--watchers 1000] [--rate 500] [--seconds 20]

Starts an instance with one worker. The gifts are brought by ``give_many`` from another process, as
a queue's consumer would, in batches every 50 ms. Times hold for the machine; ratios everywhere.
"""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from e2e.bench.first_gift import print_row, quantile, worker_pid
from e2e.bench.swarm import Watcher, gather_watchers
from e2e.instance import Site, connected, start_site, stop_site
from financial_live import db, routes
from financial_live.contexts import campaigns, donations
from financial_live.scope import Scope

SLUG = "storm"
BATCH_S = 0.05
GIFT = {
    "donor_name": "Sari Lestari",
    "donor_email": "sari@example.org",
    "amount": "50000",
    "currency": "IDR",
}


async def bring(url: str, rate: int, seconds: float) -> None:
    """Give ``rate`` gifts a second for so long, in even batches."""
    scope = Scope.visitor(caller="storm")
    gift = donations.Gift(GIFT, donations.DonationSource.QUEUE, SLUG)
    batch = [gift] * round(rate * BATCH_S)
    started = time.monotonic()
    async with connected(url):
        for number in range(round(seconds / BATCH_S)):
            await asyncio.sleep(max(0.0, started + number * BATCH_S - time.monotonic()))
            await donations.give_many(scope, batch)


async def make_campaign(site: Site) -> None:
    """Start the campaign that the storm breaks over."""
    settings = {"name": "Storm", "slug": SLUG, "goal_amount": "9000000000", "currency": "IDR"}
    settings |= {"review_policy": "automatic", "one_gift_per_donor": "false"}
    async with connected(site.instance["database_url"]):
        await campaigns.create_campaign(Scope.operator(), settings)


def commits(site: Site) -> list[tuple[int, float]]:
    """Return, for each batch in order, the gift count after it and its commit, in seconds."""
    with psycopg.connect(db.libpq_url(site.instance["database_url"])) as connection:
        rows = connection.execute(
            "SELECT sum(count(*)) OVER (ORDER BY d.version),"
            " extract(epoch FROM max(pg_xact_commit_timestamp(d.xmin)))"
            " FROM donation d JOIN campaign c ON c.id = d.campaign_id"
            " WHERE c.slug = %s GROUP BY d.version ORDER BY d.version",
            [SLUG],
        ).fetchall()
    return [(int(count), float(moment)) for count, moment in rows]


def latencies_ms(watcher: Watcher, batches: list[tuple[int, float]]) -> list[float]:
    """Return, for each batch, the time from its commit to the frame that contained it."""
    found: list[float] = []
    position = 0
    for moment, count, _ in watcher.seen:
        while position < len(batches) and batches[position][0] <= count:
            found.append((moment - batches[position][1]) * 1000)
            position += 1
    return found


def cpu_s(pid: str) -> float:
    """Return the processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def storm(site: Site, *, watchers: int, rate: int, seconds: float) -> None:
    """Let it break, and print what the watchers saw."""
    await make_campaign(site)
    swarm = await gather_watchers(site.address, routes.campaign(SLUG), watchers)
    pid = await worker_pid(site)
    before = cpu_s(pid)
    giver = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--bring", site.instance["database_url"], str(rate), str(seconds)
    )
    assert await giver.wait() == 0, "the giver failed"
    await asyncio.sleep(2)
    spent = cpu_s(pid) - before
    report(swarm, commits(site), spent_s=spent, seconds=seconds)
    for watcher in swarm:
        watcher.close()


def report(
    swarm: list[Watcher], batches: list[tuple[int, float]], *, spent_s: float, seconds: float
) -> None:
    """Print the table, and stop with an error if anybody ended on another count."""
    times = [ms for watcher in swarm for ms in latencies_ms(watcher, batches)]
    frames = [len(watcher.seen) for watcher in swarm]
    total = batches[-1][0]
    wrong = sum(watcher.seen[-1][1] != total for watcher in swarm)
    sizes = [size for watcher in swarm for _, _, size in watcher.seen[1:]]
    shown = f"{total} gifts, {len(swarm)} watchers, {sum(frames)} frames"
    print_row("commit to frame, p50", f"{statistics.median(times):.0f} ms", "", shown)
    print_row("commit to frame, p99", f"{quantile(times, 0.99):.0f} ms", "200 ms")
    print_row("frames per second and watcher, most", f"{max(frames) / seconds:.1f}", "20")
    print_row("bytes per frame, median", f"{statistics.median(sizes):.0f}", "")
    print_row("worker's CPU per delivered frame", f"{spent_s / sum(frames) * 1e6:.0f} us", "")
    print_row("watchers that end on another total", str(wrong), "0")
    if wrong:
        sys.exit("somebody was left behind")


async def measure(folder: Path, *, watchers: int, rate: int, seconds: float) -> None:
    """Start an instance and let the storm break."""
    site = await asyncio.to_thread(start_site, folder)
    try:
        await storm(site, watchers=watchers, rate=rate, seconds=seconds)
        check: subprocess.CompletedProcess[str] = await asyncio.to_thread(site.command, "check")
        print(check.stdout.strip())
        assert check.returncode == 0, check.stdout
    finally:
        stop_site(site)


def main() -> None:
    """Read the command line, and measure."""
    if sys.argv[1:2] == ["--bring"]:
        asyncio.run(bring(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="50 watchers, 3 seconds")
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=500, help="gifts per second")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    watchers, seconds = (50, 3.0) if given.smoke else (given.watchers, given.seconds)
    folder = Path(tempfile.mkdtemp(prefix="financial-live-bench-"))
    try:
        asyncio.run(measure(folder, watchers=watchers, rate=given.rate, seconds=seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
