"""One frame to many sockets: encoded once, put straight into each one's queue, and bounded.

A room emit of Socket.IO starts a task for each member, and puts no limit to the queue of a member
that does not read. Here the same packet goes into every queue in one pass. A member whose queue has
``MAX_QUEUED`` packets is *behind*: it gets no more frames, so its queue does not grow, and once it
has read what it has, it gets the whole view instead of what it missed. Nobody waits for it, and
``financial_live.asgi`` lets go of one that is stuck for long.

A socket that nothing was put into for a while gets a packet that says nothing, so that a page which
hears nothing at all knows that its line is dead (``assets/line.js``).
"""

from collections.abc import Iterable
from typing import Any

from engineio import packet as engine_packet
from reflex.app import EventNamespace
from socketio import packet as socket_packet

MAX_QUEUED = 8
_EVENT = "event"
_NOTHING = engine_packet.Packet(engine_packet.NOOP)


class Fanout:
    """The sockets of this worker's sessions, as far as frames concern them."""

    def __init__(self, namespace: EventNamespace) -> None:
        self._namespace = namespace
        self._behind: dict[str, str] = {}
        self._told: set[str] = set()

    def send(self, room: str, update: dict[str, Any]) -> None:
        """Send ``update`` to every member of ``room`` that keeps up, in the order of calls."""
        packets = self._encoded(update)
        for session_id, engine_id in self._members(room):
            queue = self._queue(engine_id)
            if queue is None or session_id in self._behind:
                continue
            if queue.qsize() >= MAX_QUEUED:
                self._behind[session_id] = room
                continue
            for packet in packets:
                queue.put_nowait(packet)
            self._told.add(engine_id)

    def send_view(self, session_id: str, room: str, update: dict[str, Any]) -> None:
        """Send the whole view of ``room`` to one member, which is then no longer behind.

        One whose queue is full is behind in this room instead, and gets the view when it has read.
        """
        self._behind.pop(session_id, None)
        if not self._put(session_id, update):
            self._behind[session_id] = room

    def tell(self, session_id: str, update: dict[str, Any]) -> None:
        """Send one session a note that it can do without, if it keeps up."""
        if session_id not in self._behind:
            self._put(session_id, update)

    def _put(self, session_id: str, update: dict[str, Any]) -> bool:
        """Send to one session; return whether it has room for more, or is gone."""
        # Socket.IO calls each session's own room by its id.
        for _, engine_id in self._members(session_id):
            queue = self._queue(engine_id)
            if queue is not None and queue.qsize() >= MAX_QUEUED:
                return False
            if queue is not None:
                for packet in self._encoded(update):
                    queue.put_nowait(packet)
        return True

    def quiet(self) -> list[str]:
        """Return the sockets that were told nothing since this was last called."""
        told, self._told = self._told, set()
        return [e for _, e in self._members(None) if e not in told]

    def beat(self, engine_ids: Iterable[str]) -> None:
        """Let these sockets hear that the line is alive, but for those with packets to read."""
        for engine_id in engine_ids:
            queue = self._queue(engine_id)
            if queue is not None and queue.empty():
                queue.put_nowait(_NOTHING)
                self._told.add(engine_id)

    def is_empty(self, room: str) -> bool:
        """Whether nobody is in ``room``."""
        return next(iter(self._members(room)), None) is None

    def caught_up(self) -> list[tuple[str, str]]:
        """Return ``(session, room)`` of those behind who have read all they had, and forget them.

        Each of them must be sent the whole view now, unless it has left.
        """
        ready: list[tuple[str, str]] = []
        members = {room: dict(self._members(room)) for room in set(self._behind.values())}
        for session_id, room in list(self._behind.items()):
            engine_id = members[room].get(session_id)
            queue = self._queue(engine_id) if engine_id else None
            if queue is None or queue.empty():
                del self._behind[session_id]
            if queue is not None and queue.empty():
                ready.append((session_id, room))
        return ready

    def _members(self, room: str | None) -> Any:
        """Return ``(session, socket)`` of those in ``room``; None is the room of everybody."""
        manager = self._namespace.server.manager
        try:
            return list(manager.get_participants(self._namespace.namespace, room))
        except KeyError:
            return []

    def _queue(self, engine_id: str) -> Any:
        socket = self._namespace.server.eio.sockets.get(engine_id)
        return None if socket is None or socket.closed else socket.queue

    def _encoded(self, update: dict[str, Any]) -> list[engine_packet.Packet]:
        packet = self._namespace.server.packet_class(
            socket_packet.EVENT, namespace=self._namespace.namespace, data=[_EVENT, update]
        )
        encoded = packet.encode()
        parts = encoded if isinstance(encoded, list) else [encoded]
        return [engine_packet.Packet(engine_packet.MESSAGE, part) for part in parts]
