"""The relay: gives committed events their places, and tells them in that order."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

import psycopg
from psycopg.rows import TupleRow

from financial_live import db, telemetry
from financial_live.errors import Unavailable
from financial_live.event import Event
from financial_live.outbox.models import (
    BEGINNING,
    EVERYTHING,
    TERM,
    WAKE,
    Place,
    Placed,
)
from financial_live.sending import Statement, insertion, rows_text

_APPEND = insertion("outbox", ("name", "topics", "data"))

_log = logging.getLogger(__name__)

POLL_S = 0.05
HEARTBEAT_S = 1.0
_REST_S = 0.02
_BATCH = 500
_RETENTION_DAYS = 7
_PRUNE_S = 3600.0
_STANDBY_S = 1.0
# Any number, the same in every worker: who holds this lock is the relay.
_LOCK_KEY = 7_254_002_025


class Publisher(Protocol):
    """What the relay needs of the bus."""

    async def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish each ``(topic, payload)`` in order. Raises Unavailable."""

    async def watched_topics(self) -> list[str]:
        """Return the topics that somebody listens to. Raises Unavailable."""


_wakers: list[Callable[[], None]] = []


def wake() -> None:
    """Tell this process's relay that something was committed; its poll finds it anyway."""
    for waker in _wakers:
        waker()


async def append(*events: Event) -> None:
    """Write events in the task's open transaction; they are told, in order, once that commits."""
    async with db.transaction():
        rows = [{"name": one.name, "topics": one.topics, "data": one.data} for one in events]
        db.send_later(Statement(_APPEND, {"rows": rows_text(rows)}))
        db.after_commit(wake)


