"""``migrate``, ``demo``, ``check`` and the offer of a demo, on a database of their own."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from financial_live.cli import data
from financial_live.cli.console import Console
from financial_live.config import Settings
from financial_live.embedded import DataFolder, Postgres
from financial_live.errors import Unavailable


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    for one in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        one.chmod(0o711)
    folder = DataFolder(tmp_path / "data")
    postgres = Postgres(folder)
    postgres.start()
    yield Settings.load(data_dir=folder.path, database_url=postgres.url, redis_url="redis://unused")
    postgres.stop()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def offer(settings: Settings) -> data.Offer:
    return asyncio.run(data.offer_demo(settings, DataFolder(settings.data_dir)))


def execute(settings: Settings, statement: str) -> None:
    with psycopg.connect(settings.secret("database_url"), autocommit=True) as connection:
        connection.execute(statement.encode())


class TestMigrate:
    def test_brings_an_empty_database_up_to_date(
        self, settings: Settings, out: io.StringIO
    ) -> None:
        data.migrate(settings, Console(out))
        assert "the newest" in out.getvalue()

    def test_changes_nothing_the_second_time(self, settings: Settings, out: io.StringIO) -> None:
        data.migrate(settings, Console(out))
        data.migrate(settings, Console(out))
        first, second = out.getvalue().splitlines()
        assert first == second


def empty(settings: Settings) -> None:
    """Delete all gifts and campaigns, whatever the ledger and the audit trail say to that."""
    for table in ("ledger_entry", "audit_entry"):
        execute(settings, f"ALTER TABLE {table} DISABLE TRIGGER USER")
    gone = ("ledger_entry", "gift_match", "match_challenge", "donation", "campaign")
    for table in gone:
        execute(settings, f"DELETE FROM {table}")


class TestOfferDemo:
    def test_loads_into_an_empty_database_once(self, settings: Settings) -> None:
        data.bring_up_to_date(settings)
        first, second = offer(settings), offer(settings)
        assert first.loaded > 0
        assert second.loaded == 0
        assert first.slug is not None
        assert second.slug == first.slug

    def test_never_brings_back_what_was_deleted(self, settings: Settings) -> None:
        data.bring_up_to_date(settings)
        offer(settings)
        empty(settings)
        assert offer(settings) == data.Offer(0, None)

    def test_adds_nothing_to_campaigns_that_are_there(
        self, settings: Settings, out: io.StringIO
    ) -> None:
        data.demo(settings, Console(out))
        assert offer(settings).loaded == 0


class TestDemo:
    def test_loads_what_is_missing_whenever_it_is_asked_to(
        self, settings: Settings, out: io.StringIO
    ) -> None:
        data.bring_up_to_date(settings)
        loaded = offer(settings).loaded
        empty(settings)
        data.demo(settings, Console(out))
        assert f"{loaded} demo campaigns loaded" in out.getvalue()


class TestCheck:
    def test_has_nothing_to_say_of_right_totals(self, settings: Settings, out: io.StringIO) -> None:
        data.demo(settings, Console(out))
        assert data.check(settings, Console(out))
        assert "nothing to say" in out.getvalue()

    def test_names_each_wrong_total(self, settings: Settings, out: io.StringIO) -> None:
        data.demo(settings, Console(out))
        execute(settings, "UPDATE campaign SET total_raised = total_raised + 1")
        assert not data.check(settings, Console(out))
        assert "nothing to say" not in out.getvalue()

    def test_says_what_to_type_before_the_first_migration(
        self, settings: Settings, out: io.StringIO
    ) -> None:
        with pytest.raises(Unavailable, match="migrate"):
            data.check(settings, Console(out))
