"""The events of a topic as they are told, one after another, for those who act on each of them.

A room shows what is; a feed tells what happened. Who follows one gets every event in its order, and
after a break goes on from the mark of the last: from the bus as long as its messages follow on each
other, else from the outbox, which keeps them for a week. An event comes once; the last ones before
a change of the relay may come twice.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from financial_live import db, outbox
from financial_live.bus import Bus
from financial_live.errors import Unavailable
from financial_live.outbox import Mark, OutboxEvent, Place, Placed
from financial_live.rooms.room import REREAD_S, SILENCE_S

_log = logging.getLogger(__name__)

# Who is so many events behind is let go, and comes back with the mark of the last it got.
MAX_WAITING = 1_000
_TICK_S = 1.0
# A crowd that comes back with old marks must leave time, and connections, to those who give.
_AT_ONCE = 100
_READERS = 2
_BY = "feeds"
_NOWHERE = Place(-1, -1)


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and the mark from which to read on after it."""

    mark: Mark
    name: str
    data: Mapping[str, Any]


class TooSlow(Exception):
    """The follower has not taken what was told for so long that nothing more is kept for it."""


class Follower:
    """Somebody who follows a feed, after a mark: out of the outbox until that has no more."""

    def __init__(
        self,
        topic: str,
        mark: Mark,
        *,
        now: Mark | None = None,
        reading: asyncio.Semaphore | None = None,
    ) -> None:
        self.mark = mark
        self._reading = reading or asyncio.Semaphore()
        # What has a mark up to this one had happened before anybody followed.
        self.began = mark if now is None else now
        self._topic = topic
        # Whether it still reads from the outbox.
        self.is_behind = True
        # What the feed tells is kept before the last look into the outbox, and not long before.
        self._listens = False
        self._backlog: deque[OutboxEvent] = deque()
        self._waiting: asyncio.Queue[Told] = asyncio.Queue(MAX_WAITING)
        self._is_too_slow = False

    def tell(self, told: Told) -> None:
        """Keep an event for the follower."""
        if not self._listens:
            return
        try:
            self._waiting.put_nowait(told)
        except asyncio.QueueFull:
            self._is_too_slow = True

    def skip(self, mark: Mark) -> None:
        """Leave out what happened up to ``mark``: who follows has read it elsewhere."""
        self.mark = max(self.mark, mark)

    async def next(self) -> Told:
        """Return the next event when there is one. Raises TooSlow, and Unavailable."""
        while not self._is_too_slow:
            told = await self._unheard()
            if told is not None:
                return told
        raise TooSlow

    async def some(self) -> list[Told]:
        """Return the next event when there is one, and those at hand. Raises like ``next``."""
        found = [await self.next()]
        while self._backlog or not (self.is_behind or self._waiting.empty()):
            told = await self._unheard()
            if told is not None:
                found.append(told)
        return found

    async def _unheard(self) -> Told | None:
        told = await self._next()
        # What was read from the outbox may be told by the feed as well.
        if told is None or told.mark <= self.mark:
            return None
        self.mark = told.mark
        return told

    async def _next(self) -> Told | None:
        if self._backlog:
            event = self._backlog.popleft()
            assert event.position is not None
            return Told(Mark(self.mark.term, event.position), event.name, event.data)
        if not self.is_behind:
            return await self._waiting.get()
        had_listened = self._listens
        async with self._reading:
            missed = await outbox.events_after(self._topic, self.mark.position, limit=_AT_ONCE)
        self._backlog.extend(missed)
        if not self._backlog:
            self._listens, self.is_behind = True, not had_listened
        return None


