"""A worker that leaves: no new visitors, and those it has go one after another."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from financial_live.asgi import LEAVE, __main__ as worker
from financial_live.asgi.sockets import Socket

PATIENCE_S = 20.0


async def chat(scope: Any, receive: Any, send: Any) -> None:
    """Accept whoever comes, and wait until they go."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


@asynccontextmanager
async def serving(
    listening: socket.socket, app: Any = chat, ending: Callable[[], None] | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Serve, and give the task that ends when the server does."""
    # uvicorn repeats a signal to whoever handled it before: here that is nobody.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    ready, tells_ready = os.pipe()
    config = uvicorn.Config(app, ws=Socket, lifespan="off", log_level="critical")
    server = worker.Server(config, ready=tells_ready, ending=ending)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    assert await asyncio.to_thread(os.read, ready, 1) == b"1"
    os.close(ready)
    try:
        yield task
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, PATIENCE_S)
        signal.signal(LEAVE, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, before)


async def visitors(address: tuple[str, int], count: int) -> list[ClientConnection]:
    return [await connect(f"ws://{address[0]}:{address[1]}/") for _ in range(count)]


class TestLeaving:
    async def test_sends_each_away_with_the_word_that_it_restarts(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        async with serving(listening) as ending:
            clients = await visitors(listening.getsockname(), 5)
            os.kill(os.getpid(), LEAVE)
            for client in clients:
                await asyncio.wait_for(client.wait_closed(), PATIENCE_S)
                assert client.close_code == 1012
            await asyncio.wait_for(asyncio.shield(ending), PATIENCE_S)

    async def test_lets_them_go_one_after_another_and_may_be_hurried(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "LEAVES_PER_S", 0.2)
        listening = socket.create_server(("127.0.0.1", 0))
        async with serving(listening) as ending:
            clients = await visitors(listening.getsockname(), 5)
            closings = [asyncio.create_task(client.wait_closed()) for client in clients]
            os.kill(os.getpid(), LEAVE)
            gone, here = await asyncio.wait(closings, return_when=asyncio.FIRST_COMPLETED)
            assert (len(gone), len(here)) == (1, 4)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(asyncio.shield(ending), PATIENCE_S)
            await asyncio.wait_for(asyncio.gather(*closings), PATIENCE_S)

    async def test_leaves_who_comes_to_whoever_else_listens(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        address = listening.getsockname()
        successor = listening.dup()
        async with serving(listening) as ending:
            os.kill(os.getpid(), LEAVE)
            await asyncio.wait_for(asyncio.shield(ending), PATIENCE_S)
            waiting = socket.create_connection(address, timeout=PATIENCE_S)
            served, _ = await asyncio.to_thread(successor.accept)
            assert served.getpeername() == waiting.getsockname()
            for one in (served, waiting, successor):
                one.close()


class TestStopping:
    @pytest.mark.parametrize("signum", [signal.SIGTERM, LEAVE])
    async def test_ends_the_answers_that_would_not_end(self, signum: signal.Signals) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        over = asyncio.Event()

        async def stream(scope: Any, receive: Any, send: Any) -> None:
            body = {"type": "http.response.body"}
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send(body | {"body": b"begun", "more_body": True})
            await over.wait()
            await send(body | {"body": b"ended"})

        async with serving(listening, stream, over.set) as ending:
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"begun"), PATIENCE_S)
            os.kill(os.getpid(), signum)
            await asyncio.wait_for(reader.readuntil(b"ended"), PATIENCE_S)
            await asyncio.wait_for(asyncio.shield(ending), PATIENCE_S)
            writer.close()
