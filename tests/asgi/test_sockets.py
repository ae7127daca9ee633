"""A client that is stuck is let go, whatever it has not read."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from financial_live.asgi.sockets import Socket

PATIENCE_S = 20.0
MUCH = "x" * 20_000_000


@asynccontextmanager
async def served(app: Any, **given: Any) -> AsyncIterator[tuple[str, int]]:
    """Serve ``app`` by our protocol, and give the address."""
    options: dict[str, Any] = {"ws": Socket, "lifespan": "off", "log_level": "critical", **given}
    config = uvicorn.Config(app, **options)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[:2]
    finally:
        server.should_exit = True
        await serving


class Door:
    """An application that sends much to whoever comes, and notes when they are gone."""

    def __init__(self) -> None:
        self.is_gone = asyncio.Event()

    async def __call__(
        self,
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        sending = asyncio.create_task(self._send(send))
        while (await receive())["type"] != "websocket.disconnect":
            pass
        sending.cancel()
        self.is_gone.set()

    async def _send(self, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "websocket.send", "text": MUCH})


async def client_of(address: tuple[str, int]) -> socket.socket:
    """Open a WebSocket whose client reads only when the test does."""
    client = socket.create_connection(address)
    client.setblocking(False)
    request = [
        "GET / HTTP/1.1",
        "Host: here",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
    ]
    await asyncio.get_running_loop().sock_sendall(client, "\r\n".join([*request, "", ""]).encode())
    return client


class TestAClientThatDoesNotRead:
    async def test_is_let_go_when_it_answers_no_ping(self) -> None:
        door = Door()
        async with served(door, ws_ping_interval=0.1, ws_ping_timeout=0.2) as address:
            with await client_of(address):
                await asyncio.wait_for(door.is_gone.wait(), PATIENCE_S)

    async def test_does_not_keep_its_memory_until_it_reads(self) -> None:
        """uvicorn alone would wait for that for ever: the test proves its own point."""
        door = Door()
        async with served(
            door, ws=WebSocketsSansIOProtocol, ws_ping_interval=0.1, ws_ping_timeout=0.2
        ) as address:
            with await client_of(address), pytest.raises(TimeoutError):
                await asyncio.wait_for(door.is_gone.wait(), 2)
