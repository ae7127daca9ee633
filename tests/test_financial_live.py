"""The composition root keeps its tasks running, counts their deaths, and shows them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from financial_live import financial_live, telemetry


class Feeds:
    """The rooms, as far as they are told whom to believe."""

    def __init__(self) -> None:
        self.doubts: set[str] = set()
        self.trusted = asyncio.Event()

    def doubt(self, cause: str) -> None:
        self.doubts.add(cause)

    def trust(self, cause: str) -> None:
        self.doubts.discard(cause)
        self.trusted.set()


def deaths_of(task: str) -> float:
    return (
        telemetry.REGISTRY.get_sample_value("financial_live_task_restarts_total", {"task": task})
        or 0.0
    )


async def kept(
    name: str, run: Callable[[], Awaitable[None]], feeds: Feeds, until: asyncio.Event
) -> None:
    keeping = asyncio.create_task(
        financial_live._kept_running(name, run, feeds=feeds)  # type: ignore[arg-type]
    )
    try:
        await asyncio.wait_for(until.wait(), 20)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(financial_live, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(financial_live, "_TRUSTED_AFTER_S", 0.05)


class TestKeptRunning:
    async def test_a_task_that_dies_is_counted_and_doubted_until_it_runs_again(self) -> None:
        feeds, runs, doubted = Feeds(), 0, []

        async def dies_twice() -> None:
            nonlocal runs
            runs += 1
            doubted.append("dies twice" in feeds.doubts)
            if runs < 3:
                raise ConnectionError("the part is away")
            feeds.trusted.clear()
            await asyncio.Event().wait()

        await kept("dies twice", dies_twice, feeds, feeds.trusted)
        assert doubted == [False, True, True]
        assert feeds.doubts == set()
        assert deaths_of("dies twice") == 2

    async def test_one_that_ends_without_a_reason_has_died_too(self) -> None:
        again = asyncio.Event()
        runs = 0

        async def ends() -> None:
            nonlocal runs
            runs += 1
            if runs == 2:
                again.set()

        await kept("ends", ends, Feeds(), again)
        assert deaths_of("ends") >= 1

    async def test_one_that_dies_again_soon_is_not_trusted_in_between(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(financial_live, "_TRUSTED_AFTER_S", 3600.0)
        feeds, often = Feeds(), asyncio.Event()
        runs = 0

        async def dies() -> None:
            nonlocal runs
            runs += 1
            if runs == 4:
                often.set()
            raise ConnectionError("the part is away")

        await kept("dies", dies, feeds, often)
        assert feeds.doubts == {"dies"}
        assert not feeds.trusted.is_set()
