"""A line between an instance and its bus that loses, repeats and reorders messages.

What is published reaches a listener as an array of three, ``message``, topic and payload, in the
Redis protocol. Only these are touched: answers and confirmations pass as they are.
"""

import asyncio
import random
from collections import Counter
from typing import Literal
from urllib.parse import unquote, urlsplit

from e2e.line import Connection, Ends, Line

_MESSAGE = (b"*3\r\n$7\r\nmessage\r\n", b">3\r\n$7\r\nmessage\r\n")
_HELD = 4

Deed = Literal["lost", "repeated", "reordered"]


def end_of(data: bytes, start: int) -> int | None:
    """Return where the value of the Redis protocol that begins at ``start`` ends, if it is whole.

    A value is a line; a text is a line that says its length, and then that much; an array is a
    line that says how many values follow.
    """
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind, rest, after = data[start : start + 1], data[start + 1 : line_end], line_end + 2
    if kind in b"$=!":
        size = int(rest)
        end = after + size + 2 if size >= 0 else after
        return end if end <= len(data) else None
    if kind in b"*>~%":
        for _ in range(int(rest) * (2 if kind == b"%" else 1)):
            value_end = end_of(data, after)
            if value_end is None:
                return None
            after = value_end
    return after


class BusLine(Line):
    """A TCP proxy in front of a bus on a Unix socket.

    ``shares`` says which share of the messages is lost, repeated or reordered, 0 to 1; ``done``
    counts them. One that is reordered waits until four do, and they leave the last one first.
    """

    def __init__(self, bus_url: str) -> None:
        super().__init__(bus_url)
        self._chance = random.Random(19)
        self.shares: dict[Deed, float] = dict.fromkeys(("lost", "repeated", "reordered"), 0.0)
        self.done: Counter[Deed] = Counter()

    @property
    def url(self) -> str:
        """The bus's address by this line."""
        return f"redis://{urlsplit(self.address).netloc}/0"

    async def _reach(self) -> Ends:
        return await asyncio.open_unix_connection(unquote(urlsplit(self._target).path))

    async def _pass_back(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        buffer = b""
        held: list[bytes] = []
        try:
            while data := await reader.read(65536):
                buffer += data
                start = 0
                while (end := end_of(buffer, start)) is not None:
                    value, start = buffer[start:end], end
                    is_message = value.startswith(_MESSAGE)
                    writer.writelines(self._changed(value, held) if is_message else [value])
                buffer = buffer[start:]
                await writer.drain()
        finally:
            writer.transport.abort()

    def _changed(self, message: bytes, held: list[bytes]) -> list[bytes]:
        """Return what is delivered now that ``message`` has come; ``held`` are those that wait."""
        if self._happens("lost"):
            self.done["lost"] += 1
            return []
        held.append(message)
        if self._happens("repeated"):
            self.done["repeated"] += 1
            held.append(message)
        if self._happens("reordered") and len(held) < _HELD:
            return []
        delivered = held[::-1]
        self.done["reordered"] += len(set(held)) - 1
        held.clear()
        return delivered

    def _happens(self, deed: Deed) -> bool:
        return self._chance.random() < self.shares[deed]
