"""The outbox and its relay, on a database of their own with real commits."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.rows import TupleRow
from sqlmodel import col

from financial_live import db, outbox
from financial_live.errors import Unavailable
from financial_live.event import Event
from financial_live.outbox import Mark, Place, Placed, Relay, reading, relay as relaying
from financial_live.outbox.relay import _prune as outbox_prune


class Wire:
    """A publisher that keeps what it is told, may be away, and can be waited on."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Placed]] = []
        self.topics: list[str] = []
        self.is_away = False
        self.calls = 0
        self._changed = asyncio.Condition()

    async def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        if self.is_away:
            raise Unavailable("the bus is away")
        async with self._changed:
            for topic, payload in messages:
                if topic == outbox.WAKE:
                    self.calls += 1
                else:
                    self.sent.append((topic, Placed.decode(payload)))
            self._changed.notify_all()

    async def watched_topics(self) -> list[str]:
        if self.is_away:
            raise Unavailable("the bus is away")
        return self.topics

    async def wait_for(self, count: int) -> None:
        """Wait until ``count`` events were published; heartbeats do not count."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.events()) >= count)

    async def wait_for_call(self) -> None:
        """Wait until the relay of another worker was called."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.calls > 0)

    def events(self) -> list[tuple[str, Placed]]:
        return [(topic, placed) for topic, placed in self.sent if placed.name is not None]

    def seqs(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for topic, placed in self.events():
            found[topic].append(placed.place.seq)
        return found


@asynccontextmanager
async def connected(database: db.Database) -> AsyncIterator[psycopg.AsyncConnection[TupleRow]]:
    async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as connection:
        yield connection


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def positions() -> list[int | None]:
    async with db.transaction() as session:
        rows = await session.execute(
            sa.select(col(outbox.OutboxEvent.position)).order_by(col(outbox.OutboxEvent.id))
        )
        return list(rows.scalars())


class TestAppend:
    async def test_a_fact_that_is_rolled_back_is_never_told(
        self, own_database: db.Database
    ) -> None:
        with pytest.raises(RuntimeError, match="no"):
            async with db.transaction():
                await outbox.append(Event("happened", ("a",)))
                raise RuntimeError("no")
        assert await positions() == []

    async def test_the_relay_is_woken_by_the_commit_not_before(
        self, own_database: db.Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        woken: list[str] = []
        monkeypatch.setattr(relaying, "_wakers", [lambda: woken.append("now")])
        async with db.transaction():
            await outbox.append(Event("happened", ("a",)))
            assert woken == []
        assert woken == ["now"]


class TestRelay:
    async def test_each_topic_counts_without_gaps_and_in_order(
        self, own_database: db.Database
    ) -> None:
        wire = Wire()
        async with connected(own_database) as connection:
            relay = Relay(own_database.dsn, wire)
            for number in range(1200):
                topics = ("all", "even") if number % 2 == 0 else ("all",)
                await outbox.append(Event("happened", topics, {"number": number}))
            assert await relay.relay_once(connection) == 1200
        assert wire.seqs() == {"all": list(range(1, 1201)), "even": list(range(1, 601))}
        assert await positions() == list(range(1, 1201))
        told = [placed.data["number"] for topic, placed in wire.sent if topic == "all"]
        assert told == list(range(1200))

    async def test_a_transaction_that_commits_late_is_not_overlooked(
        self, own_database: db.Database
    ) -> None:
        wire = Wire()
        relay = Relay(own_database.dsn, wire)
        has_written, may_commit = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            async with db.transaction():
                await outbox.append(Event("slow", ("a",)))
                has_written.set()
                await may_commit.wait()

        async with connected(own_database) as connection:
            task = asyncio.create_task(slow())
            await has_written.wait()
            await outbox.append(Event("quick", ("a",)))
            await relay.relay_once(connection)
            may_commit.set()
            await task
            await relay.relay_once(connection)
        assert [placed.name for _, placed in wire.sent] == ["quick", "slow"]
        assert wire.seqs() == {"a": [1, 2]}

    async def test_what_cannot_be_published_keeps_its_place(
        self, own_database: db.Database
    ) -> None:
        wire = Wire()
        wire.is_away = True
        relay = Relay(own_database.dsn, wire)
        async with connected(own_database) as connection:
            await outbox.append(Event("lost", ("a",)))
            await relay.relay_once(connection)
            wire.is_away, wire.topics = False, ["a", "unknown"]
            await relay.repeat_last_seqs(connection)
        assert wire.sent == [
            ("a", Placed(Place(0, 1), None, {})),
            ("unknown", Placed(Place(0, 0), None, {})),
        ]

    async def test_each_relay_has_a_term_of_its_own_which_readers_see(
        self, own_database: db.Database
    ) -> None:
        terms = []
        for name in ("one", "two"):
            wire = Wire()
            async with running(Relay(own_database.dsn, wire)):
                await outbox.append(Event(name, ("a",)))
                await wire.wait_for(1)
            [placed] = [placed for _, placed in wire.sent if placed.name]
            assert await outbox.last_place("a") == placed.place
            terms.append(placed.place.term)
        assert terms[1] == terms[0] + 1

    async def test_of_two_relays_one_works_and_the_other_takes_over(
        self, own_database: db.Database
    ) -> None:
        first, second = Wire(), Wire()
        async with running(Relay(own_database.dsn, first)) as task:
            await outbox.append(Event("one", ("a",)))
            await first.wait_for(1)
            async with running(Relay(own_database.dsn, second)):
                await outbox.append(Event("two", ("a",)))
                await first.wait_for(2)
                assert second.events() == []
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await outbox.append(Event("three", ("a",)))
                await second.wait_for(1)
        assert second.seqs() == {"a": [3]}

    async def test_nothing_is_lost_when_its_connection_is_cut(
        self, own_database: db.Database
    ) -> None:
        wire = Wire()
        async with running(Relay(own_database.dsn, wire)) as task:
            await outbox.append(Event("before", ("a",)))
            await wire.wait_for(1)
            async with db.transaction() as session:
                await session.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'financial_live relay'"
                        " AND datname = current_database()"
                    )
                )
            with pytest.raises(psycopg.OperationalError):
                await task
        await outbox.append(Event("after", ("a",)))
        async with running(Relay(own_database.dsn, wire)):
            await wire.wait_for(2)
        assert wire.seqs() == {"a": [1, 2]}


