"""The outbox: facts written in the transaction that makes them true, and the relay that tells them.

``append`` stores an event beside the rows it is about. After the commit one relay, the holder of an
advisory lock, gives each event its place: a gapless ``position`` among all events, and a gapless
``seq`` in each of its topics. It publishes in that order. A listener that sees ``seq`` jump has
missed something and reads again from the database; one that sees a ``seq`` it knows ignores it.
Every second the relay repeats the last ``seq`` of each topic somebody listens to, so the loss of
the very last message is noticed too. The bus may therefore lose, repeat or reorder anything.

A crash of the database may take back the last places, and the next relay gives them to others. So
each message carries its relay's ``term``, which only grows: one of a new term means to read again,
one of an old term means nothing.
"""

from financial_live.outbox.models import (
    EVERYTHING,
    WAKE,
    Mark,
    OutboxCursor,
    OutboxEvent,
    Place,
    Placed,
    TopicSequence,
)
from financial_live.outbox.reading import events_after, last_mark, last_place, read, resumed
from financial_live.outbox.relay import HEARTBEAT_S, POLL_S, Publisher, Relay, append, wake

__all__ = [
    "EVERYTHING",
    "HEARTBEAT_S",
    "POLL_S",
    "WAKE",
    "Mark",
    "OutboxCursor",
    "OutboxEvent",
    "Place",
    "Placed",
    "Publisher",
    "Relay",
    "TopicSequence",
    "append",
    "events_after",
    "last_mark",
    "last_place",
    "read",
    "resumed",
    "wake",
]
