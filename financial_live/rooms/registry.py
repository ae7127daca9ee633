"""The rooms of a worker: opened by the first watcher, fed by the bus, closed after the last."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from financial_live import telemetry
from financial_live.bus import Bus
from financial_live.outbox import Place, Placed
from financial_live.rooms.room import REREAD_S, Frame, Room
from financial_live.rooms.views import RoomKey, View

_log = logging.getLogger(__name__)

_TICK_S = 1.0
# A room that the last watcher has left is kept this long: reloads and returns are cheap then.
_LINGER_S = 30.0


class Watchers(Protocol):
    """A door's watchers, as the rooms know them."""

    def is_watched(self, key: RoomKey) -> bool:
        """Whether anybody of this door watches the room."""

    async def deliver(self, key: RoomKey, frame: Frame) -> None:
        """Send a frame to this door's watchers of the room. Must not wait for a slow one."""


async def _load(key: RoomKey) -> tuple[Place, View]:
    return await key.load()


class Rooms:
    """Every room of this worker. ``run`` must be running for them to live."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._rooms: dict[RoomKey, Room] = {}
        self._by_topic: dict[str, list[Room]] = {}
        self._doors: list[Watchers] = []
        self._doubts: set[str] = set()

    def attach(self, door: Watchers) -> None:
        """Deliver the frames of every room to ``door`` too."""
        self._doors.append(door)

    def __len__(self) -> int:
        return len(self._rooms)

    def doubt(self, cause: str) -> None:
        """Show every view as stale until ``trust`` is called: what keeps it right has failed."""
        self._doubts.add(cause)
        self._say_soon()

    def trust(self, cause: str) -> None:
        """Take back the doubt for this cause, if there is one."""
        if cause in self._doubts:
            self._doubts.remove(cause)
            self._say_soon()

    def _is_doubted(self) -> bool:
        return bool(self._doubts)

    def _say_soon(self) -> None:
        for room in self._rooms.values():
            room.send_soon()

    async def join(self, key: RoomKey, enter: Callable[[Frame], Awaitable[None]]) -> None:
        """Call ``enter`` with the whole view of the room, which is opened if it is not.

        ``enter`` makes its caller a watcher; no frame falls between the view and the next one.
        """
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = Room(
                key, load=_load, deliver=self._deliver, is_doubted=self._is_doubted
            )
            self._by_topic.setdefault(key.topic, []).append(room)
            await self._bus.watch(key.topic, by="rooms")
        room.unwatched_since = None
        await room.join(enter)

    async def reread(self, key: RoomKey) -> None:
        """Read the room from the database now, and tell its watchers what was different."""
        room = self._rooms.get(key)
        if room is not None:
            await room.read()

    def read_soon(self, key: RoomKey) -> None:
        """Read the room again if it is open, because of what its topic does not tell."""
        room = self._rooms.get(key)
        if room is not None:
            room.read_soon()

    async def _deliver(self, key: RoomKey, frame: Frame) -> None:
        telemetry.count_frame(key.view)
        for door in self._doors:
            await door.deliver(key, frame)

    def received(self, topic: str, payload: bytes) -> None:
        """Take a message from the bus."""
        rooms = self._by_topic.get(topic, [])
        if not rooms:
            return
        try:
            message = Placed.decode(payload)
        except (ValueError, TypeError) as error:
            _log.warning(
                "a message on %s cannot be read, so its rooms read again: %s", topic, error
            )
            self.subscribed(topic)
            return
        for room in rooms:
            room.hear(message)

    def subscribed(self, topic: str) -> None:
        """Read again what may have been missed before the bus was listened to."""
        for room in self._by_topic.get(topic, []):
            room.read_soon()

    async def run(self) -> None:
        """Look after the rooms, until cancelled: notice silence, and close what is left."""
        last_reread = 0.0
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            is_reread_due = now - last_reread >= REREAD_S
            for key, room in list(self._rooms.items()):
                if room.is_stale and is_reread_due:
                    last_reread = now
                    room.read_soon()
                room.send_soon()
                await self._close_if_left(key, room, now)

    async def _close_if_left(self, key: RoomKey, room: Room, now: float) -> None:
        if room.joining or any(door.is_watched(key) for door in self._doors):
            room.unwatched_since = None
        elif room.unwatched_since is None:
            room.unwatched_since = now
        elif now - room.unwatched_since > _LINGER_S:
            del self._rooms[key]
            room.close()
            of_topic = self._by_topic[key.topic]
            of_topic.remove(room)
            if not of_topic:
                del self._by_topic[key.topic]
                await self._bus.unwatch(key.topic, by="rooms")
