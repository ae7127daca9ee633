"""A fact that happened, as contexts tell it and rooms, webhooks and queues hear it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """A past-tense fact. ``data`` is JSON: money is a decimal string, ids and times are text.

    An event is written to the outbox in the transaction that made it true, and reaches each of
    its ``topics`` with a gapless sequence number of that topic.
    """

    name: str
    topics: tuple[str, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
