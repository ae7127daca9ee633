"""The migrated schema and the models must be the same schema.

Alembic compares tables, columns and indexes, but checks by name only. So this compares what
PostgreSQL itself says of two databases: one migrated, one made from the models.
"""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from financial_live import db
from financial_live.contexts.accounts import Purpose, Role
from financial_live.contexts.campaigns import CampaignStatus, ReviewPolicy
from financial_live.contexts.donations import DonationSource, DonationStatus
from financial_live.money import CURRENCIES
from tests.conftest import TEMPLATE, Server

ROOT = Path(__file__).parent.parent
CONSTRAINTS = """
    SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
COLUMNS = """
    SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length,
                     numeric_precision, numeric_scale, is_nullable, column_default, is_identity)
    FROM information_schema.columns WHERE table_schema = 'public'
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
BOOKKEEPING = "alembic_version"


def describe(url: str, query: str) -> set[str]:
    with psycopg.connect(db.libpq_url(url)) as connection:
        rows = {row[0] for row in connection.execute(query.encode())}
    return {row for row in rows if BOOKKEEPING not in row}


@pytest.fixture(scope="module")
def modelled(server: Server) -> Iterator[str]:
    """Return a database made from the models."""
    url = server.create("modelled")
    engine = sa.create_engine(url)
    SQLModel.metadata.create_all(engine)
    engine.dispose()
    yield url
    server.drop("modelled")


@pytest.fixture
def copy(server: Server, migrated: str) -> Iterator[str]:
    """Return a copy of the migrated database, so that the template stays free to be copied."""
    yield server.create("compared", template=TEMPLATE)
    server.drop("compared")


class TestSchema:
    @pytest.mark.parametrize("query", [TABLES, COLUMNS, CONSTRAINTS, INDEXES])
    def test_migrations_and_models_make_the_same(
        self, copy: str, modelled: str, query: str
    ) -> None:
        described = describe(copy, query)
        assert described
        assert described == describe(modelled, query)

    def test_alembic_finds_no_drift(self, copy: str) -> None:
        engine = sa.create_engine(copy)
        with engine.connect() as connection:
            config = db.alembic_config()
            config.attributes["connection"] = connection
            command.check(config)
        engine.dispose()

    @pytest.mark.parametrize(
        ("table", "name", "values"),
        [
            ("user_account", "valid_role", Role),
            ("user_token", "valid_purpose", Purpose),
            ("campaign", "valid_status", CampaignStatus),
            ("campaign", "valid_review_policy", ReviewPolicy),
            ("campaign", "valid_currency", CURRENCIES),
            ("donation", "valid_status", DonationStatus),
            ("donation", "valid_source", DonationSource),
            ("donation", "valid_currency", CURRENCIES),
            ("exchange_rate", "valid_base_currency", CURRENCIES),
            ("exchange_rate", "valid_quote_currency", CURRENCIES),
        ],
    )
    def test_a_check_allows_exactly_the_values_of_its_type(
        self, copy: str, table: str, name: str, values: Iterable[str]
    ) -> None:
        query = f"""
            SELECT m[1] FROM pg_constraint,
            LATERAL regexp_matches(pg_get_constraintdef(oid), '''([^'']*)''', 'g') AS m
            WHERE conrelid = '{table}'::regclass AND conname = '{name}'
        """
        assert describe(copy, query) == {str(value) for value in values}


class TestMigrate:
    async def test_goes_up_and_down_and_up_again(self, empty_database: str) -> None:
        await db.migrate(empty_database)
        first = describe(empty_database, CONSTRAINTS) | describe(empty_database, INDEXES)
        await db.migrate(empty_database, "base")
        assert describe(empty_database, TABLES) == set()
        await db.migrate(empty_database)
        assert describe(empty_database, CONSTRAINTS) | describe(empty_database, INDEXES) == first

    async def test_each_step_undoes_exactly_itself(self, empty_database: str) -> None:
        script = ScriptDirectory.from_config(db.alembic_config())
        revisions = [revision.revision for revision in reversed(list(script.walk_revisions()))]
        before: list[set[str]] = []
        engine = sa.create_engine(empty_database)
        with engine.connect() as connection:
            config = db.alembic_config()
            config.attributes["connection"] = connection
            for revision in revisions:
                before.append(describe(empty_database, CONSTRAINTS + " UNION " + INDEXES))
                command.upgrade(config, revision)
            for expected in reversed(before):
                command.downgrade(config, "-1")
                assert describe(empty_database, CONSTRAINTS + " UNION " + INDEXES) == expected
        engine.dispose()

    async def test_says_where_the_database_is(self, empty_database: str) -> None:
        before = await db.migration_status(empty_database)
        assert before.current is None
        assert not before.is_current
        await db.migrate(empty_database)
        after = await db.migration_status(empty_database)
        assert after.current == after.head == before.head
        assert after.is_current

    async def test_migrating_twice_changes_nothing(self, empty_database: str) -> None:
        await db.migrate(empty_database)
        await db.migrate(empty_database)
        assert (await db.migration_status(empty_database)).is_current

    async def test_programs_that_start_at_once_wait_for_each_other(
        self, empty_database: str
    ) -> None:
        program = "import asyncio, sys; from financial_live import db; "
        program += "asyncio.run(db.migrate(sys.argv[1]))"
        started = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", program, empty_database, cwd=ROOT
            )
            for _ in range(2)
        ]
        assert [await process.wait() for process in started] == [0, 0]
        assert (await db.migration_status(empty_database)).is_current

    async def test_two_at_once_are_one_migration(self, empty_database: str) -> None:
        await asyncio.gather(db.migrate(empty_database), db.migrate(empty_database))
        assert (await db.migration_status(empty_database)).is_current

    async def test_who_waits_is_in_nobodys_way(self, empty_database: str) -> None:
        url = db.libpq_url(empty_database)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as first:
            await first.execute("CREATE TABLE large (id bigint)")
            await first.execute("SELECT pg_advisory_lock(%s)", [db.MIGRATION_LOCK])
            second = asyncio.create_task(db.migrate(empty_database))
            asks = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s"
            asks += " AND datname = current_database() AND query LIKE '%%try_advisory_lock%%'"
            asked = (asks, [db.MIGRATOR])
            while await (await first.execute(*asked)).fetchone() is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            # This waits for every transaction that is open now.
            await first.execute("CREATE INDEX CONCURRENTLY ON large (id)")
            assert not second.done()
        await second
        assert (await db.migration_status(empty_database)).is_current

    async def test_leaves_alone_what_a_newer_program_has_migrated(
        self, empty_database: str
    ) -> None:
        await db.migrate(empty_database)
        with psycopg.connect(db.libpq_url(empty_database)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999_of_tomorrow'")
        await db.migrate(empty_database)
        status = await db.migration_status(empty_database)
        assert status.current == "9999_of_tomorrow"
        assert status.is_ahead
        assert status.is_current

    def test_history_is_one_line(self) -> None:
        script = ScriptDirectory.from_config(db.alembic_config())
        assert len(script.get_heads()) == len(script.get_bases()) == 1

    def test_every_step_gives_up_on_a_lock_it_does_not_get(self) -> None:
        script = ScriptDirectory.from_config(db.alembic_config())
        for revision in script.walk_revisions():
            assert revision.module.LOCK_TIMEOUT == "SET LOCAL lock_timeout = '5s'"
