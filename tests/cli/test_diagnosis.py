"""What the doctor finds, in order and out of order."""

import io
import os
from pathlib import Path

import pytest

from financial_live.cli import diagnosis
from financial_live.cli.console import Console
from financial_live.config import Settings
from financial_live.embedded import joined_or_started


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.names():
        if name in os.environ:
            monkeypatch.delenv(name)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for one in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        one.chmod(0o711)
    return tmp_path / "data"


def findings(data: Path) -> tuple[bool, str]:
    out = io.StringIO()
    healthy = diagnosis.diagnose(data, Console(out))
    return healthy, out.getvalue()


class TestDiagnose:
    def test_a_fresh_machine_is_healthy_and_left_alone(self, data: Path) -> None:
        healthy, said = findings(data)
        assert healthy, said
        for part in ("Python", "PostgreSQL", "Valkey", "bun", "Data folder", "Frontend"):
            assert part in said
        assert not data.exists()

    def test_finds_that_a_database_is_not_migrated(self, data: Path) -> None:
        settings = Settings.load(data_dir=data)
        with joined_or_started(settings):
            pass
        healthy, said = findings(data)
        assert not healthy
        assert "migrate" in said
        assert "Bus reachable" in said

    def test_goes_on_after_parts_that_do_not_answer(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://owner:hunter2@127.0.0.1:1/gifts")
        monkeypatch.setenv("REDIS_URL", "redis://:hunter2@127.0.0.1:1")
        healthy, said = findings(data)
        assert not healthy
        assert "-- Database" in said
        assert "-- Bus" in said
        assert "hunter2" not in said

    def test_tells_what_is_wrong_with_the_settings(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("POOL_SIZE", "0")
        healthy, said = findings(data)
        assert not healthy
        assert "POOL_SIZE is 0" in said

    def test_a_folder_that_is_a_file_is_no_data_folder(self, data: Path) -> None:
        data.write_text("not a folder")
        healthy, said = findings(data)
        assert not healthy
        assert "--data-dir" in said

    def test_a_given_frontend_must_be_there(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FINANCIAL_LIVE_FRONTEND_DIR", str(data / "none"))
        healthy, said = findings(data)
        assert not healthy
        assert "FINANCIAL_LIVE_FRONTEND_DIR" in said