class Relay:
    """Gives committed events their place and publishes them. Run one in every worker.

    Only the holder of the advisory lock works, on the very connection that holds it: a relay that
    has lost its connection has lost the right to write with it. The others stand by.
    """

    def __init__(self, dsn: str, publisher: Publisher) -> None:
        self._dsn = dsn
        self._publisher = publisher
        self._woken = asyncio.Event()
        self._leads = False
        self._term = 0
        self._calling: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Look for events now: another worker has said, on ``WAKE``, that it committed."""
        self._woken.set()

    def _committed(self) -> None:
        """Look for events now if this relay works, else call the one that does."""
        if self._leads:
            self._woken.set()
        elif self._calling is None or self._calling.done():
            self._calling = asyncio.create_task(self._publish([(WAKE, b"")]))

    async def run(self) -> None:
        """Relay until cancelled. Raises psycopg.OperationalError when the database goes away."""
        _wakers.append(self._committed)
        try:
            async with await psycopg.AsyncConnection.connect(
                self._dsn,
                autocommit=True,
                application_name="financial_live relay",
                options=db.SERVER_KEEPALIVE,
                **db.KEEPALIVE,
            ) as connection:
                # A crash of the server may take back the last places given. Nothing is lost: the
                # events are there and get places again, of a new term.
                await connection.execute("SET synchronous_commit = off")
                await self._lead(connection)
        finally:
            self._leads = False
            _wakers.remove(self._committed)

    async def _lead(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        while not await _try_lock(connection):  # noqa: ASYNC110  The lock is in the database.
            await asyncio.sleep(_STANDBY_S)
        self._term = await _begin_term(connection)
        self._leads = True
        await self.repeat_last_seqs(connection)
        next_heartbeat = next_prune = time.monotonic()
        while True:
            self._woken.clear()
            if await self.relay_once(connection):
                # What comes meanwhile is told together: a round costs as much as a gift.
                await asyncio.sleep(_REST_S)
            now = time.monotonic()
            if now >= next_heartbeat:
                next_heartbeat = now + HEARTBEAT_S
                await self.repeat_last_seqs(connection)
            if now >= next_prune:
                next_prune = now + _PRUNE_S
                await _prune(connection)
            # Not wait_for: in Python 3.11 that may lose a cancellation that comes with the waking.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()

    async def relay_once(self, connection: psycopg.AsyncConnection[TupleRow]) -> int:
        """Place and publish all that is waiting; return how many events."""
        total = 0
        while True:
            messages, placed = await _place(connection, self._term)
            if messages:
                await self._publish(messages)
            total += placed
            if placed < _BATCH:
                return total

    async def repeat_last_seqs(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        """Publish the last ``seq`` of every topic that somebody listens to."""
        try:
            topics = [t for t in await self._publisher.watched_topics() if t != WAKE]
        except Unavailable:
            return
        known = dict(await _last_seqs(connection, topics))
        beats = [
            (topic, Placed(Place(self._term, known.get(topic, 0)), None, {}).encode())
            for topic in topics
        ]
        await self._publish(beats)

    async def _publish(self, messages: list[tuple[str, bytes]]) -> None:
        try:
            await self._publisher.publish(messages)
        except Unavailable as error:
            # Listeners find out by the next heartbeat they get, or by its absence.
            _log.debug("not published: %s", error)


async def _try_lock(connection: psycopg.AsyncConnection[TupleRow]) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_KEY])
    row = await cursor.fetchone()
    return bool(row and row[0])


async def _begin_term(connection: psycopg.AsyncConnection[TupleRow]) -> int:
    """Count a new relay, on the disk before anybody hears of it; return its term."""
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = on")
        cursor = await connection.execute(
            "INSERT INTO topic_sequence AS t (topic, seq) VALUES (%s, 1)"
            " ON CONFLICT (topic) DO UPDATE SET seq = t.seq + 1 RETURNING seq",
            [TERM],
        )
        row = await cursor.fetchone()
        assert row is not None
        term = int(row[0])
        await connection.execute(
            "INSERT INTO topic_sequence (topic, seq)"
            " SELECT %s, coalesce((SELECT seq FROM topic_sequence WHERE topic = %s), 0)",
            [f"{BEGINNING}{term}", EVERYTHING],
        )
    return term


async def _place(
    connection: psycopg.AsyncConnection[TupleRow], term: int
) -> tuple[list[tuple[str, bytes]], int]:
    """Give the waiting events their places, in one transaction; return the messages to publish."""
    cursor = await connection.execute(
        "SELECT id, name, topics, data, extract(epoch FROM clock_timestamp() - inserted_at)"
        " FROM outbox WHERE position IS NULL ORDER BY id LIMIT %s",
        [_BATCH],
    )
    waiting = await cursor.fetchall()
    if not waiting:
        return [], 0
    added = Counter(topic for row in waiting for topic in (EVERYTHING, *row[2]))
    async with connection.transaction():
        cursor = await connection.execute(
            "INSERT INTO topic_sequence AS t (topic, seq)"
            " SELECT * FROM unnest(%s::text[], %s::int8[])"
            " ON CONFLICT (topic) DO UPDATE SET seq = t.seq + excluded.seq RETURNING topic, seq",
            [list(added), list(added.values())],
        )
        last: dict[str, int] = {topic: seq - added[topic] async for topic, seq in cursor}
        messages: list[tuple[str, bytes]] = []
        positions: list[int] = []
        for _, name, topics, data, lag_s in waiting:
            telemetry.observe_relay_lag(float(lag_s))
            last[EVERYTHING] += 1
            positions.append(last[EVERYTHING])
            for topic in topics:
                last[topic] += 1
                place = Place(term, last[topic])
                messages.append((topic, Placed(place, name, data, positions[-1]).encode()))
        await connection.execute(
            "UPDATE outbox SET position = p.position"
            " FROM unnest(%s::int8[], %s::int8[]) AS p (id, position) WHERE outbox.id = p.id",
            [[row[0] for row in waiting], positions],
        )
    return messages, len(waiting)


async def _last_seqs(
    connection: psycopg.AsyncConnection[TupleRow], topics: list[str]
) -> list[tuple[str, int]]:
    cursor = await connection.execute(
        "SELECT topic, seq FROM topic_sequence WHERE topic = ANY(%s)", [topics]
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def _prune(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    """Forget events that were told long ago, so that the outbox does not grow for ever.

    They go from the first position on, a batch at a time, so what is left has no gaps. What a
    reader with a cursor has not read yet stays, however old.
    """
    deleted = _BATCH
    while deleted == _BATCH:
        cursor = await connection.execute(
            "DELETE FROM outbox WHERE position IN ("
            " SELECT position FROM outbox WHERE position < (SELECT coalesce(min(position), 0)"
            " FROM outbox WHERE inserted_at >= now() - make_interval(days => %s))"
            " AND position <= ALL (SELECT position FROM outbox_cursor)"
            " ORDER BY position LIMIT %s)",
            [_RETENTION_DAYS, _BATCH],
        )
        deleted = cursor.rowcount
