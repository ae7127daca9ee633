"""Whether this worker lives, whether it can serve, and what it measures of itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy.exc import OperationalError

from financial_live import db, routes, telemetry
from financial_live.errors import Unavailable
from financial_live.rest.dispatch import Json, new_router

Ping = Callable[[], Awaitable[None]]
Answers = dict[str, str]

OK = "ok"
PATIENCE_S = 2.0
_PARTS = {
    "type": "object",
    "required": ["database", "migrations", "bus"],
    "additionalProperties": {"type": "string"},
}
_READY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Requests can be served.",
        "content": {
            "application/json": {
                "schema": _PARTS,
                "example": {"database": OK, "migrations": OK, "bus": OK},
            }
        },
    },
    503: {
        "description": "They cannot: the database does not answer, or is not migrated.",
        "content": {
            "application/json": {
                "schema": _PARTS,
                "example": {"database": "unreachable", "migrations": "unknown", "bus": "away"},
            }
        },
    },
}


def create_router(ping_bus: Ping | None) -> APIRouter:
    """Return the routes that operators and load balancers ask."""
    router = new_router(tag="operation")
    schema = OneAtATime(_ask_schema)
    bus = OneAtATime(lambda: _ask_bus(ping_bus))

    @router.get(routes.HEALTH, response_class=PlainTextResponse)
    async def health() -> Response:
        """Say that this worker answers."""
        return PlainTextResponse("OK")

    @router.get(routes.READY, responses=_READY)
    async def ready() -> Response:
        """Say whether requests can be served: 200 or 503.

        The bus is told but does not decide: gifts are taken without it, and a worker taken out of
        service for it would refuse them.
        """
        answers = await schema.answers({"database": "unreachable", "migrations": "unknown"})
        can_serve = all(answer == OK for answer in answers.values())
        answers |= await bus.answers({"bus": "away"})
        return Json(answers, status_code=200 if can_serve else 503)

    @router.get(routes.METRICS, include_in_schema=False)
    async def metrics() -> Response:
        """Show this worker's metrics as Prometheus text."""
        return telemetry.metrics_response()

    return router


class OneAtATime:
    """Asks a part how it is, one question at a time: who asks meanwhile shares the answer.

    So many impatient probes of a part that hangs hold one thread or connection, not one each.
    """

    def __init__(self, ask: Callable[[], Awaitable[Answers]]) -> None:
        self._ask = ask
        self._asking: asyncio.Future[Answers] | None = None

    async def answers(self, otherwise: Answers) -> Answers:
        """Return what the part answers; ``otherwise`` if it is away or takes too long."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask())
            # Everybody who waited may be gone when it fails; that is nothing to complain about.
            self._asking.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        try:
            return dict(await asyncio.wait_for(asyncio.shield(self._asking), PATIENCE_S))
        except (Unavailable, OperationalError, TimeoutError):
            return otherwise


async def _ask_schema() -> Answers:
    status = await db.migration_status(db.database().url)
    return {"database": OK, "migrations": OK if status.is_current else "pending"}


async def _ask_bus(ping: Ping | None) -> Answers:
    if ping is None:
        raise Unavailable("No bus is connected.")
    await ping()
    return {"bus": OK}
