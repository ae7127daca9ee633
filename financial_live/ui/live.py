"""Turns room frames into what the browser merges, and sessions into members of rooms.

A frame is encoded once and emitted to a Socket.IO room of the same name; no session's state is
touched, locked or held for it. The state classes here therefore only declare what the browser
shows: the server's copies stay at their defaults, and are never sent (``_Received.dict``), so a
reconnect does not blank the screen before the new snapshot arrives.

The delta format is Reflex's own; ``tests/ui/test_live.py`` and the browser stories hold it.
"""

import asyncio
import logging
import time
from typing import Any

import reflex as rx
from reflex.app import EventNamespace
from reflex.state import _override_base_method
from reflex_base.constants.state import FIELD_MARKER
from reflex_base.utils.format import to_snake_case

from financial_live.errors import Unavailable
from financial_live.rooms import Frame, RoomKey, Rooms
from financial_live.rooms.views import CAMPAIGN_GIFTS, CAMPAIGNS_PER_PAGE, GIFTS
from financial_live.ui.fanout import Fanout
from financial_live.ui.stream import Slots

_log = logging.getLogger(__name__)

_ROOM = "room:"
_CATCH_UP_S = 0.1
# A quiet socket hears something in every other round of so many turns: twice in a page's patience.
_TURNS = 5
_LOAD_AGAIN_S = 2.0


class _Received(rx.State, mixin=True):
    """A state whose variables come from a room and live in the browser only."""

    stale: int = 0

    @classmethod
    @_override_base_method
    def get_name(cls) -> str:
        """Return the class' own name: it is in every frame, and where it is written matters not."""
        return to_snake_case(cls.__name__)

    @_override_base_method
    def dict(
        self, include_computed: bool = True, initial: bool = False, **kwargs: Any
    ) -> dict[str, Any]:
        """Return the compiled defaults for the build, and nothing for a running page."""
        if not initial:
            return {}
        defaults: dict[str, Any] = super().dict(include_computed, initial, **kwargs)
        return defaults


class CampaignLive(_Received, rx.State):
    """One campaign's numbers. Amounts are decimal strings, formatted in the browser."""

    id: str = ""
    slug: str = ""
    name: str = ""
    description: str = ""
    currency: str = "USD"
    status: str = "active"
    goal_amount: str = "0"
    total_raised: str = "0"
    matched_total: str = "0"
    transferred_total: str = "0"
    total: str = "0"
    gift_count: int = 0
    largest: str = ""
    challenges: list[dict[str, Any]] = []
    milestones: list[dict[str, Any]] = []
    missing: bool = False


class CampaignsLive(_Received, rx.State):
    """A page of the list of campaigns; its rows are a stream."""

    subject: str = ""
    page: int = 0
    pages: int = 0
    total: int = 0
    loaded: bool = False


class DonationsLive(_Received, rx.State):
    """The last gifts to any campaign; its rows are a stream.

    The campaigns are named in fields of their own (``CAMPAIGN_FIELD``), which no class can declare.
    """

    loaded: bool = False


class PageLive(_Received, rx.State):
    """What a page that reads for itself follows: another ``stamp`` means to read again."""

    stamp: str = ""


_STATES: dict[str, tuple[type[rx.State], int]] = {
    "campaign": (CampaignLive, CAMPAIGN_GIFTS),
    "campaigns": (CampaignsLive, CAMPAIGNS_PER_PAGE),
    "donations": (DonationsLive, GIFTS),
    "account": (PageLive, 0),
    "team": (PageLive, 0),
    "review": (PageLive, 0),
}


