"""What the tests of contexts make their campaigns and gifts of."""

from collections.abc import Awaitable
from typing import Any, TypeVar

import pytest

from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation
from financial_live.errors import AppError
from financial_live.scope import Scope

OPERATOR = Scope.operator()
VISITOR = Scope.visitor()
E = TypeVar("E", bound=AppError)
GIFT = {
    "donor_name": "Siti Nurhaliza",
    "donor_email": "siti@example.org",
    "amount": "50000",
    "currency": "IDR",
}


async def make_campaign(**attrs: Any) -> Campaign:
    """Make a campaign in rupiah that counts gifts at once, and as many as come."""
    defaults = {
        "name": "Build Mosque",
        "goal_amount": "1000000",
        "currency": "IDR",
        "review_policy": "automatic",
        "one_gift_per_donor": False,
    }
    return await campaigns.create_campaign(OPERATOR, defaults | attrs)


async def make_gift(campaign: Campaign, scope: Scope = VISITOR, **attrs: Any) -> Donation:
    """Give fifty thousand rupiah to ``campaign``."""
    return await donations.give(scope, GIFT | attrs, campaign=campaign.id)


async def set_status(donation: Donation, status: str) -> None:
    """Put a gift into a status that no use case reaches yet; only for gifts that aren't counted."""
    async with db.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "UPDATE donation SET status = %s WHERE id = %s", (status, donation.id)
        )


async def execute(statement: str, *values: Any) -> None:
    """Do what no use case does."""
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement, values)


async def rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return what the database holds."""
    async with db.transaction() as session:
        found = await (await session.connection()).exec_driver_sql(query, values)
        return [tuple(row) for row in found]


async def events(after: int = 0) -> list[tuple[str, list[str], dict[str, Any]]]:
    """Return what was told: name, topics and data of each event, in order."""
    async with db.transaction() as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql(
            "SELECT name, topics, data FROM outbox ORDER BY id OFFSET %s", (after,)
        )
        return [(row.name, row.topics, row.data) for row in rows]


def messages(error: AppError, field: str) -> list[str]:
    """Return what is wrong with ``field``."""
    return error.fields.get(field, [])


async def refused(kind: type[E], call: Awaitable[Any]) -> E:
    """Return the refusal, which must be of this very kind."""
    with pytest.raises(kind) as caught:
        await call
    assert type(caught.value) is kind
    return caught.value
