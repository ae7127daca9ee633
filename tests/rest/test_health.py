import asyncio

import pytest
from httpx import ASGITransport, AsyncClient

from financial_live import db, routes
from financial_live.errors import Unavailable
from financial_live.rest import create_api, health
from financial_live.rest.health import OneAtATime, Ping


async def pong() -> None:
    """Answer as a bus that is there."""


async def away() -> None:
    """Answer as a bus that is not."""
    raise Unavailable("The bus does not answer.")


async def ready(ping: Ping | None) -> tuple[int, dict[str, str]]:
    transport = ASGITransport(create_api(ping_bus=ping))
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get(routes.READY)
    return answer.status_code, answer.json()


class TestHealth:
    async def test_says_ok_whatever_is_away(
        self, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(db, "_database", None)

        answer = await client.get(routes.HEALTH)

        assert (answer.status_code, answer.text) == (200, "OK")


class TestReady:
    async def test_is_ready_when_everything_answers(self, database: db.Database) -> None:
        parts = {"database": "ok", "migrations": "ok", "bus": "ok"}

        assert await ready(pong) == (200, parts)

    @pytest.mark.parametrize("ping", [away, None])
    async def test_takes_gifts_without_the_bus_but_tells_that_it_is_away(
        self, database: db.Database, ping: Ping | None
    ) -> None:
        parts = {"database": "ok", "migrations": "ok", "bus": "away"}

        assert await ready(ping) == (200, parts)

    async def test_is_not_ready_before_it_is_migrated(
        self, empty_database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(db, "_database", db.Database(empty_database, pool_size=2))
        parts = {"database": "ok", "migrations": "pending", "bus": "ok"}

        assert await ready(pong) == (503, parts)

    @pytest.mark.parametrize(
        "url", [None, "postgresql+psycopg://postgres@/nothing?host=/nowhere/at/all"]
    )
    async def test_is_not_ready_without_its_database(
        self, url: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = None if url is None else db.Database(url, pool_size=2)
        monkeypatch.setattr(db, "_database", known)
        parts = {"database": "unreachable", "migrations": "unknown", "bus": "ok"}

        assert await ready(pong) == (503, parts)


class TestOneAtATime:
    async def test_who_asks_meanwhile_shares_the_answer(self) -> None:
        asked, may_answer = 0, asyncio.Event()

        async def ask() -> dict[str, str]:
            nonlocal asked
            asked += 1
            await may_answer.wait()
            return {"part": "ok"}

        part = OneAtATime(ask)
        probes = [asyncio.create_task(part.answers({"part": "away"})) for _ in range(5)]
        await asyncio.sleep(0)  # Each probe runs until it waits.
        may_answer.set()

        assert await asyncio.gather(*probes) == [{"part": "ok"}] * 5
        assert asked == 1
        assert await part.answers({"part": "away"}) == {"part": "ok"}
        assert asked == 2

    async def test_a_part_that_hangs_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "PATIENCE_S", 0.0)

        async def hang() -> dict[str, str]:
            await asyncio.Event().wait()
            return {}

        assert await OneAtATime(hang).answers({"part": "away"}) == {"part": "away"}


class TestMetrics:
    async def test_answers_as_prometheus_text(self, client: AsyncClient) -> None:
        answer = await client.get(routes.METRICS)

        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert "financial_live_memory_total_bytes{pid=" in answer.text