class LiveDoor:
    """The sessions of this worker as watchers of rooms. ``run`` must be running."""

    def __init__(self, rooms: Rooms, namespace: EventNamespace) -> None:
        self._rooms = rooms
        self._namespace = namespace
        self._fanout = Fanout(namespace)
        self._slots: dict[RoomKey, Slots] = {}
        self._keys: dict[str, RoomKey] = {}

    def is_watched(self, key: RoomKey) -> bool:
        """Whether any session is in the room."""
        if self._fanout.is_empty(_ROOM + str(key)):
            self._slots.pop(key, None)
            self._keys.pop(_ROOM + str(key), None)
            return False
        return True

    async def deliver(self, key: RoomKey, frame: Frame) -> None:
        """Send ``frame`` to every session in the room."""
        self._fanout.send(_ROOM + str(key), self._update(key, frame))

    def _update(self, key: RoomKey, frame: Frame) -> dict[str, Any]:
        state, size = _STATES[key.view]
        slots = self._slots.setdefault(key, Slots(size))
        update: dict[str, Any] = {k + FIELD_MARKER: v for k, v in frame.fields.items()}
        if frame.reset:
            update.update(slots.reset(frame.rows))
        else:
            update.update(slots.change(frame.rows, frame.removed))
        return {"delta": {state.get_full_name(): update}}

    async def run(self) -> None:
        """Bring those who fell behind up to date, and let the others hear that we are here."""
        while True:
            quiet = self._fanout.quiet()
            for turn in range(_TURNS):
                await asyncio.sleep(_CATCH_UP_S)
                self._fanout.beat(quiet[turn::_TURNS])
                await self._catch_up()

    async def _catch_up(self) -> None:
        for session_id, room in self._fanout.caught_up():
            key = self._keys.get(room)
            if key is not None:
                await self._show_again(session_id, key)

    async def _show_again(self, session_id: str, key: RoomKey) -> None:
        room = _ROOM + str(key)

        async def show(snapshot: Frame) -> None:
            # Meanwhile its visitor may have gone to another page.
            if room in self._namespace.rooms(session_id):
                self._fanout.send_view(session_id, room, self._update(key, snapshot))

        await self._rooms.join(key, show)

    async def enter(self, session_id: str, key: RoomKey) -> dict[str, Any]:
        """Make the session a member of this room and of no other; it gets the whole view first.

        Returns the fields of that view.
        """
        await self.leave(session_id)
        room = _ROOM + str(key)
        fields: dict[str, Any] = {}

        async def enter(snapshot: Frame) -> None:
            fields.update(snapshot.fields)
            try:
                await self._namespace.enter_room(session_id, room)
            except (ValueError, KeyError):
                _log.debug("session %s went away before it entered %s", session_id, key)
                return
            self._keys[room] = key
            self._fanout.send_view(session_id, room, self._update(key, snapshot))

        await self._rooms.join(key, enter)
        return fields

    def say_stale(self, session_id: str, view: str) -> None:
        """Tell one session that what it shows of ``view`` cannot be read now."""
        state, _ = _STATES[view]
        stale = {"stale" + FIELD_MARKER: int(time.time() // 60)}
        self._fanout.tell(session_id, {"delta": {state.get_full_name(): stale}})

    async def reread(self, key: RoomKey) -> None:
        """Read the room from the database; whoever is in it is told what was different."""
        await self._rooms.reread(key)

    async def leave(self, session_id: str) -> None:
        """Take the session out of its rooms; a page that navigates within the site must."""
        for room in list(self._namespace.rooms(session_id)):
            if room.startswith(_ROOM):
                await self._namespace.leave_room(session_id, room)


_door: LiveDoor | None = None


def open_door(rooms: Rooms, namespace: EventNamespace) -> LiveDoor:
    """Let this worker's sessions watch ``rooms``."""
    global _door
    _door = LiveDoor(rooms, namespace)
    rooms.attach(_door)
    return _door


async def watch(state: rx.State, key: RoomKey) -> dict[str, Any]:
    """Show the room's view on the page of ``state``, from now until it navigates or closes.

    Returns the fields of the view. Raises Unavailable while the database does not answer; the page
    then says that it is stale.
    """
    if _door is None:
        raise RuntimeError("open_door was not called in this worker")
    try:
        return await _door.enter(state.router.session.session_id, key)
    except Unavailable:
        say_stale(state, key.view)
        raise


async def follow(state: rx.State, key: RoomKey) -> str:
    """Let the page of ``state`` hear when what it shows has moved; return the stamp until then.

    What is read after this is at least as new as the stamp. The page keeps it beside what it shows,
    and has ``components.values.follow`` compare. Raises Unavailable like ``watch``.
    """
    return str((await watch(state, key))["stamp"])


def say_stale(state: rx.State, view: str) -> None:
    """Let the page of ``state`` say that what it shows of ``view`` may not be right."""
    if _door is not None:
        _door.say_stale(state.router.session.session_id, view)


class LoadsAgain(rx.State, mixin=True):
    """A page that loads again by itself after it could not: return ``load_again`` from ``load``."""

    @rx.event(background=True)
    async def load_again(self) -> Any:
        """Load in a moment, if the visitor is still on the page."""
        async with self:
            path = self.router.url.path
        await asyncio.sleep(_LOAD_AGAIN_S)
        async with self:
            is_still_here = self.router.url.path == path
        if is_still_here:
            yield self.__class__.load


async def reread(state: rx.State, key: RoomKey) -> None:
    """Read the room from the database, for everybody in it, and show it whole on this page."""
    if _door is not None:
        await _door.reread(key)
    await watch(state, key)


async def unwatch(state: rx.State) -> None:
    """Stop showing any room on the page of ``state``."""
    if _door is not None:
        await _door.leave(state.router.session.session_id)