async def place(database: db.Database) -> None:
    async with connected(database) as connection:
        await Relay(database.dsn, Wire()).relay_once(connection)


class TestRead:
    async def test_each_reader_gets_each_event_of_its_names_once_and_in_order(
        self, own_database: db.Database
    ) -> None:
        for name in ("a", "b", "a"):
            await outbox.append(Event(name, ("t",), {"name": name}))
        await place(own_database)
        read = await outbox.read("one", ["a"])
        assert [(event.position, event.name, event.data) for event in read] == [
            (1, "a", {"name": "a"}),
            (3, "a", {"name": "a"}),
        ]
        assert await outbox.read("one", ["a", "b"]) == []
        assert len(await outbox.read("two", ["a", "b"])) == 3

    async def test_what_has_no_place_comes_later(self, own_database: db.Database) -> None:
        await outbox.append(Event("a", ("t",)))
        assert await outbox.read("one", ["a"]) == []
        await place(own_database)
        assert len(await outbox.read("one", ["a"])) == 1

    async def test_what_is_rolled_back_is_read_again(self, own_database: db.Database) -> None:
        await outbox.append(Event("a", ("t",)))
        await place(own_database)
        with pytest.raises(RuntimeError, match="no"):
            async with db.transaction():
                assert len(await outbox.read("one", ["a"])) == 1
                raise RuntimeError("no")
        assert len(await outbox.read("one", ["a"])) == 1

    async def test_two_of_one_name_take_turns(self, own_database: db.Database) -> None:
        for _ in range(10):
            await outbox.append(Event("a", ("t",)))
        await place(own_database)
        read = await asyncio.gather(*(outbox.read("one", ["a"]) for _ in range(8)))
        assert sorted(len(events) for events in read) == [0] * 7 + [10]

    async def test_a_long_backlog_is_read_a_part_at_a_time(
        self, own_database: db.Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "_READ_AHEAD", 4)
        for number in range(10):
            await outbox.append(Event("a" if number % 2 else "b", ("t",)))
        await place(own_database)
        parts = [[e.position for e in await outbox.read("one", ["a"])] for _ in range(4)]
        assert parts == [[2, 4], [6, 8], [10], []]


class TestPrune:
    async def test_keeps_what_a_reader_has_not_read(self, own_database: db.Database) -> None:
        for _ in range(3):
            await outbox.append(Event("a", ("t",)))
        await place(own_database)
        await outbox.read("one", ["a"])
        await outbox.append(Event("a", ("t",)))
        await outbox.append(Event("a", ("t",)))
        await place(own_database)
        async with connected(own_database) as connection:
            await connection.execute("UPDATE outbox SET inserted_at = now() - interval '8 days'")
            await outbox.append(Event("a", ("t",)))
            await Relay(own_database.dsn, Wire()).relay_once(connection)
            await outbox_prune(connection)
        assert await positions() == [4, 5, 6]

    async def test_forgets_old_events_from_the_first_on_and_leaves_no_gap(
        self, own_database: db.Database
    ) -> None:
        for _ in range(1100):
            await outbox.append(Event("happened", ("a",)))
        async with connected(own_database) as connection:
            await Relay(own_database.dsn, Wire()).relay_once(connection)
            # All but the last hundred are old, and one of those was begun long before.
            await connection.execute(
                "UPDATE outbox SET inserted_at = now() - interval '8 days'"
                " WHERE position <= 1000 OR position = 1050"
            )
            await outbox_prune(connection)
        assert await positions() == list(range(1001, 1101))


