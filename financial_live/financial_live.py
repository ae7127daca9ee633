"""Composition root: builds the Reflex app, adds the pages, mounts the doors, starts the tasks."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import reflex as rx

from financial_live import db, limits, outbox, routes, telemetry
from financial_live.bus import Bus
from financial_live.config import get_settings
from financial_live.contexts import accounts as account_context, idempotency_keys, mail, receipts
from financial_live.contexts.accounts import Purpose
from financial_live.errors import Unavailable
from financial_live.rest import Streams, create_api
from financial_live.rooms import Feeds, Rooms, account_room
from financial_live.ui import gate, identity, live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.components.values import line
from financial_live.ui.layout import Shell
from financial_live.ui.pages import (
    accounts,
    campaign,
    campaign_new,
    campaigns,
    donations,
    home,
    invitation,
    match,
    not_found,
    record,
    review,
    team,
)
from financial_live.ui.text import LANGUAGE

_log = logging.getLogger(__name__)
_handlers_log = logging.getLogger("financial_live.handlers")

_FIRST_PAUSE_S = 0.1
# Pages are not right before the relay and the listener are back, so they are not kept waiting.
_LONGEST_PAUSE_S = 1.0
# A task that has run for so long is believed to be well, and after a longer time to stay so.
_TRUSTED_AFTER_S = 1.0
_HEALTHY_AFTER_S = 60.0
_FORGET_S = 60.0
_CORRECT_S = 1.0
_buses: list[Bus] = []
_feeds: list[Feeds] = []


async def _ping_bus() -> None:
    """Raise Unavailable unless this worker's bus answers."""
    if not _buses:
        raise Unavailable("The bus is not connected yet.")
    await _buses[0].ping()


def _feeds_of_this_worker() -> Feeds:
    """Return what streams of events are told from. Raises Unavailable before there is any."""
    if not _feeds:
        raise Unavailable("Events cannot be followed yet; try again in a moment.")
    return _feeds[0]


streams = Streams(_feeds_of_this_worker)


def _failed(exception: Exception) -> None:
    """Log what a handler did not expect. The page keeps what it has, and what was typed."""
    _handlers_log.error("an event handler failed", exc_info=exception)


app = rx.App(
    stylesheets=["/site.css"],
    html_lang=LANGUAGE,
    toaster=None,
    app_wraps={(0, "Line"): lambda _: line()},
    hydrate_fallback=lambda: rx.el.div(ghost("100dvh"), class_name="page"),
    head_components=[
        rx.el.link(rel="icon", href="/icon.svg", type="image/svg+xml"),
        rx.el.meta(name="theme-color", content="#0f6b4a"),
    ],
    backend_exception_handler=_failed,
    api_transformer=create_api(ping_bus=_ping_bus, streams=streams),
)

identity.keep_apart(app)

_PAGES = (
    *(home, campaigns, campaign_new, campaign, donations),
    *(team, record, match, review, invitation, not_found),
)
for page in (*_PAGES, *accounts.PAGES):
    page.register(app)
event_namespace = gate.guard(app, refused=Shell.refused)


