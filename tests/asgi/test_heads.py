"""A client that does not get to the point is let go, and no other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from financial_live.asgi import heads
from financial_live.asgi.heads import Line
from tests.asgi.test_sockets import PATIENCE_S, served


async def application(
    scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer when all of the body is there."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class TestHeads:
    @pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
    async def test_that_do_not_end_end_the_connection(
        self, monkeypatch: pytest.MonkeyPatch, sent: bytes
    ) -> None:
        monkeypatch.setattr(heads, "HEAD_S", 0.05)
        async with served(application, http=Line) as address, asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()

    async def test_that_do_not_end_end_it_after_an_answer_too(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(heads, "HEAD_S", 0.05)
        async with served(application, http=Line) as address, asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(WHOLE)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            writer.write(WHOLE[:20])
            assert await reader.read() == b""
            writer.close()

    async def test_are_all_that_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(heads, "HEAD_S", 0.05)
        async with served(application, http=Line) as address, asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
            done = asyncio.Event()
            asyncio.get_running_loop().call_later(0.2, done.set)
            await done.wait()
            writer.write(b"body")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            writer.close()
