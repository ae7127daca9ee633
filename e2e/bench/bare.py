"""Bare FastAPI with the queries of the REST door, and nothing else: what the door is compared with.

    python e2e/bench/bare.py DATABASE_URL

It has no rights, limits, tags, links, telemetry or headers, and no layers. A body is checked by a
model; queries are plain text, by the same SQLAlchemy and driver, in a transaction for each request.
Prints its address, then serves.
"""

import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import orjson
import sqlalchemy as sa
import uuid_utils.compat
import uvicorn
from fastapi import FastAPI, HTTPException, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from financial_live import db
from financial_live.asgi import pace

POOL_SIZE = 10
_CAMPAIGN = (
    "id, slug, name, description, goal_amount, currency, status, review_policy, one_gift_per_donor,"
    " max_gift, dual_approval_from, total_raised, matched_total, transferred_total, gift_count,"
    " version, revision, inserted_at, updated_at"
)
_GIFT = (
    *("id", "campaign_id", "donor_name", "donor_email", "amount", "currency", "counted_amount"),
    *("refunded_amount", "is_test", "status", "one_per_donor", "user_id", "source", "external_id"),
    *("show_name", "show_amount", "message", "version", "inserted_at", "updated_at"),
    *("rate", "rate_as_of", "rate_source", "first_approver", "is_hidden"),
)
_TOTAL = sa.text("SELECT count(*) FROM campaign")
_PAGE = sa.text(
    f"SELECT {_CAMPAIGN} FROM campaign ORDER BY inserted_at DESC, id DESC"
    " LIMIT :per_page OFFSET :start"
)
_FIND = sa.text(f"SELECT {_CAMPAIGN} FROM campaign WHERE id = :id")
_COUNT = sa.text(
    "UPDATE campaign SET total_raised = total_raised + :amount, gift_count = gift_count + 1,"
    " version = version + 1, updated_at = :moment WHERE id = :id AND revision = :revision"
    f" RETURNING {_CAMPAIGN}"
)
_ADD = sa.text(f"INSERT INTO donation ({', '.join(_GIFT)}) VALUES (:{', :'.join(_GIFT)})")
_POST = sa.text(
    "INSERT INTO ledger_entry (id, kind, debit_campaign_id, debit_account, credit_campaign_id,"
    " credit_account, amount, currency, donation_id, inserted_at)"
    " VALUES (:id, 'gift', :campaign_id,"
    " 'donors', :campaign_id, 'gifts', :amount, :currency, :donation_id, :inserted_at)"
)
_TELL = sa.text(
    "INSERT INTO outbox (name, topics, data) VALUES ('donation_created', :topics, :data)"
).bindparams(sa.bindparam("data", type_=JSONB))


class Gift(BaseModel):
    """What a donor says."""

    donor_name: str = Field(min_length=1, max_length=160)
    donor_email: str = Field(max_length=254, pattern=r"^[^\s@]+@[^\s@]+$")
    amount: Decimal = Field(gt=0, max_digits=15, decimal_places=2)
    currency: str = Field(pattern="^[A-Z]{3}$")
    message: str = Field(default="", max_length=500)
    show_name: bool = True
    show_amount: bool = True


class Body(BaseModel):
    """The gift in its wrapper."""

    donation: Gift


def bare_app(engine: AsyncEngine) -> FastAPI:
    """Return the application."""
    app = FastAPI()

    @app.get("/api/campaigns")
    async def index(
        page: Annotated[int, Query(ge=1)] = 1, per_page: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> Response:
        asked = {"per_page": per_page, "start": (page - 1) * per_page}
        async with engine.begin() as connection:
            total = await connection.scalar(_TOTAL)
            rows = (await connection.execute(_PAGE, asked)).mappings().all()
        found = {"data": [dict(row) for row in rows], "page": page, "per_page": per_page}
        return _json({**found, "total": total})

    @app.get("/api/campaigns/{id}")
    async def show(id: UUID) -> Response:
        async with engine.begin() as connection:
            campaign = await _find(connection, id)
        return _json({"data": dict(campaign)})

    @app.post("/api/campaigns/{id}/donations")
    async def create(id: UUID, body: Body) -> Response:
        async with engine.begin() as connection:
            gift = await _take(connection, await _find(connection, id), body.donation)
        shown = ("id", "campaign_id", "donor_name", "amount", "currency", "status", "message")
        kept = {name: gift[name] for name in (*shown, "inserted_at", "version")}
        return _json({"data": kept}, status=201)

    return app


async def _find(connection: AsyncConnection, id: UUID) -> Mapping[Any, Any]:
    found = (await connection.execute(_FIND, {"id": id})).mappings().one_or_none()
    if found is None:
        raise HTTPException(404)
    return found


async def _take(
    connection: AsyncConnection, campaign: Mapping[Any, Any], given: Gift
) -> dict[str, Any]:
    """Write what the door writes: the totals, the gift, its entry, and the event of all."""
    moment = datetime.now(UTC)
    asked = {"id": campaign["id"], "revision": campaign["revision"]}
    counted = await connection.execute(_COUNT, {**asked, "amount": given.amount, "moment": moment})
    after = dict(counted.mappings().one())
    gift = _gift(given, after, moment)
    await connection.execute(_ADD, gift)
    posted = {name: gift[name] for name in ("campaign_id", "amount", "currency", "inserted_at")}
    ids = {"id": uuid_utils.compat.uuid7(), "donation_id": gift["id"]}
    await connection.execute(_POST, {**posted, **ids})
    topics = ["donations", "campaigns", f"campaign:{after['id']}"]
    told = {name: value for name, value in gift.items() if name != "donor_email"}
    data = orjson.loads(_text({"donation": told, "campaign": after}))
    await connection.execute(_TELL, {"topics": topics, "data": data})
    return gift


def _gift(given: Gift, campaign: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    return {
        **given.model_dump(),
        "id": uuid_utils.compat.uuid7(),
        "campaign_id": campaign["id"],
        "counted_amount": given.amount,
        "refunded_amount": Decimal(0),
        "is_test": False,
        "status": "approved",
        "one_per_donor": False,
        "user_id": None,
        "source": "api",
        "external_id": None,
        "version": campaign["version"],
        "inserted_at": moment,
        "updated_at": moment,
        "rate": None,
        "rate_as_of": None,
        "rate_source": None,
        "first_approver": None,
        "is_hidden": False,
    }


def _text(content: Any) -> bytes:
    return orjson.dumps(content, default=str)


def _json(content: Any, *, status: int = 200) -> Response:
    return Response(_text(content), status, media_type="application/json")


def main() -> None:
    """Serve, as the site's worker is told to by ``asgi.__main__``."""
    url = sa.make_url(sys.argv[1]).set(drivername="postgresql+psycopg")
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        connect_args={"options": "-c jit=off -c timezone=UTC", **db.KEEPALIVE},
    )
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        bare_app(engine),
        loop="uvloop",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level="warning",
    )
    pace.tame()
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
