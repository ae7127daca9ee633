"""Who a page acts for: whoever's cookie came with its socket, looked up again at each act.

A session may be revoked, or its rights change, while its pages are open. So each worker follows
the users whose sockets it holds, and closes the sockets of a session that has ended, or whose
rights have changed: the page comes back by itself, as who it is now.
"""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import reflex as rx
from engineio.packet import CLOSE, Packet
from reflex.app import EventNamespace

from financial_live import cookies, outbox
from financial_live.bus import Bus
from financial_live.config import get_settings, visitor_address
from financial_live.contexts import accounts
from financial_live.outbox import Place, Placed
from financial_live.scope import Scope

# All pages are one caller: a session may change between a form and its repetition, when the line
# breaks, and the forms' own keys cannot be guessed.
_CALLER = "web"
TOPIC = "user:"
_CHANGES_RIGHTS = frozenset({"member_changed"})
_SWEEP_S = 5.0


def token_of(state: rx.State) -> str | None:
    """Return the token of the session that this page's socket was opened with."""
    return cookies.session_token(_header(state, "cookie"), host=_host(state))


async def scope_of(state: rx.State) -> Scope:
    """Return who the page of ``state`` acts for, as it is now. Raises Unavailable."""
    token = token_of(state)
    scope = await accounts.session_scope(token) if token else None
    if scope is None:
        return Scope.visitor(caller=_CALLER)
    if _followers is not None and scope.session_id is not None and scope.user_id is not None:
        visitor = _Visitor(scope.user_id, scope.session_id)
        if await _followers.follow(state.router.session.session_id, visitor):
            # What changed before they were followed is not heard of.
            scope = await accounts.session_scope(token) if token else None
    return scope or Scope.visitor(caller=_CALLER)


def address_of(state: rx.State) -> str:
    """Return where the page of ``state`` is, as far as our own proxies tell."""
    peer = str(state.router.session.client_ip)
    return visitor_address(_header(state, "x-forwarded-for"), peer, hops=get_settings().proxy_hops)


def agent_of(state: rx.State) -> str:
    """Return the browser of ``state``, as it calls itself."""
    return _header(state, "user-agent")


def _header(state: rx.State, name: str) -> str:
    return str(state.router.headers.raw_headers.get(name, ""))


def _host(state: rx.State) -> str:
    try:
        return urlsplit(f"//{_header(state, 'host')}").hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class _Visitor:
    user_id: UUID
    session_id: UUID


class Followers:
    """The sockets of this worker whose visitors are known. ``run`` must be running."""

    def __init__(self, bus: Bus, namespace: EventNamespace) -> None:
        self._bus = bus
        self._namespace = namespace
        self._visitors: dict[str, _Visitor] = {}
        self._places: dict[UUID, Place] = {}

    async def follow(self, sid: str, visitor: _Visitor) -> bool:
        """Remember whose socket this is, and hear of what happens to its user from now on.

        Returns whether it is new. Raises Unavailable.
        """
        if self._visitors.get(sid) == visitor:
            return False
        topic = _topic(visitor.user_id)
        await self._bus.watch(topic, by="users")
        if visitor.user_id not in self._places:
            self._places.setdefault(visitor.user_id, await outbox.last_place(topic))
        self._visitors[sid] = visitor
        return True

    async def run(self) -> None:
        """Forget who has gone, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            for sid in list(self._visitors):
                if self._engine_id(sid) is None:
                    await self._forget(sid)

    async def _forget(self, sid: str) -> None:
        gone = self._visitors.pop(sid)
        if all(other.user_id != gone.user_id for other in self._visitors.values()):
            self._places.pop(gone.user_id, None)
            await self._bus.unwatch(_topic(gone.user_id), by="users")

    def received(self, topic: str, payload: bytes) -> None:
        """Close the sockets that a message about a user concerns; all, if one was missed."""
        user_id = UUID(topic.removeprefix(TOPIC))
        message = Placed.decode(payload)
        known = self._places.get(user_id, message.place)
        self._places[user_id] = message.place
        follows = known.term == message.place.term and message.place.seq - known.seq <= 1
        if message.name is None:
            follows = message.place == known
        if not follows or message.name in _CHANGES_RIGHTS:
            self._close(user_id, None)
        elif message.name == "session_revoked":
            self._close(user_id, {UUID(one) for one in message.data["session_ids"]})

    def _close(self, user_id: UUID, session_ids: set[UUID] | None) -> None:
        """Close the user's sockets, of these sessions or of all. Their pages come back at once."""
        for sid, visitor in self._visitors.items():
            if visitor.user_id != user_id:
                continue
            if session_ids is None or visitor.session_id in session_ids:
                self._end(sid)

    def _end(self, sid: str) -> None:
        """Tell a browser that its socket ends, and end it once that is sent.

        engine.io's own way sends the word and leaves the end to the browser, which does nothing.
        """
        socket = self._namespace.server.eio.sockets.get(self._engine_id(sid))
        if socket is not None:
            socket.queue.put_nowait(Packet(CLOSE))
            socket.queue.put_nowait(None)

    def _engine_id(self, sid: str) -> str | None:
        manager = self._namespace.server.manager
        return manager.eio_sid_from_sid(sid, self._namespace.namespace)


_followers: Followers | None = None


def _topic(user_id: UUID) -> str:
    return f"{TOPIC}{user_id}"


def follow_users(bus: Bus, namespace: EventNamespace) -> Followers:
    """Let this worker hear when the sessions of its sockets end."""
    global _followers
    _followers = Followers(bus, namespace)
    return _followers
