"""A line between a browser and an instance that can be cut, frozen, forgotten and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Connection:
    """One that is open. Nothing passes while ``flows`` is not set."""

    flows: asyncio.Event
    passed: int = 0


class Line:
    """A TCP proxy on a port of its own.

    ``idle_s``, when set, is for how long a connection may be silent before the line closes it, as
    the proxies between a browser and a server do. ``connections`` counts those ever taken.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ways: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.address = ""
        self.connections = 0
        self.idle_s: float | None = None

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
        while self._tasks:
            for way in self._ways:
                way.cancel()
            await asyncio.wait(self._tasks, timeout=0.1)

    def freeze(self) -> None:
        """Let nothing through and tell nobody, as a laptop that sleeps."""
        self._flows.clear()

    def forget(self) -> None:
        """Let nothing through on what is open, for ever, as a router that lost its table.

        Nobody is told; new connections work.
        """
        self._flows.clear()
        self._flows = asyncio.Event()
        self._flows.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = Connection(self._flows)
        try:
            far_reader, far_writer = await self._reach()
            there = asyncio.create_task(_pass(connection, reader, far_writer))
            back = asyncio.create_task(self._pass_back(connection, far_reader, writer))
            await self._until_over(connection, {there, back})
        except OSError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _reach(self) -> Ends:
        """Connect to the far end."""
        parts = urlsplit(self._target)
        return await asyncio.open_connection(parts.hostname, parts.port)

    async def _pass_back(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await _pass(connection, reader, writer)

    async def _until_over(self, connection: Connection, ways: set[asyncio.Task[None]]) -> None:
        """Wait until either end closes, or the connection is silent for too long."""
        self._ways |= ways
        over: set[asyncio.Task[None]] = set()
        while not over:
            before, idle_s = connection.passed, self.idle_s
            over, _ = await asyncio.wait(
                ways, timeout=idle_s or 1.0, return_when=asyncio.FIRST_COMPLETED
            )
            if idle_s is not None and connection.passed == before:
                break
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self._ways -= ways


async def _pass(
    connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Pass on what comes until it ends, or the line is cut."""
    try:
        while True:
            data = await reader.read(65536)
            # That one end has closed is news, too, and does not pass where nothing does.
            await connection.flows.wait()
            if not data:
                break
            connection.passed += len(data)
            writer.write(data)
            await writer.drain()
        writer.close()
    except (ConnectionError, asyncio.CancelledError):
        writer.transport.abort()
        raise


@asynccontextmanager
async def line_to(target: str) -> AsyncIterator[Line]:
    """Give a mended line to ``target``, and cut it at the end."""
    line = Line(target)
    await line.mend()
    try:
        yield line
    finally:
        await line.cut()