class Feed:
    """The events of one topic in this worker, for all who follow it."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.followers: list[Follower] = []
        self.users = 0  # Those who are about to follow it as well.
        self._place = _NOWHERE
        self._latest = _NOWHERE
        self._mark = Mark(-1, 0)
        self._reading: asyncio.Task[None] | None = None
        self._heard_at = self._read_at = time.monotonic()

    def hear(self, message: Placed) -> None:
        """Take a message of the bus."""
        self._heard_at = time.monotonic()
        self._latest = max(self._latest, message.place)
        if self._is_reading or message.place <= self._place:
            return
        term, seq = message.place
        if message.name is None or (term, seq - 1) != self._place:
            self.read_soon()
            return
        self._place = message.place
        self._tell(Told(Mark(term, message.position), message.name, message.data))

    def _tell(self, told: Told) -> None:
        self._mark = told.mark
        for follower in self.followers:
            follower.tell(told)

    @property
    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    def read_soon(self) -> None:
        """Read from the outbox what may have been missed; what is heard meanwhile is in it."""
        if not self._is_reading:
            self._reading = asyncio.create_task(self._read_on())

    async def _read_on(self) -> None:
        try:
            await self.read()
        except Unavailable as error:
            _log.debug("the feed of %s cannot be read now: %s", self.topic, error)

    async def read(self) -> None:
        """Tell what is in the outbox and was not told yet. Raises Unavailable."""
        self._read_at = time.monotonic()
        while True:
            # What was heard before is in the snapshot, or was lost with a crash of the database.
            self._latest = _NOWHERE
            async with db.snapshot():
                place = await outbox.last_place(self.topic)
                end = await outbox.last_mark()
                if self._mark.term < 0:
                    self._mark = end
                position = await outbox.resumed(self._mark)
                if position is None:
                    position = self._mark.position
                events = await outbox.events_after(self.topic, position)
            for event in events:
                assert event.position is not None
                self._tell(Told(Mark(end.term, event.position), event.name, event.data))
            if events:
                continue
            self._place, self._mark = place, end
            if self._latest <= place:
                return

    def look_after(self, now: float) -> None:
        """Notice that the bus is silent, which is no sign that nothing happens."""
        if now - self._heard_at > SILENCE_S and now - self._read_at > REREAD_S:
            self.read_soon()

    def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()


class Feeds:
    """Every feed of this worker. ``run`` must be running for them to live."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._feeds: dict[str, Feed] = {}
        self._reading = asyncio.Semaphore(_READERS)

    @asynccontextmanager
    async def follow(
        self, topic: str, after: Mark | None = None
    ) -> AsyncIterator[tuple[Follower, Mark | None]]:
        """Follow a topic after a mark, or from now on.

        Yields the follower, and the mark of now where what followed ``after`` is not known any
        more, or no ``after`` was given: then only what happens from now on is told. Raises
        Unavailable.
        """
        is_new = topic not in self._feeds
        feed = self._feeds.setdefault(topic, Feed(topic))
        feed.users += 1
        try:
            if is_new:
                await self._bus.watch(topic, by=_BY)
                feed.read_soon()
            async with db.snapshot():
                now = await outbox.last_mark()
                position = await outbox.resumed(after) if after is not None else None
            begin = now if position is None else Mark(now.term, position)
            follower = Follower(topic, begin, now=now, reading=self._reading)
            feed.followers.append(follower)
            try:
                yield follower, now if position is None else None
            finally:
                feed.followers.remove(follower)
        finally:
            feed.users -= 1

    def received(self, topic: str, payload: bytes) -> None:
        """Take a message from the bus."""
        feed = self._feeds.get(topic)
        if feed is None:
            return
        try:
            feed.hear(Placed.decode(payload))
        except (ValueError, TypeError) as error:
            _log.warning("a message on %s cannot be read, so its feed reads: %s", topic, error)
            feed.read_soon()

    def subscribed(self, topic: str) -> None:
        """Read what may have been missed before the bus was listened to."""
        feed = self._feeds.get(topic)
        if feed is not None:
            feed.read_soon()

    async def run(self) -> None:
        """Look after the feeds, until cancelled: notice silence, and close what is left."""
        while True:
            await asyncio.sleep(_TICK_S)
            for topic, feed in list(self._feeds.items()):
                feed.look_after(time.monotonic())
                if feed.users == 0:
                    del self._feeds[topic]
                    feed.close()
                    await self._bus.unwatch(topic, by=_BY)
