"""Ten thousand random acts by sixteen clients at once, with real commits, leave nothing wrong.

Everything that may be refused is refused with an AppError; whatever else is raised fails the test,
and so does Unavailable, which would mean that the clients waited for each other in a circle.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import Any
from uuid import UUID, uuid4

from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.errors import AppError, Conflict, Invalid, NotFound, Stale
from financial_live.outbox import Relay
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, make_campaign

CLIENTS = 16
ACTS = 10_000
CAMPAIGNS = 6

INVALID_GIFTS: tuple[dict[str, Any], ...] = (
    {"amount": "0"},
    {"amount": "NaN"},
    {"amount": "1e400"},
    {"amount": "10000000000000"},
    {"currency": "USD"},
    {"donor_email": "siti"},
    {"donor_name": "a\x00b"},
    {"donor_name": "x" * 10_000},
)


class World:
    """What the clients know of each other: campaigns and gifts there may be."""

    def __init__(self, campaign_ids: list[UUID]) -> None:
        self.campaigns = campaign_ids
        self.gifts: list[UUID] = []
        self.outcomes: Counter[str] = Counter()


class Client:
    """Acts at random. All clients draw from the same few donors, keys and external ids."""

    def __init__(self, number: int, world: World) -> None:
        self.chance = Random(number)
        self.world = world
        self.acts: list[tuple[Callable[[], Awaitable[Any]], float]] = [
            (self.give, 38),
            (self.give_with_key, 14),
            (self.give_from_outside, 6),
            (self.give_test, 4),
            (self.give_invalid, 5),
            (self.update_gift, 10),
            (self.move_gift, 5),
            (self.delete_gift, 6),
            (self.change_campaign, 3.5),
            (self.switch_one_gift, 4),
            (self.make_and_delete_campaign, 2),
            (self.read, 2),
            (self.check, 0.5),
        ]

    async def run(self, acts: int) -> None:
        choices, weights = zip(*self.acts, strict=True)
        for act in self.chance.choices(choices, weights, k=acts):
            try:
                await act()
            except AppError as refusal:
                self.world.outcomes[type(refusal).__name__] += 1
            else:
                self.world.outcomes[act.__name__] += 1

    def campaign(self) -> UUID:
        return self.chance.choice(self.world.campaigns)

    def gift(self) -> UUID:
        return self.chance.choice(self.world.gifts[-200:] or [uuid4()])

    def attrs(self) -> dict[str, Any]:
        cents = self.chance.randint(1, 10_000_000)
        email = f"donor{self.chance.randint(1, 400)}@example.org"
        return GIFT | {"amount": f"{cents // 100}.{cents % 100:02}", "donor_email": email}

    async def give(self) -> None:
        given = await donations.give(VISITOR, self.attrs(), campaign=self.campaign())
        self.world.gifts.append(given.id)

    async def give_with_key(self) -> None:
        """Repeat a gift that others give under the same key, now and then with another amount."""
        number = self.chance.randint(1, 600)
        amount = number if self.chance.random() < 0.9 else number + 1
        await donations.give(
            VISITOR,
            GIFT | {"amount": amount, "donor_email": f"key{number}@example.org"},
            campaign=self.world.campaigns[number % CAMPAIGNS],
            idempotency_key=f"key-{number}",
        )

    async def give_from_outside(self) -> None:
        number = self.chance.randint(1, 250)
        await donations.give(
            VISITOR,
            GIFT | {"amount": number, "donor_email": f"outside{number}@example.org"},
            campaign=self.campaign(),
            source="queue",
            external_id=f"payment-{number}",
        )

    async def give_test(self) -> None:
        attrs = self.attrs() | {"is_test": True}
        given = await donations.give(OPERATOR, attrs, campaign=self.campaign())
        self.world.gifts.append(given.id)

    async def give_invalid(self) -> None:
        attrs = self.attrs() | self.chance.choice(INVALID_GIFTS)
        await donations.give(VISITOR, attrs, campaign=self.campaign())

    async def update_gift(self) -> None:
        attrs: dict[str, Any] = self.chance.choice(
            [{"amount": self.chance.randint(1, 99)}, {"message": "x"}, {"show_name": False}]
        )
        await donations.update_donation(OPERATOR, self.gift(), attrs)

    async def move_gift(self) -> None:
        attrs = {"campaign_id": self.campaign()}
        await donations.update_donation(OPERATOR, self.gift(), attrs)

    async def delete_gift(self) -> None:
        await donations.delete_donation(OPERATOR, self.gift())

    async def change_campaign(self) -> None:
        attrs: dict[str, Any] = self.chance.choice(
            [
                {"goal_amount": self.chance.randint(1, 999)},
                {"review_policy": "manual"},
                {"review_policy": "automatic"},
                {"status": "paused"},
                {"status": "active"},
                {"status": "active"},
                {"max_gift": 50_000},
                {"max_gift": None},
            ]
        )
        revision = self.chance.choice([None, None, 1])
        await campaigns.update_campaign(OPERATOR, self.campaign(), attrs, revision=revision)

    async def switch_one_gift(self) -> None:
        attrs = {"one_gift_per_donor": self.chance.random() < 0.5}
        await campaigns.update_campaign(OPERATOR, self.campaign(), attrs)

    async def make_and_delete_campaign(self) -> None:
        made = await make_campaign()
        if self.chance.random() < 0.5:
            await donations.give(VISITOR, self.attrs(), campaign=made.slug)
        await campaigns.delete_campaign(OPERATOR, made.id)

    async def read(self) -> None:
        campaign = self.campaign()
        await campaigns.list_campaigns(VISITOR, search="mosque")
        await donations.list_donations(VISITOR, campaign_id=campaign, search="siti")
        await donations.statistics(VISITOR, campaign)

    async def check(self) -> None:
        assert (await donations.check(OPERATOR)).problems == []


class Nobody:
    """A bus that nobody listens to: what is published goes nowhere."""

    async def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Take the messages."""

    async def watched_topics(self) -> list[str]:
        return []


