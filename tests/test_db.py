import asyncio
import contextlib
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from financial_live import db
from financial_live.errors import Unavailable
from financial_live.outbox import TopicSequence
from financial_live.sending import Statement, insertion, rows_text

INSERT = sa.text("INSERT INTO topic_sequence (topic, seq) VALUES (:topic, 1)")
TOPICS = sa.text("SELECT topic FROM topic_sequence ORDER BY topic")


async def insert(topic: str) -> None:
    async with db.transaction() as session:
        await session.execute(INSERT, {"topic": topic})


def later(*topics: str) -> Statement:
    rows = [{"topic": topic, "seq": 1} for topic in topics]
    return Statement(insertion("topic_sequence", ("topic", "seq")), {"rows": rows_text(rows)})


async def topics() -> list[str]:
    async with db.transaction() as session:
        return list((await session.execute(TOPICS)).scalars())


@pytest.mark.usefixtures("own_database")
class TestTransaction:
    async def test_commits_at_its_end(self) -> None:
        await insert("a")
        assert await topics() == ["a"]

    async def test_an_error_rolls_all_of_it_back(self) -> None:
        with pytest.raises(RuntimeError, match="on the way"):
            async with db.transaction():
                await insert("a")
                raise RuntimeError("on the way")
        assert await topics() == []

    async def test_an_inner_one_joins_the_outer(self) -> None:
        async with db.transaction() as outer, db.transaction() as inner:
            assert inner is outer

    async def test_only_the_outermost_commits(self) -> None:
        async with db.transaction():
            await insert("a")
            assert await asyncio.create_task(topics()) == []
        assert await topics() == ["a"]

    async def test_a_task_started_inside_has_a_transaction_of_its_own(self) -> None:
        async with db.transaction() as session:

            async def other() -> bool:
                async with db.transaction() as its:
                    return its is not session

            assert await asyncio.create_task(other())

    async def test_another_begins_after_it_ended(self) -> None:
        async with db.transaction() as first:
            pass
        async with db.transaction() as second:
            assert second is not first


@pytest.mark.usefixtures("own_database")
class TestAfterCommit:
    async def test_is_called_once_it_is_true(self) -> None:
        called: list[str] = []
        async with db.transaction():
            async with db.transaction():
                db.after_commit(lambda: called.append("now"))
            assert called == []
        assert called == ["now"]

    async def test_is_not_called_for_what_was_rolled_back(self) -> None:
        called: list[str] = []
        with pytest.raises(RuntimeError):
            async with db.transaction():
                db.after_commit(lambda: called.append("now"))
                raise RuntimeError
        assert called == []

    async def test_needs_a_transaction(self) -> None:
        with pytest.raises(RuntimeError, match="needs an open transaction"):
            db.after_commit(lambda: None)


@pytest.mark.usefixtures("own_database")
class TestReading:
    async def test_begins_no_transaction(self) -> None:
        began = sa.text("SELECT transaction_timestamp()")
        async with db.reading() as session:
            first = (await session.execute(began)).scalar()
            assert (await session.execute(began)).scalar() != first

    async def test_joins_an_open_transaction(self) -> None:
        async with db.transaction() as outer:
            await insert("a")
            async with db.reading() as inner:
                assert inner is outer
                assert list((await inner.execute(TOPICS)).scalars()) == ["a"]

    async def test_takes_no_second_connection_inside(self) -> None:
        async with db.reading() as outer, db.reading() as inner:
            assert inner is outer

    async def test_refuses_a_transaction_inside(self) -> None:
        async with db.reading():
            with pytest.raises(RuntimeError, match="begin the transaction before"):
                await insert("a")
            with pytest.raises(RuntimeError, match="needs an open transaction"):
                db.after_commit(lambda: None)

    async def test_leaves_the_connection_as_it_was(self) -> None:
        async with db.reading() as session:
            await session.execute(TOPICS)
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                await insert("a")
                raise ZeroDivisionError
        assert await topics() == []

    async def test_is_unavailable_when_the_database_goes_away(self) -> None:
        with pytest.raises(Unavailable, match="not answering"):
            async with db.reading() as session:
                await session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert await topics() == []


