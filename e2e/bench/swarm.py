"""A thousand watchers in one process: each a bare socket that notes when which count arrived."""

import asyncio
import base64
import os
import struct
import time
import uuid
from functools import partial
from urllib.parse import urlsplit

import orjson

from e2e.bench.client import NAMESPACE, hydrate

_COUNT = b'"gift_count_rx_state_":'
_OPEN, _PING = b"0", b"2"
# The pings of the WebSocket itself, which a browser answers without telling the page.
_WS_PING, _WS_PONG, _MASK = b"\x89", b"\x8a", b"\0\0\0\0"


class Watcher(asyncio.Protocol):
    """A session on a page. ``seen`` holds (time in s, gift count, bytes) of each frame."""

    def __init__(self, address: str, path: str) -> None:
        self._host = urlsplit(address).netloc
        self._address = address
        self._path = path
        self._buffer = b""
        self._is_upgraded = False
        self._transport: asyncio.Transport | None = None
        self.arrived = asyncio.Event()
        self.seen: list[tuple[float, int, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        query = f"token={uuid.uuid4()}&EIO=4&transport=websocket"
        lines = [
            f"GET {NAMESPACE}/?{query} HTTP/1.1",
            f"Host: {self._host}",
            f"Origin: {self._address}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self._buffer += data
        if not self._is_upgraded:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            assert head.startswith(b"HTTP/1.1 101"), head[:200]
            self._is_upgraded, self._buffer = True, rest
        while (frame := self._next()) is not None:
            self._take(frame, now)

    def _next(self) -> bytes | None:
        """Take a frame off the buffer; answer a ping, or the server takes us for dead."""
        is_ping = self._buffer[:1] == _WS_PING
        frame = self._take_frame()
        if frame is None or not is_ping:
            return frame
        assert self._transport is not None
        self._transport.write(_WS_PONG + bytes([0x80 | len(frame)]) + _MASK + frame)
        return self._next()

    def _take_frame(self) -> bytes | None:
        """Take one whole frame off the buffer. A server's frames are not masked."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1], 2
        if length == 126:
            length, start = int.from_bytes(buffer[2:4]), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10]), 10
        if len(buffer) < start + length:
            return None
        self._buffer = buffer[start + length :]
        return buffer[start : start + length]

    def _take(self, frame: bytes, now: float) -> None:
        if frame == _PING:
            self._send(b"3")
        elif frame.startswith(_OPEN):
            boot = orjson.dumps({"event": hydrate(self._path)})
            self._send(b"40" + NAMESPACE.encode() + b"," + boot)
        elif (at := frame.find(_COUNT)) >= 0:
            start = at + len(_COUNT)
            end = min(i for i in (frame.find(b",", start), frame.find(b"}", start)) if i >= 0)
            self.seen.append((now, int(frame[start:end]), len(frame)))
            self.arrived.set()

    def _send(self, payload: bytes) -> None:
        """Send a text frame. A client's frames are masked; a mask of zeros leaves them as is."""
        assert self._transport is not None
        size = len(payload)
        head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + struct.pack(">H", size)
        self._transport.write(head + _MASK + payload)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()


def _same(watcher: Watcher) -> Watcher:
    return watcher


async def gather_watchers(address: str, path: str, count: int) -> list[Watcher]:
    """Bring ``count`` watchers to the page, a few at a time."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(address)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    watchers = [Watcher(address, path) for _ in range(count)]
    for start in range(0, count, 50):
        some = watchers[start : start + 50]
        for watcher in some:
            await loop.create_connection(partial(_same, watcher), host, port)
        await asyncio.gather(*(watcher.arrived.wait() for watcher in some))
    return watchers
