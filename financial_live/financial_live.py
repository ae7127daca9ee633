"""Composition root: builds the Reflex app, adds the pages, mounts the doors, starts the tasks."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import reflex as rx

from financial_live import db, outbox, telemetry
from financial_live.bus import Bus
from financial_live.config import get_settings
from financial_live.contexts import idempotency_keys
from financial_live.errors import Unavailable
from financial_live.rest import create_api
from financial_live.rooms import Rooms
from financial_live.ui import live
from financial_live.ui.components.campaigns import ghost
from financial_live.ui.pages import campaign, campaign_new, campaigns, donations, home, not_found
from financial_live.ui.text import LANGUAGE

_log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 5.0
_FORGET_S = 3600.0
_buses: list[Bus] = []


async def _ping_bus() -> None:
    """Raise Unavailable unless this worker's bus answers."""
    if not _buses:
        raise Unavailable("The bus is not connected yet.")
    await _buses[0].ping()


def _failed(exception: Exception) -> None:
    """Log what a handler did not expect. The page keeps what it has, and what was typed."""
    _log.error("an event handler failed", exc_info=exception)


app = rx.App(
    stylesheets=["/site.css"],
    html_lang=LANGUAGE,
    toaster=None,
    app_wraps={},
    hydrate_fallback=lambda: rx.el.div(ghost("100dvh"), class_name="page"),
    head_components=[
        rx.el.link(rel="icon", href="/icon.svg", type="image/svg+xml"),
        rx.el.meta(name="theme-color", content="#0f6b4a"),
    ],
    backend_exception_handler=_failed,
    api_transformer=create_api(ping_bus=_ping_bus),
)

for page in (home, campaigns, campaign_new, campaign, donations, not_found):
    page.register(app)


@contextlib.asynccontextmanager
async def _live() -> AsyncIterator[None]:
    """Connect the database and the bus, and keep the relay and the rooms running."""
    settings = get_settings()
    database = db.connect(settings.sqlalchemy_url, pool_size=settings.pool_size)
    bus = Bus(settings.secret("redis_url"))
    _buses.append(bus)
    rooms = Rooms(bus)
    namespace = app.event_namespace
    assert namespace is not None, "Reflex made no event namespace"
    door = live.open_door(rooms, namespace)
    relay = outbox.Relay(database.dsn, bus)
    await bus.watch(outbox.WAKE)
    tasks = [
        asyncio.create_task(_kept_running("listener", lambda: bus.listen(_Ears(rooms, relay)))),
        asyncio.create_task(_kept_running("relay", relay.run)),
        asyncio.create_task(_kept_running("rooms", rooms.run)),
        asyncio.create_task(_kept_running("live door", door.run)),
        asyncio.create_task(_kept_running("forgetting of keys", _forget_expired_keys)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _buses.clear()
        await bus.close()
        await db.disconnect()


class _Ears:
    """What this worker hears on the bus: calls for its relay, and news for its rooms."""

    def __init__(self, rooms: Rooms, relay: outbox.Relay) -> None:
        self._rooms = rooms
        self._relay = relay

    def received(self, topic: str, payload: bytes) -> None:
        """Pass a message on to whom it concerns."""
        if topic == outbox.WAKE:
            self._relay.wake()
        else:
            self._rooms.received(topic, payload)

    def subscribed(self, topic: str) -> None:
        """Tell the rooms that they may have missed something until now."""
        self._rooms.subscribed(topic)

    def interrupted(self) -> None:
        """Do nothing: each room notices the silence by itself, whatever its cause."""


async def _forget_expired_keys() -> None:
    """Remove idempotency keys that nobody may repeat any more."""
    while True:
        await idempotency_keys.prune()
        await asyncio.sleep(_FORGET_S)


async def _kept_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a task for ever: one that dies is started again, after a pause that grows."""
    pause_s = 0.1
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await run()
        except Exception as error:  # noqa: BLE001  Whatever ended it, it must run again.
            _log.warning("%s stopped, starting it again in %.1f s: %s", name, pause_s, error)
        await asyncio.sleep(pause_s)
        ran_s = asyncio.get_running_loop().time() - started
        pause_s = 0.1 if ran_s > 60 else min(pause_s * 2, _LONGEST_PAUSE_S)


app.register_lifespan_task(telemetry.poll)
app.register_lifespan_task(_live)