@contextlib.asynccontextmanager
async def _live() -> AsyncIterator[None]:
    """Connect the database and the bus, and keep the relay and the rooms running."""
    settings = get_settings()
    executor = telemetry.measurable_executor()
    database = db.connect(settings.sqlalchemy_url, pool_size=settings.pool_size)
    bus = Bus(settings.secret("redis_url"))
    _buses.append(bus)
    limits.connect(bus, settings)
    rooms, feeds = Rooms(bus), Feeds(bus)
    _feeds.append(feeds)
    door = live.open_door(rooms, event_namespace)
    followers = identity.follow_users(
        bus, event_namespace, tell=lambda user_id: rooms.read_soon(account_room(user_id))
    )
    relay = outbox.Relay(database.dsn, bus)
    mailer = mail.Mailer(
        database.dsn,
        mail.transport_of(settings),
        sender=mail.sender_of(settings),
        links=functools.partial(_link, settings.site_url),
    )
    await bus.watch(outbox.WAKE, by="relay")
    tasks = [
        asyncio.create_task(_kept_running(name, run, feeds=fed))
        for name, run, fed in (
            ("measuring", lambda: telemetry.poll(executor), None),
            ("listener", lambda: bus.listen(_Ears(rooms, feeds, relay, followers)), rooms),
            ("rooms", rooms.run, rooms),
            ("feeds", feeds.run, None),
            ("live door", door.run, rooms),
            # Rooms notice by themselves when no relay is heard, of this worker or another.
            ("relay", relay.run, None),
            ("followers of users", followers.run, None),
            ("mailer", mailer.run, None),
            ("receipts", _correct_receipts, None),
            ("forgetting", _forget_what_is_over, None),
        )
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _buses.clear()
        _feeds.clear()
        limits.connect(None)
        await bus.close()
        await db.disconnect()


_LINKED = {
    Purpose.VERIFY: routes.VERIFY,
    Purpose.RESET: routes.RESET,
    Purpose.INVITE: routes.INVITATION,
}


def _link(site: str, purpose: Purpose, token: str) -> str:
    """Return the link that is mailed. What follows the # is sent to no server, and in no log."""
    return f"{site}{_LINKED[purpose]}#{token}"


class _Ears:
    """What this worker hears: calls for its relay, and news for its users, rooms and feeds."""

    def __init__(
        self, rooms: Rooms, feeds: Feeds, relay: outbox.Relay, followers: identity.Followers
    ) -> None:
        self._rooms = rooms
        self._feeds = feeds
        self._relay = relay
        self._followers = followers

    def received(self, topic: str, payload: bytes) -> None:
        """Pass a message on to whom it concerns."""
        if topic == outbox.WAKE:
            self._relay.wake()
            return
        self._feeds.received(topic, payload)
        if topic.startswith(identity.TOPIC):
            self._followers.received(topic, payload)
        else:
            self._rooms.received(topic, payload)

    def subscribed(self, topic: str) -> None:
        """Tell whom it concerns that they may have missed something until now."""
        self._feeds.subscribed(topic)
        if not topic.startswith(identity.TOPIC):  # Of users the next heartbeat tells enough.
            self._rooms.subscribed(topic)

    def interrupted(self) -> None:
        """Do nothing: rooms and feeds notice the silence by themselves, whatever its cause."""


async def _correct_receipts() -> None:
    """Replace receipts of gifts that were given back since."""
    while True:
        await receipts.correct()
        await asyncio.sleep(_CORRECT_S)


async def _forget_what_is_over() -> None:
    """Remove what nobody may use any more: idempotency keys, sessions and links."""
    while True:
        await idempotency_keys.prune()
        await account_context.prune()
        await asyncio.sleep(_FORGET_S)


async def _kept_running(
    name: str, run: Callable[[], Awaitable[None]], *, feeds: Rooms | None = None
) -> None:
    """Run a task for ever: one that dies is counted, and started again after a pause that grows.

    What it ``feeds`` is shown as stale until it runs again.
    """
    loop = asyncio.get_running_loop()
    pause_s = _FIRST_PAUSE_S
    while True:
        started = loop.time()
        trusting = loop.call_later(_TRUSTED_AFTER_S, feeds.trust, name) if feeds else None
        try:
            await run()
        except Exception as error:  # noqa: BLE001  Whatever ended it, it must run again.
            _log.warning("%s stopped, starting it again in %.1f s: %s", name, pause_s, error)
        if trusting is not None:
            trusting.cancel()
        if feeds is not None:
            feeds.doubt(name)
        telemetry.count_task_restart(name)
        await asyncio.sleep(pause_s)
        ran_s = loop.time() - started
        pause_s = _FIRST_PAUSE_S if ran_s > _HEALTHY_AFTER_S else min(pause_s * 2, _LONGEST_PAUSE_S)


app.register_lifespan_task(_live)
