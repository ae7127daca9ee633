"""Following events one by one, over whatever becomes of the bus, the relay and the follower."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from financial_live import db, outbox
from financial_live.event import Event
from financial_live.outbox import Mark, Place, Placed, Relay, relay as relaying
from financial_live.rooms import feed as feeding
from financial_live.rooms.feed import Feeds, Follower, Told, TooSlow

TOPIC = "campaign:1"


class Stage:
    """A worker's feeds, a relay that works when it is told to, and a bus that loses on demand."""

    def __init__(self, connection: Any, dsn: str) -> None:
        self.watched: set[str] = set()
        self.feeds = Feeds(self)  # type: ignore[arg-type]
        self._connection = connection
        self._relay = Relay(dsn, self)
        self._held: list[bytes] = []
        self._count = 0

    async def watch(self, topic: str, *, by: str) -> None:
        self.watched.add(topic)

    async def unwatch(self, topic: str, *, by: str) -> None:
        self.watched.discard(topic)

    async def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        self._held += [payload for topic, payload in messages if topic == TOPIC]

    async def watched_topics(self) -> list[str]:
        return [TOPIC]

    async def happen(self, times: int = 1) -> None:
        """Let something happen, be placed, and wait on the bus; and something else elsewhere."""
        for _ in range(times):
            self._count += 1
            await outbox.append(Event("happened", (TOPIC,), {"number": self._count}))
            await outbox.append(Event("happened", ("campaign:2",), {}))
        await self._relay.relay_once(self._connection)

    def arrive(self) -> None:
        """Let the feeds hear all that waits on the bus."""
        for payload in self._held:
            self.feeds.received(TOPIC, payload)
        self._held.clear()

    def lose(self) -> None:
        self._held.clear()

    async def beat(self) -> None:
        await self._relay.repeat_last_seqs(self._connection)
        self.arrive()

    async def begin_again(self) -> None:
        """Let another relay take over."""
        self._relay._term = await relaying._begin_term(self._connection)


async def caught_up(follower: Follower) -> None:
    """Wait until the follower has looked into the outbox for the last time."""
    while follower.is_behind:  # noqa: ASYNC110  It is no event of anybody's.
        await asyncio.sleep(0.001)


@asynccontextmanager
async def stage_on(database: db.Database) -> AsyncIterator[Stage]:
    async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as connection:
        yield Stage(connection, database.dsn)


@pytest.fixture
async def stage(own_database: db.Database) -> AsyncIterator[Stage]:
    async with stage_on(own_database) as stage:
        yield stage


async def numbers(follower: Follower, count: int) -> list[int]:
    """Return the numbers of the next events."""
    async with asyncio.timeout(10):
        return [(await follower.next()).data["number"] for _ in range(count)]


