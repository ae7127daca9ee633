"""The tamed writer sends what engine.io's own would, in the same order."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
from engineio.async_socket import AsyncSocket
from engineio.exceptions import QueueEmpty

from financial_live.asgi import pace


def socket(*packets: Any) -> Any:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    for packet in packets:
        queue.put_nowait(packet)
    return SimpleNamespace(queue=queue)


class TestPoll:
    async def test_takes_all_that_waits_in_order(self) -> None:
        assert await pace._poll(socket("a", "b", "c")) == ["a", "b", "c"]

    async def test_the_end_mark_alone_ends(self) -> None:
        assert await pace._poll(socket(None)) == []

    async def test_what_came_before_the_end_mark_is_sent_first(self) -> None:
        ending = socket("a", "b", None)
        assert await pace._poll(ending) == ["a", "b"]
        assert await pace._poll(ending) == []

    async def test_waits_for_the_next(self) -> None:
        waiting = socket()
        polling = asyncio.create_task(pace._poll(waiting))
        await asyncio.sleep(0)
        waiting.queue.put_nowait("a")
        assert await polling == ["a"]

    async def test_a_cancelled_wait_ends_the_writer(self) -> None:
        polling = asyncio.create_task(pace._poll(socket()))
        await asyncio.sleep(0)
        polling.cancel()
        with pytest.raises(QueueEmpty):
            await polling

    async def test_everything_taken_is_reported_done(self) -> None:
        done = socket("a", "b")
        await pace._poll(done)
        await asyncio.wait_for(done.queue.join(), 1)


class TestTame:
    def test_replaces_the_writer_and_calms_the_collector(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(AsyncSocket, "poll", AsyncSocket.poll)
        before = gc.get_threshold()
        try:
            pace.tame()
            assert AsyncSocket.poll is pace._poll
            assert gc.get_threshold() == pace._THRESHOLDS
        finally:
            gc.unfreeze()
            gc.set_threshold(*before)
