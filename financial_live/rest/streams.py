"""Streams of events, as the HTML standard has them ("Server-sent events"): how each is sent.

A stream ends when its client goes, when it has nothing more to tell, or when this worker stops: a
server waits for its answers to end, and this one never would by itself. Whoever takes nothing for a
while is told nothing more. A client comes back by itself, and says which event was its last.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from typing import Any

import orjson
from fastapi import Response
from starlette.types import Receive, Scope, Send

from financial_live.config import network_of
from financial_live.errors import AppError, TooMany, Unavailable
from financial_live.rest.errors import error_response
from financial_live.rest.parsing import EVENT_STREAM
from financial_live.rooms import Feeds

# A worker serves so many beside its pages, and one address may take so many of them.
MOST = 1_000
MOST_OF_ONE = 50
PATIENCE_S = 30.0
_RETRY_AFTER_S = 10
_HEADERS = {
    "Content-Type": EVENT_STREAM,
    "Cache-Control": "no-store",
    # Some proxies collect an answer before they pass it on, unless they are told not to.
    "X-Accel-Buffering": "no",
}
_LIMITS = ("RateLimit-Policy", "RateLimit")

Pieces = AsyncIterator[bytes]
Way = Callable[[], Awaitable[None]]
Listen = Callable[[], AbstractAsyncContextManager[tuple[Pieces, Way]]]


def event(*, id: object, name: str, data: Any) -> bytes:
    """Return an event as it is sent. Raises TypeError for what JSON has not."""
    # JSON has no line breaks, and the id and the name are ours, so nothing needs to be escaped.
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        str(id).encode(),
        name.encode(),
        orjson.dumps(data),
    )


class Streams:
    """The open streams of this worker. ``feeds`` raises Unavailable before there are any."""

    def __init__(self, feeds: Callable[[], Feeds]) -> None:
        self.feeds = feeds
        self._open: Counter[str] = Counter()
        self._ending = asyncio.Event()

    @property
    def count(self) -> int:
        """How many are open."""
        return self._open.total()

    def end(self) -> None:
        """End all streams: this worker stops."""
        self._ending.set()

    async def ended(self) -> None:
        """Wait until all streams are to end."""
        await self._ending.wait()

    @contextmanager
    def place(self, address: str) -> Iterator[None]:
        """Count a stream to ``address`` meanwhile. Raises TooMany."""
        whose = network_of(address)
        if self._open[whose] >= MOST_OF_ONE:
            raise TooMany(
                f"There are {MOST_OF_ONE} streams of events to your address already. Close one.",
                retry_after_s=_RETRY_AFTER_S,
            )
        if self.count >= MOST:
            raise TooMany(
                "Too many listen to events here. Try again later.", retry_after_s=_RETRY_AFTER_S
            )
        self._open[whose] += 1
        try:
            yield
        finally:
            self._open[whose] -= 1
            self._open += Counter()  # Keeps those alone that are more than none.


class EventStream(Response):
    """An answer that tells events for as long as it can.

    ``listen`` gives the pieces to send, and what to wait for beside: then nothing more is sent. It
    may raise AppError, which is answered as any route's.
    """

    media_type = EVENT_STREAM

    def __init__(self, streams: Streams, *, address: str, listen: Listen) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._streams = streams
        self._address = address
        self._listen = listen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "HEAD":
            await self._begin(send)
            await _end(send)
            return
        try:
            with self._streams.place(self._address):
                await self._serve(receive, send)
        except AppError as error:
            answer = error_response(error)
            known = {name: self.headers[name] for name in _LIMITS if name in self.headers}
            answer.headers.update(known)
            await answer(scope, receive, send)

    async def _serve(self, receive: Receive, send: Send) -> None:
        async with self._listen() as (pieces, over):
            await self._begin(send)
            await first_of(
                lambda: _pour(pieces, send), over, lambda: _gone(receive), self._streams.ended
            )
        # Who does not read keeps the place, but nothing is kept for it.
        await first_of(lambda: _end(send), lambda: _gone(receive), self._streams.ended)

    async def _begin(self, send: Send) -> None:
        headers = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(headers)


async def _pour(pieces: Pieces, send: Send) -> None:
    """Send all pieces, unless the client takes nothing for too long."""
    async with aclosing(pieces):  # type: ignore[type-var]
        async for piece in pieces:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:
                return


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def first_of(*ways: Way) -> None:
    """Go all ways at once, until one of them ends. Raises what that one raised."""
    tasks = [asyncio.ensure_future(way()) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def nowhere() -> Feeds:
    """Say that nothing can be followed here. Raises Unavailable."""
    raise Unavailable("Events cannot be followed here yet; try again in a moment.")
