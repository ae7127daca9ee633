"""A cheap program that asks over and over: bare sockets, whole requests as bytes, answers counted.

What one request costs here is a small part of what it costs the server, so both may share a core.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from itertools import cycle
from typing import cast
from urllib.parse import urlsplit

CONNECTIONS = 16
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """Return a whole request as it is sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Line(asyncio.Protocol):
    """One connection, which has one request under way at most. ``on_answer`` gets the status."""

    def __init__(
        self, on_answer: Callable[["_Line", bytes], None], on_loss: Callable[[], None]
    ) -> None:
        self._on_answer = on_answer
        self._on_loss = on_loss
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own class is a transport by its methods alone.
        self._transport = cast("asyncio.Transport", transport)

    def send(self, wanted: bytes, due: float) -> None:
        """Send a request that was to be sent at ``due``."""
        assert self._transport is not None
        self.due = due
        self._transport.write(wanted)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(_END)
        if not separator:
            return
        start = head.index(_LENGTH) + len(_LENGTH)
        if len(body) >= int(head[start:].partition(b"\r\n")[0]):
            self._buffer = b""
            self._on_answer(self, head[9:12])

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_loss()

    def close(self) -> None:
        """Leave."""
        self._on_loss = lambda: None
        if self._transport is not None:
            self._transport.close()


class Load:
    """Asks one server for ``requests``, in turn. Every answer must have ``status``."""

    def __init__(self, address: str, requests: list[bytes], status: int) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._requests = cycle(requests)
        self._status = str(status).encode()
        self._lines: list[_Line] = []
        self._idle: deque[_Line] = deque()
        self._waiting: deque[float] = deque()
        self._is_full = False
        self._done = asyncio.Event()
        self._latencies_s: list[float] = []
        self._others: set[bytes] = set()

    async def open(self) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            _, line = await loop.create_connection(
                lambda: _Line(self._answered, self._lost), self._host, self._port
            )
            self._lines.append(line)
            self._idle.append(line)

    async def most(self, seconds: float) -> tuple[int, float]:
        """Ask as fast as there are answers; return how many came, and in how many seconds."""
        self._begin(is_full=True)
        started = time.perf_counter()
        for _ in range(CONNECTIONS):
            self._ask(started)
        await asyncio.sleep(seconds)
        await self._end()
        return len(self._latencies_s), time.perf_counter() - started

    async def at(self, rate_hz: float, seconds: float) -> list[float]:
        """Ask at an even rate, whatever the answers; return how late each came, in seconds.

        Counted from when a request was to be sent, so one that must wait for a line is late too.
        """
        self._begin(is_full=False)
        started = time.perf_counter()
        for number in range(round(rate_hz * seconds)):
            due = started + number / rate_hz
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self._ask(due)
        await self._end()
        return self._latencies_s

    def _begin(self, *, is_full: bool) -> None:
        self._is_full, self._latencies_s = is_full, []
        self._done.clear()

    async def _end(self) -> None:
        self._is_full = False
        if len(self._idle) < CONNECTIONS:
            await self._done.wait()
        assert not self._others, f"answered {self._others}"

    def _ask(self, due: float) -> None:
        if self._idle:
            self._idle.popleft().send(next(self._requests), due)
        else:
            self._waiting.append(due)

    def _answered(self, line: _Line, status: bytes) -> None:
        if status != self._status:
            self._others.add(status)
        now = time.perf_counter()
        self._latencies_s.append(now - line.due)
        if self._is_full:
            line.send(next(self._requests), now)
        elif self._waiting:
            line.send(next(self._requests), self._waiting.popleft())
        else:
            self._idle.append(line)
            if len(self._idle) == CONNECTIONS:
                self._done.set()

    def _lost(self) -> None:
        self._others.add(b"by ending the connection")
        self._done.set()

    def close(self) -> None:
        """Leave."""
        for line in self._lines:
            line.close()
