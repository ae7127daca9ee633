"""Gifts by bare SQL: the rows that ``donations.give`` writes, and nothing else.

What giving is compared with. It checks nothing, reads no campaign, knows no rights, challenges or
milestones: statements written by hand, psycopg alone, its pipeline wherever that saves a round
trip, prepared statements, one commit for a gift or a batch.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import psycopg
import uuid_utils.compat
from psycopg.rows import DictRow, dict_row

from financial_live import db

Connection = psycopg.AsyncConnection[DictRow]

_COUNT = (
    "UPDATE campaign SET total_raised = total_raised + %s, gift_count = gift_count + 1,"
    " version = version + 1, updated_at = %s WHERE id = %s"
    " RETURNING id, slug, name, goal_amount, currency, status, total_raised, matched_total,"
    " transferred_total, gift_count, version, revision"
)
_HOLD = "SELECT FROM campaign WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_COUNT_MANY = (
    "UPDATE campaign AS c SET total_raised = total_raised + n.gifts * %s,"
    " gift_count = gift_count + n.gifts, version = version + 1, updated_at = %s"
    " FROM unnest(%s::uuid[], %s::int8[]) AS n (id, gifts) WHERE c.id = n.id"
    " RETURNING c.id, slug, name, goal_amount, currency, status, total_raised, matched_total,"
    " transferred_total, gift_count, version, revision"
)
_GIVEN = (
    "(id, campaign_id, version, amount, counted_amount, donor_name, donor_email, currency, message,"
    " inserted_at, updated_at, refunded_amount, is_test, status, is_hidden, one_per_donor, source,"
    " show_name, show_amount)"
)
_SAID = "0, false, 'approved', false, false, 'web', true, true"
_ADD = f"INSERT INTO donation {_GIVEN} VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, {_SAID})"
_ADD_MANY = (
    f"INSERT INTO donation {_GIVEN}"
    f" SELECT id, campaign_id, version, %s, %s, %s, %s, %s, %s, %s, %s, {_SAID}"
    f" FROM unnest(%s::uuid[], %s::uuid[], %s::int8[]) AS n (id, campaign_id, version)"
)
_ENTRY = (
    "(id, donation_id, debit_campaign_id, credit_campaign_id, amount, currency, inserted_at, kind,"
    " debit_account, credit_account)"
)
_POST = (
    f"INSERT INTO ledger_entry {_ENTRY}"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, 'gift', 'donors', 'gifts')"
)
_POST_MANY = (
    f"INSERT INTO ledger_entry {_ENTRY}"
    " SELECT id, donation_id, campaign_id, campaign_id, %s, %s, %s, 'gift', 'donors', 'gifts'"
    " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS n (id, donation_id, campaign_id)"
)
_TELL = "INSERT INTO outbox (name, topics, data) VALUES (%s, %s, %s::jsonb)"
_TELL_MANY = (
    "INSERT INTO outbox (name, topics, data) SELECT 'donations_created',"
    " ARRAY['donations', 'campaigns', 'campaign:' || id], data::jsonb"
    " FROM unnest(%s::text[], %s::text[]) AS n (id, data)"
)


async def connect(dsn: str) -> Connection:
    """Return a connection with the settings of the pool's own."""
    connection = await psycopg.AsyncConnection.connect(
        dsn, row_factory=dict_row, options="-c jit=off -c timezone=UTC", **db.KEEPALIVE
    )
    # From the first use on: there are a handful of statements.
    connection.prepare_threshold = 0
    return connection