class TestFollow:
    async def test_begins_with_now(self, stage: Stage) -> None:
        await stage.happen(2)
        async with stage.feeds.follow(TOPIC) as (follower, now):
            assert now is not None
            assert now.position == 4
            await stage.happen(2)
            stage.arrive()
            assert await numbers(follower, 2) == [3, 4]

    async def test_goes_on_after_a_mark(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox.reading, "_BATCH", 2)
        async with stage.feeds.follow(TOPIC) as (follower, _):
            await stage.happen(5)
            stage.arrive()
            assert await numbers(follower, 2) == [1, 2]
            mark = follower.mark
        await stage.happen(2)
        async with stage.feeds.follow(TOPIC, Mark.read(str(mark))) as (follower, now):
            assert now is None
            await stage.happen()
            stage.arrive()
            assert await numbers(follower, 6) == [3, 4, 5, 6, 7, 8]

    async def test_says_what_it_cannot_go_on_from(self, stage: Stage) -> None:
        await stage.happen()
        async with stage.feeds.follow(TOPIC, Mark(99, 1)) as (follower, now):
            assert now is not None
            await stage.happen()
            stage.arrive()
            assert await numbers(follower, 1) == [2]

    async def test_hears_at_once_what_the_bus_brings(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with stage.feeds.follow(TOPIC) as (follower, _):
            await stage.happen()
            stage.arrive()
            assert await numbers(follower, 1) == [1]
            waiting = asyncio.create_task(numbers(follower, 2))
            await caught_up(follower)
            monkeypatch.setattr(feeding.Feed, "read_soon", lambda _: None)
            await stage.happen(2)
            stage.arrive()
            assert await waiting == [2, 3]

    async def test_all_that_is_at_hand_is_taken_at_once(self, stage: Stage) -> None:
        begun = await outbox.last_mark()
        await stage.happen(3)
        async with stage.feeds.follow(TOPIC, begun) as (follower, _), asyncio.timeout(10):
            assert [told.data["number"] for told in await follower.some()] == [1, 2, 3]
            waiting = asyncio.create_task(follower.some())
            await caught_up(follower)
            await stage.happen(2)
            stage.arrive()
            assert [told.data["number"] for told in await waiting] == [4, 5]

    async def test_leaves_out_what_is_skipped(self, stage: Stage) -> None:
        async with stage.feeds.follow(TOPIC) as (follower, _):
            await stage.happen(2)
            follower.skip(await outbox.last_mark())
            await stage.happen()
            stage.arrive()
            assert await numbers(follower, 1) == [3]

    async def test_who_takes_nothing_is_let_go(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feeding, "MAX_WAITING", 3)
        async with stage.feeds.follow(TOPIC) as (follower, _):
            await stage.happen()
            stage.arrive()
            assert await numbers(follower, 1) == [1]
            waiting = asyncio.create_task(follower.next())
            await caught_up(follower)
            waiting.cancel()
            for _ in range(5):
                await stage.happen()
                stage.arrive()
            with pytest.raises(TooSlow):
                await numbers(follower, 5)

    async def test_a_feed_that_nobody_follows_is_closed(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feeding, "_TICK_S", 0.001)
        running = asyncio.create_task(stage.feeds.run())
        async with stage.feeds.follow(TOPIC):
            await asyncio.sleep(0.02)
            assert stage.watched == {TOPIC}
        async with asyncio.timeout(5):
            while stage.watched:  # noqa: ASYNC110  The feeds tick by themselves.
                await asyncio.sleep(0.001)
        running.cancel()

    async def test_silence_is_noticed(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feeding, "SILENCE_S", 0.0)
        monkeypatch.setattr(feeding, "REREAD_S", 0.0)
        monkeypatch.setattr(feeding, "_TICK_S", 0.001)
        async with stage.feeds.follow(TOPIC) as (follower, _):
            await stage.happen()
            stage.arrive()
            assert await numbers(follower, 1) == [1]
            running = asyncio.create_task(stage.feeds.run())
            await stage.happen()
            stage.lose()
            assert await numbers(follower, 1) == [2]
            running.cancel()

    async def test_a_message_nobody_understands_is_read_about(self, stage: Stage) -> None:
        async with stage.feeds.follow(TOPIC) as (follower, _):
            await stage.happen()
            stage.lose()
            stage.feeds.received(TOPIC, b"?")
            assert await numbers(follower, 1) == [1]


STEPS = st.lists(
    st.sampled_from(["happen", "arrive", "lose", "beat", "take", "leave", "relay"]), max_size=25
)


class TestWhateverComes:
    @given(steps=STEPS)
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    async def test_every_event_comes_once_and_in_order(
        self, own_database: db.Database, steps: list[str]
    ) -> None:
        async with stage_on(own_database) as stage:
            heard: list[int] = []
            mark: Mark | None = None
            begun = await outbox.last_mark()
            for visit in " ".join(steps).split("leave"):
                async with stage.feeds.follow(TOPIC, mark or begun) as (follower, now):
                    assert now is None
                    for step in visit.split():
                        await self.do(stage, follower, step, heard)
                    mark = follower.mark
            async with stage.feeds.follow(TOPIC, mark) as (follower, _):
                await stage.happen()
                await self.take(follower, heard, stage._count)
        # The last events before a change of the relay may come twice.
        known = heard if "relay" not in steps else list(dict.fromkeys(heard))
        assert known == list(range(1, stage._count + 1))

    async def do(self, stage: Stage, follower: Follower, step: str, heard: list[int]) -> None:
        match step:
            case "happen":
                await stage.happen()
            case "beat":
                await stage.beat()
            case "arrive":
                stage.arrive()
            case "lose":
                stage.lose()
            case "relay":
                await stage.begin_again()
            case "take":
                await stage.beat()
                await self.take(follower, heard, min(stage._count, len(set(heard)) + 2))

    async def take(self, follower: Follower, heard: list[int], last: int) -> None:
        async with asyncio.timeout(10):
            while len(set(heard)) < last:
                heard.append((await follower.next()).data["number"])


def test_a_repeated_message_is_heard_once() -> None:
    feed = feeding.Feed(TOPIC)
    follower = Follower(TOPIC, Mark(1, 0))
    follower._listens = True
    feed.followers.append(follower)
    feed._place, feed._mark = Place(1, 0), Mark(1, 0)
    for position in (1, 1):
        feed.hear(Placed(Place(1, position), "happened", {}, position))
    assert follower._waiting.get_nowait() == Told(Mark(1, 1), "happened", {})
    assert follower._waiting.empty()
