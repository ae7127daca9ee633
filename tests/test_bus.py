"""The bus, against a real Valkey: what is published arrives, and an absence is noticed and ends."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from financial_live.bus import Bus
from financial_live.embedded import DataFolder, Valkey
from financial_live.errors import Unavailable


class Ear:
    """A listener that keeps what it hears, and can be waited on."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.confirmed: asyncio.Queue[str] = asyncio.Queue()
        self.silences: asyncio.Queue[None] = asyncio.Queue()

    def received(self, topic: str, payload: bytes) -> None:
        self.heard.put_nowait((topic, payload))

    def subscribed(self, topic: str) -> None:
        self.confirmed.put_nowait(topic)

    def interrupted(self) -> None:
        self.silences.put_nowait(None)


@asynccontextmanager
async def listening(bus: Bus) -> AsyncIterator[Ear]:
    ear = Ear()
    task = asyncio.create_task(bus.listen(ear))
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class TestPublish:
    async def test_what_is_published_arrives_in_order(self, bus: Bus) -> None:
        async with listening(bus) as ear:
            await bus.watch("campaign:1", by="test")
            assert await ear.confirmed.get() == "campaign:1"
            await bus.publish([("campaign:1", b"a"), ("other", b"x"), ("campaign:1", b"b")])
            assert await ear.heard.get() == ("campaign:1", b"a")
            assert await ear.heard.get() == ("campaign:1", b"b")

    async def test_an_unwatched_topic_is_not_received(self, bus: Bus) -> None:
        async with listening(bus) as ear:
            for topic in ("one", "two"):
                await bus.watch(topic, by="test")
                await ear.confirmed.get()
            await bus.unwatch("one", by="test")
            await bus.publish([("one", b"a"), ("two", b"b")])
            assert await ear.heard.get() == ("two", b"b")

    async def test_says_so_while_the_bus_is_away(self, tmp_path: Path) -> None:
        bus = Bus(f"unix://{tmp_path}/nothing.sock")
        with pytest.raises(Unavailable, match="bus"):
            await bus.publish([("one", b"a")])
        with pytest.raises(Unavailable, match="bus"):
            await bus.ping()
        await bus.close()


class TestWatchedTopics:
    async def test_names_what_somebody_listens_to(self, bus: Bus, valkey: Valkey) -> None:
        other = Bus(valkey.url)
        async with listening(other) as ear:
            await other.watch("campaign:7", by="test")
            await ear.confirmed.get()
            assert "campaign:7" in await bus.watched_topics()
            assert "campaign:8" not in await bus.watched_topics()
        await other.close()


class TestListen:
    async def test_a_bus_that_hangs_is_noticed_and_heard_again_when_it_goes_on(
        self, tmp_path: Path
    ) -> None:
        valkey = Valkey(DataFolder(tmp_path))
        await asyncio.to_thread(valkey.start)
        bus = Bus(valkey.url)
        try:
            async with listening(bus) as ear:
                await bus.watch("one", by="test")
                await ear.confirmed.get()
                assert valkey.pid is not None
                os.kill(valkey.pid, signal.SIGSTOP)
                await ear.silences.get()
                with pytest.raises(Unavailable):
                    await bus.publish([("one", b"lost")])
                os.kill(valkey.pid, signal.SIGCONT)
                assert await ear.confirmed.get() == "one"
                await bus.publish([("one", b"a")])
                while await ear.heard.get() != ("one", b"a"):
                    pass
        finally:
            await bus.close()
            await asyncio.to_thread(valkey.stop)

    async def test_an_outage_is_told_and_the_return_confirms_every_topic(
        self, tmp_path: Path
    ) -> None:
        valkey = Valkey(DataFolder(tmp_path))
        await asyncio.to_thread(valkey.start)
        bus = Bus(valkey.url)
        try:
            async with listening(bus) as ear:
                await bus.watch("before", by="test")
                await ear.confirmed.get()
                await asyncio.to_thread(valkey.kill)
                await ear.silences.get()
                await bus.watch("during", by="test")
                await asyncio.to_thread(valkey.start)
                confirmed = {await ear.confirmed.get(), await ear.confirmed.get()}
                assert confirmed == {"before", "during"}
                await bus.publish([("during", b"a")])
                assert await ear.heard.get() == ("during", b"a")
        finally:
            await bus.close()
            await asyncio.to_thread(valkey.stop)