async def everything_placed() -> None:
    """Wait until the relay has given every event its place."""
    waiting = "SELECT count(*) FROM outbox WHERE position IS NULL"
    while True:
        async with db.transaction() as session:
            connection = await session.connection()
            if (await connection.exec_driver_sql(waiting)).scalar() == 0:
                return
        await asyncio.sleep(0.05)


class TestManyClients:
    async def test_ten_thousand_acts_leave_exact_totals(self, own_database: db.Database) -> None:
        policies = ["manual", "automatic"]
        made = [
            await make_campaign(review_policy=policies[n % 2], one_gift_per_donor=n % 3 == 0)
            for n in range(CAMPAIGNS)
        ]
        world = World([campaign.id for campaign in made])
        relaying = asyncio.create_task(Relay(own_database.dsn, Nobody()).run())
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(Client(number, world).run(ACTS // CLIENTS))
        await everything_placed()
        relaying.cancel()
        report = await donations.check(OPERATOR)
        assert report.problems == []
        assert world.outcomes.total() == ACTS
        assert report.donations > ACTS / 5
        acts = {act.__name__ for act, _ in Client(0, world).acts} - {"give_invalid"}
        refusals = {refusal.__name__ for refusal in (Invalid, Conflict, Stale, NotFound)}
        assert world.outcomes.keys() == acts | refusals

    async def test_one_key_and_one_external_id_made_one_gift_each(
        self, own_database: db.Database
    ) -> None:
        made = await make_campaign()
        world = World([made.id] * CAMPAIGNS)
        clients = [Client(number, world) for number in range(CLIENTS)]
        acts = [act for c in clients for act in (c.give_with_key, c.give_from_outside)]
        outcomes = await asyncio.gather(*(act() for act in acts * 20), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {type(None), Conflict}
        emails = "SELECT count(*) AS gifts, count(DISTINCT donor_email) AS donors FROM donation"
        async with db.transaction() as session:
            connection = await session.connection()
            found = (await connection.exec_driver_sql(emails)).one()
        assert found.gifts == found.donors > 100
