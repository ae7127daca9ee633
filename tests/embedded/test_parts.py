"""The real servers: starting, answering, stopping, and what is left when somebody is killed."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from financial_live.embedded import DataFolder, Part, Postgres, Valkey
from financial_live.errors import ConfigError

PATIENCE_S = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    # As root another account runs PostgreSQL and has to pass through the folders above it.
    for one in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        one.chmod(0o711)
    return DataFolder(tmp_path / "mit Leerzeichen, ünïcode, 'quotes' \" and $HOME")


@pytest.fixture
def postgres(folder: DataFolder) -> Iterator[Postgres]:
    part = Postgres(folder)
    part.start()
    yield part
    part.stop()


@pytest.fixture
def valkey(folder: DataFolder) -> Iterator[Valkey]:
    part = Valkey(folder)
    part.start()
    yield part
    part.stop()


def wait_for_end(pid: int) -> None:
    """Wait until a process that need not be our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
        assert ended, f"process {pid} is still there"
    finally:
        os.close(descriptor)


def query(part: Postgres, statement: str) -> str:
    with psycopg.connect(part.url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return str(row[0]) if row else ""


def pid_of(part: Part) -> int:
    assert part.pid is not None
    return part.pid


class TestPostgres:
    def test_serves_a_database_of_its_own(self, postgres: Postgres) -> None:
        assert query(postgres, "SELECT current_database()") == "financial_live"
        assert postgres.poll() is None

    def test_knows_unicode_letters(self, postgres: Postgres) -> None:
        assert query(postgres, "SELECT lower('ÄŞΔ')") == "äşδ"

    def test_listens_on_no_port(self, postgres: Postgres) -> None:
        assert query(postgres, "SELECT current_setting('listen_addresses')") == ""

    def test_keeps_its_rows_over_a_restart(self, postgres: Postgres) -> None:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        postgres.stop()
        postgres.start()
        assert query(postgres, "SELECT value FROM kept") == "7"

    def test_recovers_what_was_committed_before_it_was_killed(self, postgres: Postgres) -> None:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
            os.kill(pid_of(postgres), signal.SIGKILL)
        wait_for_end(pid_of(postgres))
        assert postgres.poll() == -signal.SIGKILL
        postgres.start()
        assert query(postgres, "SELECT value FROM kept") == "7"

    def test_stops_although_a_client_stays(self, postgres: Postgres) -> None:
        pid = pid_of(postgres)
        with psycopg.connect(postgres.url, autocommit=True):
            postgres.stop()
        wait_for_end(pid)
        assert postgres.poll() == 0

    def test_stopping_twice_does_nothing(self, postgres: Postgres) -> None:
        postgres.stop()
        postgres.stop()
        assert postgres.pid is None

    def test_starts_over_a_pid_file_whose_process_is_another(self, postgres: Postgres) -> None:
        postgres.stop()
        lines = f"{os.getpid()}\n{postgres.folder.postgres}\n"
        (postgres.folder.postgres / "postmaster.pid").write_text(lines)
        postgres.start()
        assert query(postgres, "SELECT 1") == "1"

    def test_starts_after_an_interrupted_first_start(self, folder: DataFolder) -> None:
        folder.create()
        half = folder.path / "postgres.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        part = Postgres(folder)
        part.start()
        try:
            assert query(part, "SELECT 1") == "1"
        finally:
            part.stop()

    def test_refuses_the_files_of_another_version(self, postgres: Postgres) -> None:
        postgres.stop()
        (postgres.folder.postgres / "PG_VERSION").write_text("9\n")
        with pytest.raises(ConfigError, match=r"PostgreSQL 9, and this is \d+"):
            postgres.start()

    def test_shows_the_end_of_its_log_when_it_cannot_start(self, postgres: Postgres) -> None:
        postgres.stop()
        settings = postgres.folder.postgres / "postgresql.conf"
        settings.write_text("no_such_setting = on\n")
        with pytest.raises(ConfigError, match="no_such_setting"):
            postgres.start()

    def test_gives_up_when_told_to(self, folder: DataFolder) -> None:
        part = Postgres(folder)

        def interrupt() -> None:
            raise InterruptedError

        with pytest.raises(InterruptedError):
            part.start(interrupt)
        part.stop()
        assert part.pid is None


class TestValkey:
    def test_answers_on_its_socket(self, valkey: Valkey) -> None:
        with redis.Redis.from_url(valkey.url) as client:
            assert client.ping()

    def test_listens_on_no_port(self, valkey: Valkey) -> None:
        with redis.Redis.from_url(valkey.url) as client:
            assert client.config_get("port") == {"port": "0"}

    def test_keeps_what_it_was_told_over_a_restart(self, valkey: Valkey) -> None:
        with redis.Redis.from_url(valkey.url) as client:
            client.set("kept", "7")
        valkey.stop()
        valkey.start()
        with redis.Redis.from_url(valkey.url) as client:
            assert client.get("kept") == b"7"

    def test_starts_again_after_it_was_killed(self, valkey: Valkey) -> None:
        os.kill(pid_of(valkey), signal.SIGKILL)
        wait_for_end(pid_of(valkey))
        assert valkey.poll() == -signal.SIGKILL
        valkey.start()
        with redis.Redis.from_url(valkey.url) as client:
            assert client.ping()

    def test_its_socket_is_closed_to_others(self, valkey: Valkey) -> None:
        socket = Path(valkey.url.removeprefix("unix://"))
        assert socket.parent.stat().st_mode & 0o777 == 0o700


class TestWhenTheSupervisorIsKilled:
    def test_nothing_stays_and_the_next_start_works(self, folder: DataFolder) -> None:
        program = (
            "import time; from pathlib import Path\n"
            "from financial_live.embedded import DataFolder, Postgres, Valkey\n"
            f"folder = DataFolder(Path({str(folder.path)!r}))\n"
            "parts = [Postgres(folder), Valkey(folder)]\n"
            "with folder.lock():\n"
            "    for part in parts: part.start()\n"
            "    print(*[part.pid for part in parts], flush=True); time.sleep(60)\n"
        )
        supervisor = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert supervisor.stdout is not None
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        supervisor.kill()
        supervisor.communicate()
        self.start_at_once(folder)
        for pid in pids:
            wait_for_end(pid)

    def start_at_once(self, folder: DataFolder) -> None:
        """Start while the old ones are perhaps still ending, and see that the new ones serve."""
        parts = [Postgres(folder), Valkey(folder)]
        with folder.lock():
            try:
                for part in parts:
                    part.start()
                assert query(Postgres(folder), "SELECT 1") == "1"
                with redis.Redis.from_url(Valkey(folder).url) as client:
                    assert client.ping()
            finally:
                for part in parts:
                    part.stop()


class TestKill:
    @pytest.mark.parametrize("kind", [Postgres, Valkey])
    def test_ends_it_at_once(self, folder: DataFolder, kind: type[Part]) -> None:
        part = kind(folder)
        part.start()
        pid = pid_of(part)
        part.kill()
        wait_for_end(pid)
        assert part.pid is None
