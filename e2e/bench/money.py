"""Gifts a second, one by one and in batches, beside the same rows written by bare SQL.

    uv run python e2e/bench/money.py [--smoke] [--rounds 7] [--seconds 2]

Starts a PostgreSQL of its own. ``donations.give`` and ``give_many``, and ``sql.py``, write to one
database in turns, from this process, by the same number of connections; each side to campaigns of
its own, so what they raise must be equal to what they gave. Compare the ratios: times hold for the
machine, and other work on it hits both sides alike.
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import uvloop
from sqlalchemy import make_url

from e2e.bench import sql
from e2e.bench.first_gift import print_row
from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.embedded import DataFolder, Postgres
from financial_live.scope import Scope

CAMPAIGNS = 100
BATCH = 100
ENTERED = 500
CLIENTS = (1, 8)
GIFT = {
    "donor_name": "Sari Lestari",
    "donor_email": "sari@example.org",
    "amount": "50000",
    "currency": "IDR",
    "message": "Semoga berkah",
}
_AMOUNT = int(GIFT["amount"])
_SETTINGS = {
    "goal_amount": "9000000000",
    "currency": "IDR",
    "one_gift_per_donor": "false",
    "description": "Your gift raises the walls. " * 8,
}

# What each side writes for a gift, without what is another's by nature: keys, names, moments.
_OWN = (
    "ARRAY['id', 'campaign_id', 'donation_id', 'debit_campaign_id', 'credit_campaign_id', 'slug',\
 'name', 'inserted_at', 'updated_at']"
)
ROWS = {
    "donation": f"SELECT to_jsonb(d) - {_OWN} FROM donation d WHERE campaign_id = :campaign",
    "ledger entry": f"SELECT to_jsonb(e) - {_OWN} FROM ledger_entry e"
    " WHERE debit_campaign_id = :campaign AND credit_campaign_id = :campaign",
    "event": f"SELECT ARRAY[to_jsonb(name), to_jsonb(topics[1:2]), (data -> 'campaign') - {_OWN},"
    f" coalesce(data -> 'donation', data -> 'donations' -> 0) - {_OWN}] FROM outbox"
    " WHERE data -> 'campaign' ->> 'id' = CAST(:campaign AS text) AND name LIKE 'donation%'",
}

Give = Callable[[int, Sequence[UUID]], Awaitable[object]]
"""Gives to each of the campaigns, in one commit, by the connection of this number."""


@dataclass
class Side:
    """One way to give, the campaigns that it gives to, and how many gifts it has given."""

    one: Give
    many: Give
    ids: list[UUID]
    given: int = 0

    async def round(self, kind: "Kind", seconds: float) -> float:
        """Give for so long, and return how many gifts a second were taken."""
        before, started = self.given, time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(kind.clients):
                group.create_task(self._go_on(kind, number, started + seconds))
        return (self.given - before) / (time.perf_counter() - started)

    async def _go_on(self, kind: "Kind", number: int, until: float) -> None:
        # The clients begin at different places, so they meet at one campaign only by chance.
        start = number * kind.campaigns // kind.clients
        ids = cycle(self.ids[start : kind.campaigns] + self.ids[:start])
        give = self.one if kind.size == 1 else self.many
        while time.perf_counter() < until:
            await give(number, list(islice(ids, kind.size)))
            self.given += kind.size


@dataclass(frozen=True)
class Kind:
    """What is measured: gifts in one commit, to so many campaigns in turn, by so many clients."""

    size: int
    campaigns: int
    clients: int

    @property
    def name(self) -> str:
        """What the table calls it."""
        where = "one campaign" if self.campaigns == 1 else f"{self.campaigns} campaigns"
        how = "one by one" if self.size == 1 else f"in {self.size}s"
        return f"{how}, {where}, {self.clients} client{'s' if self.clients > 1 else ''}"


KINDS = [
    Kind(size, count, clients)
    for size in (1, BATCH)
    for count in (1, CAMPAIGNS)
    for clients in CLIENTS
]


async def make_campaigns(name: str, **settings: str) -> list[UUID]:
    """Make the campaigns of one side."""
    settings = {**_SETTINGS, **settings}
    return [
        (await campaigns.create_campaign(Scope.operator(), {**settings, "name": f"{name} {n}"})).id
        for n in range(CAMPAIGNS)
    ]


async def our_side() -> Side:
    """Return the side that gives by the contexts, as a door does."""
    scope = Scope.visitor()

    async def one(_: int, ids: Sequence[UUID]) -> object:
        return await donations.give(scope, GIFT, campaign=ids[0])

    async def many(_: int, ids: Sequence[UUID]) -> object:
        source = donations.DonationSource.WEB
        gifts = [donations.Gift(GIFT, source, campaign_id) for campaign_id in ids]
        taken = await donations.give_many(scope, gifts)
        assert all(isinstance(one, donations.Donation) for one in taken), taken
        return taken

    return Side(one, many, await make_campaigns("Ours", review_policy="automatic"))


async def bare_side(connections: Sequence[sql.Connection]) -> Side:
    """Return the side that gives by bare SQL."""

    async def one(number: int, ids: Sequence[UUID]) -> None:
        await sql.give(connections[number], GIFT, ids[0])

    async def many(number: int, ids: Sequence[UUID]) -> None:
        await sql.give_many(connections[number], GIFT, ids)

    return Side(one, many, await make_campaigns("Bare", review_policy="automatic"))


async def compare(kind: Kind, ours: Side, bare: Side, *, rounds: int, seconds: float) -> None:
    """Let both give in turns, and print how much they took."""
    for side in (ours, bare):
        # Statements are prepared and caches warm after this.
        await side.round(kind, seconds / 4)
    found = [
        (await ours.round(kind, seconds), await bare.round(kind, seconds)) for _ in range(rounds)
    ]
    ratios = [real / plain for real, plain in found]
    most = [statistics.median(rates) for rates in zip(*found, strict=True)]
    detail = f"ours {most[0]:.0f}/s, bare {most[1]:.0f}/s; {min(ratios):.2f} to {max(ratios):.2f}"
    print_row(kind.name, f"{statistics.median(ratios):.2f}", "0.50", detail)


@dataclass
class Team:
    """What a campaign's team does to many gifts at once, and what it has raised by it."""

    ids: list[UUID]
    entered: int = 0
    approved: int = 0
    rates: dict[str, list[float]] = field(default_factory=dict)

    async def enter(self) -> None:
        """Enter a bag of notes."""
        started = time.perf_counter()
        gifts: list[dict[str, Any]] = [{**GIFT, "donor_email": ""}] * ENTERED
        control = {"control_total": str(_AMOUNT * ENTERED)}
        await donations.record_batch(Scope.operator(), self.ids[0], gifts, control)
        self.entered += ENTERED
        self._note(f"entered, {ENTERED} at once", ENTERED, started)

    async def approve(self) -> None:
        """Approve gifts that wait."""
        gifts = [
            donations.Gift(GIFT, donations.DonationSource.WEB, campaign_id)
            for campaign_id in self.ids[1:2] * BATCH
        ]
        taken = await donations.give_many(Scope.visitor(), gifts)
        waiting = [one.id for one in taken if isinstance(one, donations.Donation)]
        started = time.perf_counter()
        done = await donations.review_many(Scope.operator(), "approve", waiting)
        self.approved += sum(isinstance(one, donations.Donation) for one in done)
        self._note(f"approved, {BATCH} at once", BATCH, started)

    def _note(self, what: str, gifts: int, started: float) -> None:
        rate = gifts / (time.perf_counter() - started)
        self.rates.setdefault(what, []).append(rate)

    def report(self) -> None:
        """Print how many gifts a second that were."""
        for what, rates in self.rates.items():
            print_row(what, f"{statistics.median(rates):.0f}/s", "", f"{len(rates)} times")


