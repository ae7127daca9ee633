"""Joining a running instance, or starting the parts for a moment."""

import os
from pathlib import Path

import psycopg
import pytest
import redis

from financial_live.config import Settings
from financial_live.embedded import DataFolder, Instance, joined_or_started
from financial_live.errors import ConfigError


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for one in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        one.chmod(0o711)
    return Settings.load(data_dir=tmp_path / "data")


class TestJoinedOrStarted:
    def test_starts_what_is_missing_and_ends_it(self, settings: Settings) -> None:
        with joined_or_started(settings) as reachable:
            database, bus = reachable.secret("database_url"), reachable.secret("redis_url")
            with psycopg.connect(database) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            with redis.Redis.from_url(bus) as client:
                assert client.ping()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(database)
        with pytest.raises(redis.ConnectionError), redis.Redis.from_url(bus) as client:
            client.ping()

    def test_joins_the_one_that_runs(self, settings: Settings) -> None:
        folder = DataFolder(settings.data_dir)
        there = Instance(os.getpid(), "http://here", "postgresql://there/x", "redis://there")
        with folder.lock():
            folder.announce(there)
            with joined_or_started(settings) as reachable:
                assert reachable.secret("database_url") == there.database_url
                assert reachable.secret("redis_url") == there.redis_url

    def test_leaves_a_given_address_alone(self, settings: Settings) -> None:
        given = Settings.load(
            data_dir=settings.data_dir, database_url="postgresql://given/x", redis_url="redis://g"
        )
        with joined_or_started(given) as reachable:
            assert reachable == given
        assert not settings.data_dir.exists()

    def test_refuses_while_another_one_is_starting(self, settings: Settings) -> None:
        folder = DataFolder(settings.data_dir)
        with (
            folder.lock(),
            pytest.raises(ConfigError, match=f"process {os.getpid()}"),
            joined_or_started(settings),
        ):
            pytest.fail("joined something that does not run yet")