async def give(connection: Connection, gift: dict[str, Any], campaign_id: UUID) -> None:
    """Write one gift: two round trips, as the event tells what counting has found."""
    moment, amount = datetime.now(UTC), Decimal(gift["amount"])
    async with connection.pipeline():
        cursor = await connection.execute(_COUNT, [amount, moment, campaign_id])
        campaign = await cursor.fetchone()
        assert campaign is not None
        key = uuid_utils.compat.uuid7()
        told = {"donation": _row(gift, key, campaign, moment), "campaign": _summary(campaign)}
        said = (gift["donor_name"], gift["donor_email"], gift["currency"], gift["message"])
        row = (key, campaign_id, campaign["version"], amount, amount, *said, moment, moment)
        await connection.execute(_ADD, row)
        entry = (key, campaign_id, campaign_id, amount, gift["currency"], moment)
        await connection.execute(_POST, (uuid_utils.compat.uuid7(), *entry))
        topics = ["donations", "campaigns", f"campaign:{campaign_id}"]
        await connection.execute(_TELL, ("donation_created", topics, orjson.dumps(told).decode()))
        await connection.commit()


async def give_many(connection: Connection, gift: dict[str, Any], ids: Sequence[UUID]) -> None:
    """Write a gift to each of ``ids``, which may repeat: a statement for each table."""
    moment, amount = datetime.now(UTC), Decimal(gift["amount"])
    gifts = Counter(ids)
    async with connection.pipeline():
        await connection.execute(_HOLD, [list(gifts)])
        counting = [amount, moment, list(gifts), list(gifts.values())]
        cursor = await connection.execute(_COUNT_MANY, counting)
        counted = {row["id"]: row for row in await cursor.fetchall()}
        keys = [uuid_utils.compat.uuid7() for _ in ids]
        said = (gift["donor_name"], gift["donor_email"], gift["currency"], gift["message"])
        rows = [keys, list(ids), [counted[campaign_id]["version"] for campaign_id in ids]]
        await connection.execute(_ADD_MANY, [amount, amount, *said, moment, moment, *rows])
        entries = [[uuid_utils.compat.uuid7() for _ in ids], keys, list(ids)]
        await connection.execute(_POST_MANY, [amount, gift["currency"], moment, *entries])
        rows_of: dict[UUID, list[dict[str, Any]]] = {campaign_id: [] for campaign_id in gifts}
        for key, campaign_id in zip(keys, ids, strict=True):
            rows_of[campaign_id].append(_row(gift, key, counted[campaign_id], moment))
        told = [
            orjson.dumps({"donations": rows, "campaign": _summary(counted[campaign_id])}).decode()
            for campaign_id, rows in rows_of.items()
        ]
        await connection.execute(_TELL_MANY, [[str(key) for key in rows_of], told])
        await connection.commit()


def _row(
    gift: dict[str, Any], key: UUID, campaign: dict[str, Any], moment: datetime
) -> dict[str, Any]:
    at = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "id": str(key),
        "campaign_id": str(campaign["id"]),
        "donor_name": gift["donor_name"],
        "amount": f"{gift['amount']}.00",
        "currency": gift["currency"],
        "counted_amount": f"{gift['amount']}.00",
        "refunded_amount": "0.00",
        "rate": None,
        "rate_as_of": None,
        "rate_source": None,
        "is_hidden": False,
        "first_approver": None,
        "is_test": False,
        "status": "approved",
        "source": "web",
        "external_id": None,
        "user_id": None,
        "show_name": True,
        "show_amount": True,
        "message": gift["message"],
        "version": campaign["version"],
        "inserted_at": at,
        "updated_at": at,
    }


def _summary(campaign: dict[str, Any]) -> dict[str, Any]:
    sums = [campaign[f"{name}"] for name in ("total_raised", "matched_total", "transferred_total")]
    return {
        "id": str(campaign["id"]),
        "slug": campaign["slug"],
        "name": campaign["name"],
        "goal_amount": str(campaign["goal_amount"]),
        "currency": campaign["currency"],
        "status": campaign["status"],
        "total_raised": str(sums[0]),
        "matched_total": str(sums[1]),
        "transferred_total": str(sums[2]),
        "total": str(sum(sums)),
        "gift_count": campaign["gift_count"],
        "version": campaign["version"],
        "revision": campaign["revision"],
    }
