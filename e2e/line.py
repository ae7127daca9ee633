"""A line between a browser and an instance that can be cut, frozen and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Line:
    """A TCP proxy on a port of its own."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.address = ""
        self.connections = 0

    async def mend(self) -> None:
        """Take connections, and let what was frozen flow again."""
        self._flows.set()
        if self._server is None:
            port = urlsplit(self.address).port or 0 if self.address else 0
            self._server = await asyncio.start_server(self._connect, "127.0.0.1", port)
            port = self._server.sockets[0].getsockname()[1]
            self.address = f"http://127.0.0.1:{port}"

    async def cut(self) -> None:
        """End every connection and take no new one, as a cable that is pulled and noticed."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    def freeze(self) -> None:
        """Let nothing through and tell nobody, as a laptop that sleeps."""
        self._flows.clear()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(
            self._pass(reader, far_writer), self._pass(far_reader, writer), return_exceptions=True
        )
        self._writers -= {writer, far_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def line_to(target: str) -> AsyncIterator[Line]:
    """Give a mended line to ``target``, and cut it at the end."""
    line = Line(target)
    await line.mend()
    try:
        yield line
    finally:
        line._flows.set()
        await line.cut()
