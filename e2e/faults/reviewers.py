"""A process that reviews gifts without end, and writes down each answer before it goes on.

    python -m e2e.faults.reviewers NAME DATABASE_URL CAMPAIGN_ID ANSWERS USER_ID…

It works by the contexts, as a worker does, and is made to be killed: what stands in the file
ANSWERS was answered, whatever became of the process. A line is the JSON of an Answer.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import make_url

from financial_live import db
from financial_live.contexts import donations
from financial_live.contexts.donations import Donation
from financial_live.errors import AppError, Unavailable
from financial_live.scope import Scope

_ACTS = {"approve": 50, "reject": 6, "refund": 14, "undo": 20}
_RECENT = 40
_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """An act that was answered as done: to which gift, by whom, and the version it made."""

    event: str
    gift: str
    caller: str
    version: int


def answers_in(file: Path) -> list[Answer]:
    """Return what a process was answered until it was killed."""
    if not file.exists():
        return []
    return [Answer(**json.loads(line)) for line in file.read_text().splitlines()]


class Reviewer:
    """Acts at random on one of the last gifts of a campaign."""

    def __init__(self, scope: Scope, campaign_id: UUID, file: int) -> None:
        self._scope = scope
        self._campaign_id = campaign_id
        self._file = file

    async def run(self) -> None:
        """Act without end; wait a moment where the database is away."""
        while True:
            try:
                await self._act()
            except Unavailable:
                await asyncio.sleep(_PAUSE_S)

    async def _act(self) -> None:
        recent = await donations.latest(
            Scope.operator(), campaign_id=self._campaign_id, limit=_RECENT
        )
        if not recent:
            await asyncio.sleep(_PAUSE_S)
            return
        [act] = random.choices([*_ACTS], [*_ACTS.values()])
        try:
            done = await _do(act, self._scope, random.choice(recent).id)
        except Unavailable:
            raise
        except AppError:
            # Somebody was quicker, or there is nothing to undo: that is an answer as well.
            return
        answer = Answer(_told(act, done), str(done.id), self._scope.caller, done.version)
        # One write to a file that is only appended to is there whole, also after kill -9.
        os.write(self._file, (json.dumps(asdict(answer)) + "\n").encode())


async def _do(act: str, scope: Scope, gift: UUID) -> Donation:
    match act:
        case "approve":
            return await donations.approve(scope, gift)
        case "reject":
            return await donations.reject(scope, gift, {"reason": "It was a mistake"})
        case "refund":
            amount = random.choice([None, "0.01", str(random.randint(1, 5_000))])
            return await donations.refund(scope, gift, {"amount": amount, "reason": "They asked"})
        case _:
            return await donations.undo(scope, gift)


def _told(act: str, done: Donation) -> str:
    """Return the event of an act, by the gift as it was after."""
    if act == "approve":
        return "donation_endorsed" if done.status == "pending" else "donation_approved"
    return {
        "reject": "donation_rejected", "refund": "donation_refunded", "undo": "donation_undone",
    }[act]  # fmt: skip


@asynccontextmanager
async def _connected(name: str, database_url: str, pool_size: int) -> AsyncIterator[None]:
    """Be connected under a name by which the server knows this process's connections."""
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    database = db.connect(url.render_as_string(hide_password=False), pool_size=pool_size)

    @sa.event.listens_for(database.engine.sync_engine, "connect")
    def _say_name(connection: Any, _: object) -> None:
        connection.cursor().execute(f"SET application_name = '{name}'")
        connection.commit()

    try:
        yield
    finally:
        await db.disconnect()


async def review(
    name: str, database_url: str, campaign_id: UUID, answers: Path, users: Sequence[UUID]
) -> None:
    """Let each of ``users`` act at the same time, until this is killed."""
    file = os.open(answers, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async with _connected(name, database_url, len(users)), asyncio.TaskGroup() as group:
        for user in users:
            group.create_task(Reviewer(Scope.user(user), campaign_id, file).run())


def main() -> None:
    """Read the command line, and review."""
    name, url, campaign, answers, *users = sys.argv[1:]
    asyncio.run(review(name, url, UUID(campaign), Path(answers), [UUID(one) for one in users]))


if __name__ == "__main__":
    main()
