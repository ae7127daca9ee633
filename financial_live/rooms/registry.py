"""The rooms of a worker: opened by the first watcher, fed by the bus, closed after the last."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from financial_live import telemetry
from financial_live.bus import Bus
from financial_live.outbox import Placed
from financial_live.rooms.room import REREAD_S, Frame, Room
from financial_live.rooms.views import RoomKey

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


class Rooms:
    """Every room of this worker. ``run`` must be running for them to live."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._rooms: dict[RoomKey, Room] = {}
        self._doors: list[Watchers] = []

    def attach(self, door: Watchers) -> None:
        """Deliver the frames of every room to ``door`` too."""
        self._doors.append(door)

    def __len__(self) -> int:
        return len(self._rooms)

    async def join(self, key: RoomKey, enter: Callable[[Frame], Awaitable[None]]) -> None:
        """Call ``enter`` with the whole view of the room, which is opened if it is not.

        ``enter`` makes its caller a watcher; no frame falls between the view and the next one.
        """
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = Room(key, load=RoomKey.load, deliver=self._deliver)
            await self._bus.watch(key.topic)
        room.unwatched_since = None
        await room.join(enter)

    async def reread(self, key: RoomKey) -> None:
        """Read the room from the database now, and tell its watchers what was different."""
        room = self._rooms.get(key)
        if room is not None:
            await room.read()

    async def _deliver(self, key: RoomKey, frame: Frame) -> None:
        telemetry.count_frame(key.view)
        for door in self._doors:
            await door.deliver(key, frame)

    def _of(self, topic: str) -> list[Room]:
        return [room for key, room in self._rooms.items() if key.topic == topic]

    def received(self, topic: str, payload: bytes) -> None:
        """Take a message from the bus."""
        rooms = self._of(topic)
        if rooms:
            message = Placed.decode(payload)
            for room in rooms:
                room.hear(message)

    def subscribed(self, topic: str) -> None:
        """Read again what may have been missed before the bus was listened to."""
        for room in self._of(topic):
            room.read_soon()

    def interrupted(self) -> None:
        """Nothing to do: each room notices the silence by itself, whatever its cause."""

    async def run(self) -> None:
        """Listen to the bus and look after the rooms, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bus.listen(self))
            tasks.create_task(self._look_after())

    async def _look_after(self) -> None:
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
        if any(door.is_watched(key) for door in self._doors):
            room.unwatched_since = None
        elif room.unwatched_since is None:
            room.unwatched_since = now
        elif now - room.unwatched_since > _LINGER_S:
            del self._rooms[key]
            room.close()
            if not self._of(key.topic):
                await self._bus.unwatch(key.topic)
