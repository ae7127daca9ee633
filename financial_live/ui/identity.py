"""Who a page acts for: whoever's cookie came with its socket, looked up again at each act.

A session may be revoked, or its rights change, while its pages are open. So each worker follows
the users whose sockets it holds, and closes the sockets of a session that has ended, or whose
rights have changed: the page comes back by itself, as who it is now.

Reflex finds a page's state again by a token that the browser's tab keeps, whoever comes with it.
Here a state belongs to a tab and a living session together: who comes to the same tab later, or
with a session that has ended, finds nothing of what was shown before.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import reflex as rx
from engineio.packet import CLOSE, Packet
from reflex.app import EventNamespace

from financial_live import cookies, outbox
from financial_live.bus import Bus
from financial_live.config import get_settings, visitor_address
from financial_live.contexts import accounts
from financial_live.errors import Unavailable
from financial_live.outbox import Place, Placed
from financial_live.scope import Scope

# All pages are one caller: a session may change between a form and its repetition, when the line
# breaks, and the forms' own keys cannot be guessed.
_CALLER = "web"
TOPIC = "user:"
_CHANGES_RIGHTS = frozenset({"member_changed"})
_SWEEP_S = 5.0
# A page must open while the database hangs: it then says that it waits.
_PATIENCE_S = 2.0


def token_of(state: rx.State) -> str | None:
    """Return the token of the session that this page's socket was opened with."""
    return cookies.session_token(_header(state, "cookie"), host=_name_of(_header(state, "host")))


async def scope_of(state: rx.State) -> Scope:
    """Return who the page of ``state`` acts for, as it is now, and where. Raises Unavailable."""
    return (await _scope_of(state)).at(address_of(state))


async def _scope_of(state: rx.State) -> Scope:
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


def _name_of(host: str) -> str:
    """Return the name in a Host header, without its port; empty if it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class Namespace(EventNamespace):
    """Reflex's end of the event sockets, for visitors who must not get each other's states."""

    async def link_token_to_sid(self, sid: str, token: str, *, update_state: bool = True) -> None:
        """Give a socket the state of its tab and session."""
        whose = await _session_of(self.server.get_environ(sid, self.namespace) or {})
        key = hashlib.sha256(f"{whose} {token}".encode("utf-8", "replace")).hexdigest()
        await super().link_token_to_sid(sid, key, update_state=update_state)


async def _session_of(environ: Mapping[str, Any]) -> str:
    """Return the id of the living session that a socket is opened with, empty if there is none."""
    sent = environ.get("asgi.scope", {}).get("headers", [])
    cookie, host = (
        "; ".join(value.decode("latin-1") for name, value in sent if name == wanted)
        for wanted in (b"cookie", b"host")
    )
    token = cookies.session_token(cookie, host=_name_of(host))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            scope = await accounts.session_scope(token) if token else None
    except (Unavailable, TimeoutError):
        return ""  # The page begins anew, and says itself that it cannot be right now.
    return str(scope.session_id) if scope is not None else ""


def keep_apart(app: rx.App) -> None:
    """Let ``app`` give each visitor a state of their own. Call it before the app serves."""
    before = app.event_namespace
    assert before is not None, "Reflex made no event namespace"
    assert app.sio is not None, "Reflex made no event socket"
    app._event_namespace = Namespace(before.namespace, app)
    app.sio.register_namespace(app._event_namespace)


@dataclass(frozen=True, slots=True)
class _Visitor:
    user_id: UUID
    session_id: UUID


class Followers:
    """The sockets of this worker whose visitors are known. ``run`` must be running.

    ``tell`` is called with the user whenever something is told of one, or may have been.
    """

    def __init__(
        self, bus: Bus, namespace: EventNamespace, *, tell: Callable[[UUID], None]
    ) -> None:
        self._bus = bus
        self._namespace = namespace
        self._tell = tell
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
        known = self._places.get(user_id)
        if known is None:  # Others of this worker listen to this user.
            return
        message = Placed.decode(payload)
        self._places[user_id] = message.place
        follows = known.term == message.place.term and message.place.seq - known.seq <= 1
        if message.name is None:
            follows = message.place == known
        if not follows or message.name is not None:
            self._tell(user_id)
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


def follow_users(bus: Bus, namespace: EventNamespace, *, tell: Callable[[UUID], None]) -> Followers:
    """Let this worker hear when the sessions of its sockets end, and ``tell`` of whom it hears."""
    global _followers
    _followers = Followers(bus, namespace, tell=tell)
    return _followers