async def measure_team(times: int) -> Team:
    """Enter and approve so many times."""
    team = Team(await make_campaigns("Team"))
    await campaigns.update_campaign(Scope.operator(), team.ids[0], {"review_policy": "automatic"})
    for _ in range(times):
        await team.enter()
        await team.approve()
    team.report()
    return team


async def raised(ids: Sequence[UUID]) -> tuple[int, int]:
    """Return how many gifts campaigns have counted, and how much they raised."""
    found = [await campaigns.get_campaign(Scope.operator(), key) for key in ids]
    return sum(c.gift_count for c in found), int(sum(c.total_raised for c in found))


async def assert_exact(given: dict[str, tuple[list[UUID], int]]) -> None:
    """Stop with an error unless the rows prove themselves, and all that was given has arrived."""
    for who, (ids, count) in given.items():
        assert await raised(ids) == (count, count * _AMOUNT), f"{who} did not raise what was given"
    report = await donations.check(Scope.operator())
    assert not report.problems, report.problems
    print(f"{report.donations} donations of {report.campaigns} campaigns: all facts hold")


async def assert_same_rows(ours: Side, bare: Side) -> None:
    """Stop with an error unless both sides write the same for a gift, and for one of a batch."""
    for give in ("one", "many"):
        for side in (ours, bare):
            await getattr(side, give)(0, side.ids[:1])
            side.given += 1
        for table, query in ROWS.items():
            real, plain = [await rows_of(query, side.ids[0]) for side in (ours, bare)]
            assert real == plain, f"{table}: {real} is not {plain}"


async def rows_of(query: str, campaign_id: UUID) -> list[Any]:
    """Return what a query of ``ROWS`` finds of a campaign, in the order it was written."""
    async with db.reading() as session:
        found = await session.execute(sa.text(query), {"campaign": str(campaign_id)})
        return list(found.scalars())


async def measure(url: str, *, rounds: int, seconds: float) -> None:
    """Migrate the database at ``url``, an address as libpq reads it, measure and check."""
    driver = make_url(url).set(drivername="postgresql+psycopg")
    address = driver.render_as_string(hide_password=False)
    await db.migrate(address)
    db.connect(address, pool_size=max(CLIENTS))
    connections = [await sql.connect(url) for _ in range(max(CLIENTS))]
    try:
        ours, bare = await our_side(), await bare_side(connections)
        await assert_same_rows(ours, bare)
        for kind in KINDS:
            await compare(kind, ours, bare, rounds=rounds, seconds=seconds)
        team = await measure_team(rounds)
        await assert_exact(
            {
                "ours": (ours.ids, ours.given),
                "bare": (bare.ids, bare.given),
                "the team's": (team.ids, team.entered + team.approved),
            }
        )
    finally:
        for connection in connections:
            await connection.close()
        await db.disconnect()


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    rounds, seconds = (1, 0.3) if given.smoke else (given.rounds, given.seconds)
    folder = Path(tempfile.mkdtemp(prefix="financial-live-bench-"))
    postgres = Postgres(DataFolder(folder))
    try:
        postgres.start()
        uvloop.run(measure(postgres.url, rounds=rounds, seconds=seconds))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
