"""Models of browsers, which merge updates as Reflex's own code does, and of their sockets."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import Mock

import orjson
from reflex_base.constants.state import FIELD_MARKER
from socketio.packet import Packet as SocketPacket

from financial_live.rooms import RoomKey
from financial_live.ui import live
from tests.rooms.world import Data


@dataclass
class Socket:
    """A socket of engine.io: a queue that the browser's line empties."""

    queue: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    closed: bool = False


class Browser:
    """A browser on one page of the site, and all that it has merged so far."""

    def __init__(self, session_id: str, key: RoomKey) -> None:
        self.session_id = session_id
        self.key: RoomKey | None = key
        self.socket = Socket()
        self.states: dict[str, Data] = {}
        self.loading: asyncio.Task[None] | None = None
        self.must_load = False
        self.reads = True

    def read(self, most: int = 1000) -> None:
        """Merge what has arrived, or the first ``most`` updates of it."""
        for _ in range(min(most, self.socket.queue.qsize())):
            text = self.socket.queue.get_nowait().encode()
            if "[" not in text:
                continue  # It only says that the line is alive.
            [delta] = [orjson.loads(text[text.index("[") :])[1]["delta"]]
            for state, update in delta.items():
                self.states.setdefault(state, {}).update(update)

    def shown(self) -> tuple[Data, list[Data]] | None:
        """Return the fields and the ordered rows of its page; None before anything came."""
        assert self.key is not None
        state, size = live._STATES[self.key.view]
        held = self.states.get(state.get_full_name())
        if held is None:
            return None
        fields = {
            k.removesuffix(FIELD_MARKER): v for k, v in held.items() if k.endswith(FIELD_MARKER)
        }
        rows = [row for slot in range(size) if (row := held[f"r{slot}"]) is not None]
        return fields, sorted(rows, key=lambda row: (row["at"], row["id"]), reverse=True)


class Namespace:
    """The event namespace, as far as the door uses it. A session is a socket of its own id."""

    namespace = "/_event"

    def __init__(self) -> None:
        self.members: dict[str, dict[str, None]] = {}
        self.sockets: dict[str, Socket] = {}
        self.server = Mock()
        self.server.packet_class = SocketPacket
        self.server.manager.get_participants = self._participants
        self.server.eio.sockets = self.sockets

    def _participants(self, namespace: str, room: str | None) -> Any:
        if room is None:  # The room of everybody.
            return iter([(sid, sid) for sid in self.sockets])
        if room in self.sockets:
            return iter([(room, room)])
        return iter([(sid, sid) for sid in self.members.get(room, {})])

    def rooms(self, sid: str) -> list[str]:
        return [sid, *(room for room, sids in self.members.items() if sid in sids)]

    async def enter_room(self, sid: str, room: str) -> None:
        if sid not in self.sockets:
            raise ValueError("sid is not connected to requested namespace")
        self.members.setdefault(room, {})[sid] = None

    async def leave_room(self, sid: str, room: str) -> None:
        self.members[room].pop(sid, None)

    def disconnect(self, sid: str) -> None:
        del self.sockets[sid]
        for sids in self.members.values():
            sids.pop(sid, None)
