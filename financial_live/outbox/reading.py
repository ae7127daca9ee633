"""Reading events again, by their places: by cursor, from a mark on, or of one topic."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from financial_live import db
from financial_live.outbox.models import (
    BEGINNING,
    EVERYTHING,
    TERM,
    Mark,
    OutboxCursor,
    OutboxEvent,
    Place,
    TopicSequence,
)

_BATCH = 500
_READ_AHEAD = 5_000


async def last_place(topic: str) -> Place:
    """Return the last place given in ``topic`` as the task's transaction sees it."""
    async with db.transaction() as session:
        found = await session.execute(
            sa.select(col(TopicSequence.topic), col(TopicSequence.seq)).where(
                col(TopicSequence.topic).in_([topic, TERM])
            )
        )
        seqs = {row.topic: row.seq for row in found}
    return Place(seqs.get(TERM, 0), seqs.get(topic, 0))


async def read(reader: str, names: Collection[str]) -> list[OutboxEvent]:
    """Return the next events of these names for ``reader``, in their order, and count them as read.

    They are read once the task's transaction commits, and again if it does not: what the reader
    does with them in that transaction is done exactly once. Two readers of one name take turns.
    A new one begins with the oldest event there is.
    """
    async with db.transaction() as session:
        await session.execute(
            insert(OutboxCursor).values(name=reader, position=0).on_conflict_do_nothing()
        )
        mine = sa.select(OutboxCursor).where(col(OutboxCursor.name) == reader).with_for_update()
        cursor = (
            await session.execute(mine, execution_options={"populate_existing": True})
        ).scalar_one()
        position = col(OutboxEvent.position)
        ahead = sa.select(position).where(position > cursor.position).order_by(position)
        end = await session.scalar(
            sa.select(sa.func.max(sa.column("position"))).select_from(
                ahead.limit(_READ_AHEAD).subquery()
            )
        )
        if end is None:
            return []
        found = await session.execute(
            sa.select(OutboxEvent)
            .where(position > cursor.position, position <= end, col(OutboxEvent.name).in_(names))
            .order_by(position)
        )
        cursor.position = end
        await session.flush()
        return list(found.scalars())


async def last_mark() -> Mark:
    """Return how far all events have got as the task's transaction sees it."""
    term, position = await last_place(EVERYTHING)
    return Mark(term, position)


async def resumed(mark: Mark) -> int | None:
    """Return the position to read on from after ``mark``; None if what followed is forgotten.

    Positions of a term end for good where the next one began: what a crash took back after that
    was given again, to others.
    """
    async with db.transaction() as session:
        now = await last_mark()
        position: int | None = mark.position
        if mark.term < now.term:
            next_term = f"{BEGINNING}{mark.term + 1}"
            query = sa.select(col(TopicSequence.seq)).where(col(TopicSequence.topic) == next_term)
            beginning = await session.scalar(query)
            position = None if beginning is None else min(mark.position, beginning)
        if position is None or mark.term > now.term or position > now.position:
            return None
        oldest = await session.scalar(sa.select(sa.func.min(col(OutboxEvent.position))))
        is_there = position == now.position or (oldest is not None and oldest <= position + 1)
        return position if is_there else None


async def events_after(topic: str, position: int, *, limit: int = _BATCH) -> list[OutboxEvent]:
    """Return the next events of ``topic`` after ``position``, in their order."""
    async with db.transaction() as session:
        found = await session.execute(
            sa.select(OutboxEvent)
            .where(col(OutboxEvent.position) > position)
            .where(col(OutboxEvent.topics).contains([topic]))
            .order_by(col(OutboxEvent.position))
            .limit(limit)
        )
        return list(found.scalars())