class TestCalling:
    async def test_a_worker_whose_relay_stands_by_calls_the_one_that_works(
        self, own_database: db.Database
    ) -> None:
        working, standing_by = Wire(), Wire()
        first = Relay(own_database.dsn, working)
        async with running(first):
            await outbox.append(Event("one", ("a",)))
            await working.wait_for(1)
            async with running(Relay(own_database.dsn, standing_by)):
                while len(relaying._wakers) < 2:  # noqa: ASYNC110  It connects first.
                    await asyncio.sleep(0)
                await outbox.append(Event("two", ("a",)))
                await standing_by.wait_for_call()
                await working.wait_for(2)


class TestPlaced:
    def test_survives_the_bus(self) -> None:
        placed = Placed(Place(3, 7), "donation_created", {"name": "شكرا", "amount": "50000.00"})
        assert Placed.decode(placed.encode()) == placed

    @pytest.mark.parametrize(
        "payload", [b"not json", b"[1]", b'[1,"x",null,{}]', b"[1,2,3,{}]", b"[1,2,null,3]"]
    )
    def test_what_is_no_message_is_refused(self, payload: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            Placed.decode(payload)


class TestMarks:
    """Reading on from a mark, whatever became of the relay that gave it."""

    async def tell(self, database: db.Database, *numbers: int) -> list[Mark]:
        """Let a new relay tell of as many events, and return the mark of each."""
        wire = Wire()
        async with running(Relay(database.dsn, wire)):
            for number in numbers:
                await outbox.append(Event("happened", ("a",), {"number": number}))
            await wire.wait_for(len(numbers))
        return [Mark(placed.place.term, placed.position) for _, placed in wire.events()]

    async def numbers_after(self, position: int | None) -> list[int]:
        assert position is not None
        return [event.data["number"] for event in await outbox.events_after("a", position)]

    def test_is_read_as_it_is_written(self) -> None:
        assert Mark.read(str(Mark(12, 3456))) == Mark(12, 3456)
        for text in (
            "",
            "-",
            "5",
            "5-",
            "-5",
            "a-5",
            "5-b",
            "-5-5",
            "5-5-5",
            "٥-٥",
            "9" * 19 + "-1",
        ):
            assert Mark.read(text) is None, text

    async def test_reads_on_after_each(self, own_database: db.Database) -> None:
        marks = await self.tell(own_database, 1, 2, 3)
        assert [mark.position for mark in marks] == [1, 2, 3]
        assert await outbox.last_mark() == marks[-1]
        for mark, left in zip(marks, ([2, 3], [3], []), strict=True):
            assert await self.numbers_after(await outbox.resumed(mark)) == left

    async def test_of_an_earlier_relay_leads_on_into_the_next(
        self, own_database: db.Database
    ) -> None:
        first = await self.tell(own_database, 1, 2)
        await self.tell(own_database, 3, 4)
        await self.tell(own_database, 5)
        assert await self.numbers_after(await outbox.resumed(first[0])) == [2, 3, 4, 5]

    async def test_of_what_a_crash_took_back_leads_to_what_is_told_instead(
        self, own_database: db.Database
    ) -> None:
        marks = await self.tell(own_database, 1, 2, 3)
        async with db.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE outbox SET position = NULL WHERE position > 1")
            await connection.exec_driver_sql(
                "UPDATE topic_sequence SET seq = 1 WHERE topic IN ('*', 'a')"
            )
        await self.tell(own_database, 4)
        assert await self.numbers_after(await outbox.resumed(marks[2])) == [2, 3, 4]

    async def test_of_nothing_there_ever_was_leads_nowhere(self, own_database: db.Database) -> None:
        [mark] = await self.tell(own_database, 1)
        for unknown in (Mark(mark.term + 1, 0), Mark(mark.term, 2), Mark(-1, 0)):
            assert await outbox.resumed(unknown) is None

    async def test_of_what_is_forgotten_leads_nowhere(self, own_database: db.Database) -> None:
        marks = await self.tell(own_database, 1, 2, 3)
        async with db.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("DELETE FROM outbox WHERE position <= 2")
        assert await outbox.resumed(marks[0]) is None
        assert await self.numbers_after(await outbox.resumed(marks[1])) == [3]
