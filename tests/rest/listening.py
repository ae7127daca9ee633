"""Who listens to a stream of events in the tests, and a worker that tells events when told to."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from starlette.types import ASGIApp, Message

from financial_live import outbox, routes
from financial_live.contexts.campaigns import Campaign
from financial_live.outbox import Relay
from financial_live.rest import Streams, create_api
from financial_live.rooms import Feeds

PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """An event as a client reads it."""

    id: str
    name: str
    data: dict[str, Any]


class World:
    """A worker: its feeds and streams, its API, and a relay that tells when it is told to."""

    def __init__(self, connection: Any, dsn: str) -> None:
        self.feeds = Feeds(self)  # type: ignore[arg-type]
        self.streams = Streams(lambda: self.feeds)
        self.api: ASGIApp = create_api(streams=self.streams)
        self._connection = connection
        self._relay = Relay(dsn, self)

    async def watch(self, topic: str, *, by: str) -> None:
        pass

    async def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            self.feeds.received(topic, payload)

    async def watched_topics(self) -> list[str]:
        return []

    async def tell(self) -> None:
        """Tell what has happened."""
        await self._relay.relay_once(self._connection)

    @property
    def followers(self) -> int:
        """How many follow a feed of this worker."""
        return sum(len(feed.followers) for feed in self.feeds._feeds.values())

    async def listen(self, campaign: Campaign | str, **asked: Any) -> "Listener":
        """Begin to listen to a campaign; return once there is an answer."""
        key = campaign if isinstance(campaign, str) else str(campaign.id)
        listener = Listener(self.api, routes.api_campaign_events(key), **asked)
        await listener.has_begun()
        return listener


class Listener:
    """A client of one request, as a server runs it. A ``token`` is an API token."""

    def __init__(
        self,
        api: ASGIApp,
        path: str,
        *,
        method: str = "GET",
        after: str = "",
        query: str = "",
        token: str = "",
        cookie: str = "",
        accept: str = "text/event-stream",
        address: str = "203.0.113.7",
    ) -> None:
        given = {"host": "localhost", "accept": accept, "last-event-id": after, "cookie": cookie}
        given["authorization"] = f"Bearer {token}" if token else ""
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query.encode(),
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "server": ("localhost", 80),
            "client": (address, 40_000),
            "headers": [(n.encode(), v.encode()) for n, v in given.items() if v],
        }
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.reads = asyncio.Event()
        self.reads.set()
        self._has_asked = False
        self._leaves = asyncio.Event()
        self._moved = asyncio.Condition()
        self._taken = 0
        self.task = asyncio.create_task(self._ask(api, scope))

    async def _ask(self, api: ASGIApp, scope: dict[str, Any]) -> None:
        await api(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        async with self._moved:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = {n.decode(): v.decode() for n, v in message["headers"]}
            else:
                self.text += message["body"].decode()
            self._moved.notify_all()

    async def has_begun(self) -> None:
        """Wait until there is an answer."""
        await self.shows(lambda: self.status > 0)

    async def shows(self, condition: Any) -> None:
        """Wait until something holds of what was sent so far."""
        async with asyncio.timeout(PATIENCE_S), self._moved:
            await self._moved.wait_for(condition)

    @property
    def events(self) -> list[Event]:
        """All events so far."""
        return [event for block in self.text.split("\n\n")[:-1] if (event := _read(block))]

    async def next(self, count: int = 1) -> list[Event]:
        """Return the next events."""
        await self.shows(lambda: len(self.events) >= self._taken + count)
        self._taken += count
        return self.events[self._taken - count : self._taken]

    async def rest(self) -> list[Event]:
        """Return the next events up to the end, which must come."""
        await self.has_ended()
        return self.events[self._taken :]

    async def has_ended(self) -> None:
        """Wait until the answer has ended."""
        async with asyncio.timeout(PATIENCE_S):
            await self.task

    async def leave(self) -> None:
        """Go away, and wait until the server has noticed."""
        self._leaves.set()
        await self.has_ended()


def _read(block: str) -> Event | None:
    """Return the event of a block, as the standard reads it; None if there is none in it."""
    fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
    if "data" not in fields:
        return None
    return Event(fields["id"], fields["event"], orjson.loads(fields["data"]))


async def last_id() -> str:
    """Return the id of the last event there is."""
    return str(await outbox.last_mark())
