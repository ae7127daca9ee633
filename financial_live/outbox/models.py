"""Events as they are stored, their places, and the messages that tell of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

# Every event is also in this pseudo topic; its ``seq`` there is the event's ``position``.
EVERYTHING = "*"
# And the ``seq`` of this one counts the relays there ever were.
TERM = "#term"
# The ``seq`` of this one and a term is the ``position`` at which the relay of that term began.
BEGINNING = "#begin:"
# On this topic of the bus, which holds no events, a worker calls the relay of another.
WAKE = "outbox"


class OutboxEvent(SQLModel, table=True):
    """An event as stored. ``position`` is empty until the relay has given it its place."""

    __tablename__ = "outbox"

    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    )
    name: str = Field(sa_type=sa.Text, nullable=False)
    topics: list[str] = Field(sa_column=sa.Column(ARRAY(sa.Text), nullable=False))
    data: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    position: int | None = Field(default=None, sa_column=sa.Column(sa.BigInteger, nullable=True))
    inserted_at: datetime = Field(
        default_factory=lambda: datetime.now(UTC),
        sa_column=sa.Column(
            sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
    )

    __table_args__ = (
        sa.UniqueConstraint("position", name="outbox_position_key"),
        sa.CheckConstraint("cardinality(topics) > 0", name="outbox_has_topics"),
        # The relay looks only for what has no place yet: nearly nothing, however long the table.
        sa.Index("outbox_unplaced_index", "id", postgresql_where=sa.text("position IS NULL")),
        sa.Index("outbox_inserted_at_index", "inserted_at"),
        # Who goes on with a quiet topic must not read all that happened in the others.
        sa.Index("outbox_topics_index", "topics", postgresql_using="gin"),
    )


class TopicSequence(SQLModel, table=True):
    """The last ``seq`` given in a topic."""

    __tablename__ = "topic_sequence"

    topic: str = Field(sa_column=sa.Column(sa.Text, primary_key=True))
    seq: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))


class OutboxCursor(SQLModel, table=True):
    """How far a reader of its own has read: all that has a place up to ``position``."""

    __tablename__ = "outbox_cursor"

    name: str = Field(sa_column=sa.Column(sa.Text, primary_key=True))
    position: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))


class Place(NamedTuple):
    """How far a topic has got: the last ``seq`` given in it, by the relay of ``term``."""

    term: int
    seq: int


class Mark(NamedTuple):
    """How far somebody has read of all events: up to a ``position`` that a relay's ``term`` gave.

    As text it is the id of an event in a stream: ``12-3456``.
    """

    term: int
    position: int

    def __str__(self) -> str:
        return f"{self.term}-{self.position}"

    @classmethod
    def read(cls, text: str) -> "Mark | None":
        """Return the mark that ``text`` is; None if it is none."""
        term, _, position = text.partition("-")
        parts = (term, position)
        is_mark = all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts)
        return cls(int(term), int(position)) if is_mark else None


@dataclass(frozen=True, slots=True)
class Placed:
    """A message as it travels on the bus: an event in its place, or a repeated last ``seq``."""

    place: Place
    name: str | None
    data: dict[str, Any]
    position: int = 0
    """The event's place among all events; 0 in a message that is none."""

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return orjson.dumps([*self.place, self.name, self.data, self.position])

    @classmethod
    def decode(cls, payload: bytes) -> "Placed":
        """Read a message's bytes. Raises ValueError if they are not one."""
        match orjson.loads(payload):
            case [int(term), int(seq), str() | None as name, dict() as data, int(position)]:
                return cls(Place(term, seq), name, data, position)
        raise ValueError(f"not a message: {payload[:80]!r}")
