"""Sixteen reviewers and sixteen donors, whose processes are killed inside their transactions.

    uv run python e2e/faults/money.py [--smoke] [--seconds 60]

Starts a PostgreSQL, a Valkey and an instance with two workers. The donors give by the REST door,
each gift with a key, until it is answered; the reviewers approve, reject, refund and undo by the
contexts, four in each of four processes. The campaign reviews by hand, wants two people for large
gifts, and has a challenge and milestones. Reviewers' processes are killed (-9) again and again,
each while the server has a transaction of theirs open; so are the workers; and once PostgreSQL.

In the end every gift and act that was answered must be there exactly once, every act whole, and
every version of the campaign told of once. Ends with 1 when a line of the table is wrong.
"""

import argparse
import asyncio
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from e2e.bench.first_gift import print_row
from e2e.faults import processes
from e2e.faults.kinds import is_served
from e2e.faults.reviewers import Answer, answers_in
from e2e.faults.staging import PATIENCE_S, WORKERS
from e2e.instance import Site, connected, start_site, stop_site
from e2e.people import Account, Operator, eventually
from financial_live import db, routes
from financial_live.contexts import accounts, campaigns, matches
from financial_live.contexts.campaigns import Campaign
from financial_live.embedded import DataFolder, Postgres, Valkey

DONORS = 16
CLIENTS = 4
REVIEWERS_EACH = 4
_PAUSE_S = 0.1
_START_S = 120
_LOOKS = 100
_NEXT_KILL_S = 0.3
_WORKER_EVERY = 4
_CREATED = 201

_CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
_OPEN = f"{_CONNECTED} AND xact_start IS NOT NULL"
# Whatever changes a campaign or its gifts makes one version, and tells of it once.
_VERSIONS = """
SELECT (data #>> '{campaign,version}')::bigint AS version, count(*)
FROM outbox WHERE name ~ '^(campaign|donation)_' AND data #>> '{campaign,id}' = %s GROUP BY 1
"""
_ACTS = """
SELECT name, data #>> '{donation,id}' AS gift, (data #>> '{donation,version}')::bigint
FROM outbox WHERE data #>> '{campaign,id}' = %s AND data ? 'donation'
"""
# Of an act there are the event, and the line of the audit trail; of half an act only one.
_HALF_DONE = """
SELECT count(*) FROM (
    SELECT data #>> '{donation,id}' AS gift, name, count(*) FROM outbox
    WHERE data #>> '{campaign,id}' = %s AND data ? 'donation' AND name <> 'donation_created'
    GROUP BY 1, 2
) AS told (gift, name, acts)
FULL JOIN (
    SELECT donation_id::text, 'donation_' || rtrim(act, 'e') || 'ed', count(*) FROM audit_entry
    WHERE campaign_id::text = %s AND act IN ('approve', 'endorse', 'reject', 'refund')
    GROUP BY 1, 2
    UNION ALL
    SELECT donation_id::text, 'donation_undone', count(*) FROM audit_entry
    WHERE campaign_id::text = %s AND act = 'undo' GROUP BY 1
) AS written (gift, name, acts) ON told.gift = written.gift AND told.name = written.name
WHERE told.acts IS DISTINCT FROM written.acts
"""
_GIFTS = """
SELECT donor_name, count(*) FROM donation WHERE campaign_id::text = %s GROUP BY donor_name
"""
_MILESTONES = """
SELECT count(*), count(DISTINCT data #>> '{milestone,id}'),
       (SELECT count(*) FROM milestone WHERE reached_at IS NOT NULL AND campaign_id::text = %s)
FROM outbox WHERE name = 'milestone_reached' AND data #>> '{campaign,id}' = %s
"""
_VERSION = "SELECT version FROM campaign WHERE id::text = %s"


