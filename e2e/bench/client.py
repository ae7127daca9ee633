"""A cheap browser: it speaks the site's own protocol over one socket, and renders nothing."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

NAMESPACE = "/_event"
_EVENT = f"42{NAMESPACE},"


def hydrate(path: str) -> dict[str, Any]:
    """Return the event by which a browser asks for the page at ``path`` when it connects."""
    slug = path.rpartition("/")[2]
    return {
        "name": "reflex___state____state.hydrate_and_load",
        "payload": {},
        "router_data": {"pathname": path, "asPath": path, "query": {"slug": slug}},
    }


class Client:
    """One session on one page. ``on_delta`` is called with each delta it receives."""

    def __init__(self, address: str, path: str, on_delta: Callable[[dict[str, Any]], None]) -> None:
        parts = urlsplit(address)
        token = uuid.uuid4()
        self._url = f"ws://{parts.netloc}{NAMESPACE}/?token={token}&EIO=4&transport=websocket"
        self._origin = address
        self._path = path
        self._on_delta = on_delta
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and ask for the page as a browser does."""
        self._socket = await connect(
            self._url,
            origin=Origin(self._origin),
            compression=None,
            max_size=None,
        )
        await self._socket.recv()
        await self._socket.send(
            f"40{NAMESPACE},{orjson.dumps({'event': hydrate(self._path)}).decode()}"
        )
        self._reader = asyncio.create_task(self._read(self._socket))

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            if message == "2":
                await socket.send("3")
            elif isinstance(message, str) and message.startswith(_EVENT):
                _, update = orjson.loads(message[len(_EVENT) :])
                self._on_delta(update.get("delta") or {})

    async def close(self) -> None:
        """Leave."""
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            await self._socket.close()