@pytest.mark.usefixtures("own_database")
class TestSendLater:
    async def test_is_sent_with_the_commit(self) -> None:
        async with db.transaction():
            db.send_later(later("a"))
            db.send_later(later("b", "c"))
        assert await topics() == ["a", "b", "c"]

    async def test_what_is_read_afterwards_sees_it(self) -> None:
        async with db.transaction() as session:
            db.send_later(later("a"))
            assert list((await session.execute(TOPICS)).scalars()) == ["a"]
            db.send_later(later("b"))
            async with db.reading() as reader:
                assert list((await reader.execute(TOPICS)).scalars()) == ["a", "b"]

    async def test_what_is_added_to_the_session_follows_it(self) -> None:
        async with db.transaction() as session:
            db.send_later(later("a"))
            session.add(TopicSequence(topic="b", seq=1))
        assert await topics() == ["a", "b"]

    async def test_goes_with_the_transaction_that_an_inner_one_joins(self) -> None:
        async with db.transaction():
            async with db.transaction():
                db.send_later(later("a"))
            assert await asyncio.create_task(topics()) == []
        assert await topics() == ["a"]

    async def test_is_not_sent_for_what_is_rolled_back(self) -> None:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                db.send_later(later("a"))
                raise ZeroDivisionError
        assert await topics() == []

    async def test_what_was_sent_before_a_read_is_rolled_back_as_well(self) -> None:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as session:
                db.send_later(later("a"))
                await session.execute(TOPICS)
                db.send_later(later("b"))
                raise ZeroDivisionError
        assert await topics() == []

    async def test_what_is_wrong_with_it_is_raised_by_the_commit_and_nothing_is_true(self) -> None:
        await insert("taken")
        called: list[str] = []
        with pytest.raises(DBAPIError) as caught:
            async with db.transaction():
                db.after_commit(lambda: called.append("told"))
                db.send_later(later("a"))
                db.send_later(later("taken"))
                db.send_later(later("b"))
        assert db.violated_constraint(caught.value) == "topic_sequence_pkey"
        assert await topics() == ["taken"]
        assert called == []

    async def test_what_is_wrong_with_it_is_raised_by_the_next_statement(self) -> None:
        await insert("taken")
        with pytest.raises(DBAPIError) as caught:
            async with db.transaction() as session:
                db.send_later(later("taken"))
                await session.execute(TOPICS)
        assert db.violated_constraint(caught.value) == "topic_sequence_pkey"
        assert await topics() == ["taken"]

    async def test_a_failure_that_somebody_caught_commits_nothing(self) -> None:
        await insert("taken")
        with pytest.raises(RuntimeError, match="none of it is committed"):
            async with db.transaction() as session:
                db.send_later(later("a", "taken"))
                with contextlib.suppress(DBAPIError):
                    await session.execute(TOPICS)
        assert await topics() == ["taken"]

    async def test_what_is_found_wrong_only_by_the_commit_is_raised(self) -> None:
        deferred = sa.text(
            "ALTER TABLE topic_sequence ADD CONSTRAINT once UNIQUE (seq) DEFERRABLE"
            " INITIALLY DEFERRED"
        )
        async with db.transaction() as session:
            await session.execute(deferred)
        with pytest.raises(DBAPIError) as caught:
            async with db.transaction():
                db.send_later(later("a", "b"))
        assert db.violated_constraint(caught.value) == "once"
        assert await topics() == []

    async def test_no_message_says_what_it_was_given(self) -> None:
        await insert("taken")
        with pytest.raises(DBAPIError) as caught:
            async with db.transaction():
                db.send_later(later("taken", "secret"))
        assert "secret" not in str(caught.value)

    async def test_skipping_what_follows_a_failure_is_not_worth_a_warning(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        await insert("taken")
        for _ in range(7):
            with pytest.raises(DBAPIError):
                async with db.transaction():
                    for topic in ("taken", "a", "b", "c"):
                        db.send_later(later(topic))
        assert caplog.messages == []

    async def test_cancelled_while_it_waits_for_a_lock_it_is_rolled_back(self) -> None:
        async with db.transaction():
            await insert("held")

            async def wait_for_it() -> None:
                async with db.transaction():
                    db.send_later(later("a"))
                    db.send_later(later("held"))

            waiting = asyncio.create_task(wait_for_it())
            await until_somebody_waits()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert await topics() == ["held"]
        await insert("b")
        assert await topics() == ["b", "held"]

    async def test_is_unavailable_when_the_database_goes_away(self) -> None:
        with pytest.raises(Unavailable, match="not answering"):
            async with db.transaction():
                db.send_later(later("a"))
                db.send_later(Statement("SELECT pg_terminate_backend(pg_backend_pid())", {}))
                db.send_later(later("b"))
        assert await topics() == []

    async def test_another_connection_of_the_task_sends_none_of_it(
        self, own_database: db.Database
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                db.send_later(later("a"))
                async with own_database.engine.begin() as other:
                    await other.execute(TOPICS)
                raise ZeroDivisionError
        assert await topics() == []

    async def test_needs_a_transaction(self) -> None:
        with pytest.raises(RuntimeError, match="needs an open transaction"):
            db.send_later(later("a"))
        async with db.reading():
            with pytest.raises(RuntimeError, match="needs an open transaction"):
                db.send_later(later("a"))


@pytest.mark.usefixtures("own_database")
class TestFetch:
    async def test_returns_rows_by_name_after_all_that_waits(self) -> None:
        async with db.transaction():
            db.send_later(later("b", "a"))
            found = await db.fetch(Statement("SELECT topic FROM topic_sequence ORDER BY 1", {}))
        assert found == [{"topic": "a"}, {"topic": "b"}]

    async def test_is_empty_for_what_has_no_rows(self) -> None:
        async with db.transaction():
            assert await db.fetch(later("a")) == []
        assert await topics() == ["a"]

    async def test_is_in_the_transaction_of_the_session(self) -> None:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as session:
                await db.fetch(later("a"))
                assert list((await session.execute(TOPICS)).scalars()) == ["a"]
                raise ZeroDivisionError
        assert await topics() == []

    async def test_a_lock_that_takes_too_long_is_unavailable(self) -> None:
        with pytest.raises(Unavailable, match="busy"):
            async with db.transaction():
                db.send_later(Statement("SET LOCAL statement_timeout = 20", {}))
                await db.fetch(Statement("SELECT pg_sleep(5)", {}))

    async def test_a_failure_that_somebody_caught_commits_nothing(self) -> None:
        with pytest.raises(RuntimeError, match="none of it is committed"):
            async with db.transaction():
                db.send_later(later("a"))
                with contextlib.suppress(DBAPIError):
                    await db.fetch(Statement("SELECT 1 / 0", {}))
        assert await topics() == []

    async def test_needs_a_transaction(self) -> None:
        with pytest.raises(RuntimeError, match="needs an open transaction"):
            await db.fetch(later("a"))


async def until_somebody_waits() -> None:
    """Wait until a statement of another connection waits for a lock."""
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(30):
        while True:
            async with db.reading() as session:
                if (await session.execute(waiting)).scalar():
                    return
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("own_database")
class TestSnapshot:
    async def test_sees_one_moment_whatever_commits_meanwhile(self) -> None:
        async with db.snapshot() as session:
            before = list((await session.execute(TOPICS)).scalars())
            await asyncio.create_task(insert("a"))
            assert list((await session.execute(TOPICS)).scalars()) == before == []
        assert await topics() == ["a"]

    async def test_cannot_write(self) -> None:
        with pytest.raises(DBAPIError) as caught:
            async with db.snapshot() as session:
                await session.execute(INSERT, {"topic": "a"})
        assert isinstance(caught.value.orig, psycopg.errors.ReadOnlySqlTransaction)

    async def test_leaves_the_connection_as_it_was(self) -> None:
        async with db.snapshot():
            pass
        await insert("a")
        assert await topics() == ["a"]

    async def test_joins_an_open_transaction(self) -> None:
        async with db.transaction() as outer:
            await insert("a")
            async with db.snapshot() as inner:
                assert inner is outer


@pytest.mark.usefixtures("own_database")
class TestAFailedPart:
    async def test_takes_the_whole_transaction_with_it_even_if_caught(self) -> None:
        async def fail_half_way() -> None:
            async with db.transaction():
                await insert("half")
                raise ValueError("no")

        with pytest.raises(RuntimeError, match="none of it is committed"):
            async with db.transaction():
                await insert("before")
                with contextlib.suppress(ValueError):
                    await fail_half_way()
        assert await topics() == []

    async def test_that_was_refused_by_the_database_never_looks_committed(self) -> None:
        called: list[str] = []

        async def insert_twice() -> None:
            async with db.transaction():
                await insert("a")
                await insert("a")

        with pytest.raises(RuntimeError, match="none of it is committed"):
            async with db.transaction():
                db.after_commit(lambda: called.append("told"))
                with contextlib.suppress(DBAPIError):
                    await insert_twice()
        assert called == []


class TestAnAbsentDatabase:
    async def test_is_unavailable_when_it_cannot_be_reached(self, tmp_path: Path) -> None:
        db.connect(f"postgresql+psycopg://postgres@/nothing?host={tmp_path}", pool_size=2)
        try:
            with pytest.raises(Unavailable, match="not answering"):
                await topics()
        finally:
            await db.disconnect()

    async def test_is_unavailable_when_it_goes_away_inside_a_transaction(
        self, own_database: db.Database
    ) -> None:
        with pytest.raises(Unavailable, match="not answering"):
            async with db.transaction() as session:
                await session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert await topics() == []

    async def test_is_unavailable_when_a_lock_takes_too_long(
        self, own_database: db.Database
    ) -> None:
        with pytest.raises(Unavailable, match="busy"):
            async with db.transaction() as session:
                await session.execute(sa.text("SET LOCAL statement_timeout = 20"))
                await session.execute(sa.text("SELECT pg_sleep(5)"))


@pytest.mark.usefixtures("own_database")
class TestViolatedConstraint:
    async def test_names_what_was_broken(self) -> None:
        await insert("a")
        with pytest.raises(DBAPIError) as caught:
            await insert("a")
        assert db.violated_constraint(caught.value) == "topic_sequence_pkey"

    async def test_is_nothing_for_another_error(self) -> None:
        with pytest.raises(DBAPIError) as caught:
            async with db.transaction() as session:
                await session.execute(sa.text("SELECT 1 / 0"))
        assert db.violated_constraint(caught.value) is None


class TestConnect:
    def test_without_it_the_database_is_unavailable(self) -> None:
        with pytest.raises(Unavailable):
            db.database()

    async def test_each_pool_has_one_database_and_speaks_utc(
        self, own_database: db.Database
    ) -> None:
        assert db.database() is own_database
        async with db.transaction() as session:
            assert (await session.execute(sa.text("SHOW timezone"))).scalar() == "UTC"

    async def test_a_connection_lost_while_idle_is_replaced_before_it_is_used(
        self, own_database: db.Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(db, "_TRUSTED_S", 0.0)
        await insert("a")
        await terminate_all(own_database)
        assert await topics() == ["a"]

    async def test_one_lost_while_in_use_takes_all_that_are_lost_with_it(
        self, own_database: db.Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(db, "_TRUSTED_S", 3600.0)
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(insert(str(number)))
        await terminate_all(own_database)
        with pytest.raises(Unavailable):
            await topics()
        assert await topics() == ["0", "1", "2", "3"]


async def terminate_all(database: db.Database) -> None:
    """End every connection there is to the database, as its restart would."""
    async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as it:
        await it.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


class TestLibpqUrl:
    def test_keeps_everything_but_the_driver(self) -> None:
        url = "postgresql+psycopg://u:p%40ss@db.example.org:5433/live?sslmode=verify-full"
        assert db.libpq_url(url) == url.replace("+psycopg", "")