@dataclass
class Donor:
    """Gives again and again, each gift with a key until it is answered."""

    number: int
    address: str
    accepted: list[str] = field(default_factory=list)
    repeated: int = 0

    async def run(self, slug: str, is_over: asyncio.Event) -> None:
        """Give until it is over; the last gift is answered, too."""
        chance, path = random.Random(self.number), routes.api_campaign_donations(slug)
        while not is_over.is_set():
            name = f"Donor {self.number}-{len(self.accepted)}"
            gift = {"donor_name": name, "donor_email": "a@example.org", "currency": "IDR"}
            gift["amount"] = str(chance.randint(1, 100_000))
            while not await self._is_taken(path, gift, key=name):
                self.repeated += 1
                await asyncio.sleep(_PAUSE_S)
            self.accepted.append(name)

    async def _is_taken(self, path: str, gift: dict[str, str], *, key: str) -> bool:
        # A connection of its own for each, so that every worker gets some.
        async with httpx.AsyncClient(base_url=self.address, timeout=5, trust_env=False) as client:
            try:
                answer = await client.post(
                    path, json={"donation": gift}, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                return False
        return answer.status_code == _CREATED


@dataclass
class Stage:
    """What is killed, and what counts how often it was."""

    site: Site
    postgres: Postgres
    folder: Path
    campaign: Campaign
    users: list[str]
    clients: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def answers(self) -> list[Answer]:
        """What the reviewers were answered, all of them."""
        files = (self.folder / f"answers{number}" for number in range(CLIENTS))
        return [answer for file in files for answer in answers_in(file)]

    def start_client(self, number: int) -> "subprocess.Popen[bytes]":
        """Start a process of reviewers, or start it again."""
        first = number * REVIEWERS_EACH
        return subprocess.Popen([
            sys.executable, "-m", "e2e.faults.reviewers", client_name(number), self.postgres.url,
            str(self.campaign.id), str(self.folder / f"answers{number}"),
            *self.users[first : first + REVIEWERS_EACH],
        ])  # fmt: skip

    async def kill_client(self, number: int) -> None:
        """Kill a process of reviewers in the middle of a transaction, and start it again.

        It is stopped first, and goes on where it had none open.
        """
        client = self.clients[number]
        for _ in range(_LOOKS):
            client.send_signal(signal.SIGSTOP)
            if await self._count(_OPEN, number):
                self.kills["inside a transaction"] += 1
                break
            client.send_signal(signal.SIGCONT)
            await asyncio.sleep(random.uniform(0, _PAUSE_S))
        client.kill()
        await asyncio.to_thread(client.wait)
        self.kills["reviewers"] += 1
        self.clients[number] = self.start_client(number)

    async def at_work(self) -> list[int]:
        """Return which processes of reviewers are connected: others are still starting."""
        return [number for number in range(CLIENTS) if await self._count(_CONNECTED, number)]

    async def _count(self, query: str, number: int) -> int:
        [(count,)] = await self.rows(query, client_name(number))
        return int(count)

    def kill_clients(self) -> None:
        """Kill all processes of reviewers, wherever they are."""
        for client in self.clients:
            client.kill()
            client.wait()

    def kill_worker(self) -> None:
        """Kill the worker with the most sockets; the instance starts another one."""
        pids = processes.workers(self.site.process.pid)[:1]
        processes.send(signal.SIGKILL, pids)
        self.kills["workers"] += len(pids)

    async def kill_postgres(self) -> None:
        """Kill PostgreSQL with whatever is under way, and start it again."""
        assert self.postgres.pid is not None
        processes.send(signal.SIGKILL, [self.postgres.pid])
        await asyncio.to_thread(self.postgres.kill)
        # Here, in the main thread: a part ends with the thread that started it.
        self.postgres.start()
        self.kills["PostgreSQL"] += 1

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what the database answers to somebody who comes by no pool."""
        dsn = db.libpq_url(self.postgres.url)
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()


def client_name(number: int) -> str:
    """Return the name of a process of reviewers' connections."""
    return f"reviewers {number}"


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    """Bring everything up, and take it down at the end."""
    async with AsyncExitStack() as stack:
        postgres, valkey = Postgres(DataFolder(folder / "p")), Valkey(DataFolder(folder / "v"))
        for part in (postgres, valkey):
            stack.callback(part.stop)
            part.start()
        site = await asyncio.to_thread(
            start_site, folder / "site", "--workers", str(WORKERS),
            settings={"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url},
        )  # fmt: skip
        stack.push_async_callback(asyncio.to_thread, stop_site, site)
        async with connected(postgres.url):
            campaign, users = await make_campaign()
        stage = Stage(site, postgres, folder, campaign, users)
        stack.callback(stage.kill_clients)
        stage.clients += [stage.start_client(number) for number in range(CLIENTS)]
        yield stage


async def make_campaign() -> tuple[Campaign, list[str]]:
    """Make the campaign with all that money depends on, and its reviewers."""
    operator = Operator()
    campaign = await operator.new_campaign(
        currency="IDR", goal_amount="900000000", review_policy="manual", dual_approval_from="60000"
    )
    challenge = {"sponsor_name": "The Baker", "ratio": "0.33", "cap": "3000000"}
    await matches.create_challenge(operator.scope, campaign.id, challenge)
    for amount in ("100000", "1000000", "5000000", "900000000"):
        attrs = {"amount": amount, "label": f"{amount} are there"}
        await campaigns.create_milestone(operator.scope, campaign.id, attrs)
    users = []
    for number in range(CLIENTS * REVIEWERS_EACH):
        # Without a password, which takes long to hash: nobody logs in with it here.
        about = {"name": f"Reviewer {number}", "email": f"reviewer{number}@example.org"}
        user = await accounts.create_user(operator.scope, about)
        await operator.add_member(campaign, Account(user, ""), "reviewer")
        users.append(str(user.id))
    return campaign, users


async def suffer(stage: Stage, lasts_s: float) -> list[Donor]:
    """Let everybody act and be killed for so long; return the donors, who are all answered."""
    donors = [Donor(number, stage.site.address) for number in range(DONORS)]
    is_over = asyncio.Event()
    await eventually(lambda: _all_work(stage), what="all processes work", within_s=_START_S)
    async with asyncio.TaskGroup() as group:
        for donor in donors:
            group.create_task(donor.run(stage.campaign.slug, is_over))
        begun = time.monotonic()
        while (passed_s := time.monotonic() - begun) < lasts_s or not stage.kills["PostgreSQL"]:
            if there := await stage.at_work():
                if stage.kills["reviewers"] % _WORKER_EVERY == 0:
                    stage.kill_worker()
                await stage.kill_client(random.choice(there))
            if passed_s > lasts_s / 2 and not stage.kills["PostgreSQL"]:
                await stage.kill_postgres()
            await asyncio.sleep(_NEXT_KILL_S)
        is_over.set()
    stage.kill_clients()
    return donors


async def _all_work(stage: Stage) -> bool:
    return len(await stage.at_work()) == CLIENTS


class Table:
    """What was found, printed as it is found; ``wrong`` is what is not as it must be."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def row(self, what: str, found: object, must: object = None, detail: str = "") -> None:
        """Print a line, with what ``must`` be found if anything must."""
        print_row(what, str(found), "" if must is None else str(must), detail)
        if must not in (None, found):
            self.wrong.append(f"{what}: {found}, not {must}")


async def compare(stage: Stage, donors: Sequence[Donor], table: Table) -> None:
    """Compare what everybody was answered with what is there."""
    for what in ("reviewers", "workers", "PostgreSQL"):
        detail = ""
        if what == "reviewers":
            detail = f"{stage.kills['inside a transaction']} inside a transaction"
        table.row(f"{what} killed (-9)", stage.kills[what], detail=detail)
        if not stage.kills[what]:
            table.wrong.append(f"{what} were never killed")
    campaign_id = str(stage.campaign.id)
    accepted = [name for donor in donors for name in donor.accepted]
    there = dict(await stage.rows(_GIFTS, campaign_id))
    table.row("gifts answered", len(accepted), detail=f"{sum(d.repeated for d in donors)} repeats")
    table.row("of them not there exactly once", sum(there.get(n) != 1 for n in accepted), 0)
    table.row("gifts there that nobody was answered", len(there.keys() - set(accepted)), 0)
    answers = Counter((one.event, one.gift, one.version) for one in stage.answers)
    told = Counter(await stage.rows(_ACTS, campaign_id))
    detail = ", ".join(
        f"{count} {event.removeprefix('donation_')}"
        for event, count in Counter(event for event, _, _ in answers).items()
    )
    table.row("acts answered", answers.total(), detail=detail)
    lost = sum(told[one] != 1 or count != 1 for one, count in answers.items())
    table.row("of them not there exactly once", lost, 0)
    acts = sum(name != "donation_created" for name, _, _ in told.elements())
    table.row("acts done and killed before the answer", acts - answers.total())
    [(half_done,)] = await stage.rows(_HALF_DONE, *[campaign_id] * 3)
    table.row("acts half done", half_done, 0)
    versions = dict(await stage.rows(_VERSIONS, campaign_id))
    [(version,)] = await stage.rows(_VERSION, campaign_id)
    wrong = sum(versions.get(one) != 1 for one in range(1, version + 1))
    table.row("versions not told of exactly once", wrong, 0, f"of {version}")
    [(announced, different, reached)] = await stage.rows(_MILESTONES, campaign_id, campaign_id)
    table.row("milestones announced", announced, reached)
    table.row("different ones", different, announced)


async def spend(folder: Path, lasts_s: float) -> None:
    """Do all of it, and stop with an error if anything ended wrong."""
    table = Table()
    async with staged(folder) as stage:
        donors = await suffer(stage, lasts_s)
        await compare(stage, donors, table)

        async def serves() -> bool:
            return await is_served(stage.site)

        await eventually(serves, what="the instance serves", within_s=PATIENCE_S)
        check: subprocess.CompletedProcess[str] = await asyncio.to_thread(
            stage.site.command, "check"
        )
        print(f"financial-live check: {check.stdout.strip()}")
        if check.returncode:
            table.wrong.append("the check found problems")
    if table.wrong:
        sys.exit("\n".join(table.wrong))


def main() -> None:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="for a few seconds")
    parser.add_argument("--seconds", type=float, default=60, help="how long they are killed")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="financial-live-money-"))
    try:
        asyncio.run(spend(folder, 6 if given.smoke else given.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
