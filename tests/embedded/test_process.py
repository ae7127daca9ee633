"""Children that end with us, and the end of their logs."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from financial_live.embedded import spawn, tail
from financial_live.embedded.process import packaged_binary, pid_in, works_in
from financial_live.errors import ConfigError


class TestSpawn:
    def test_a_child_learns_none_of_our_settings(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://u:hunter2@h/d")
        monkeypatch.setenv("PGPORT", "1")
        with (tmp_path / "log").open("wb") as log:
            assert spawn(["env"], output=log, end_with=signal.SIGKILL).wait() == 0
        names = {line.split("=")[0] for line in (tmp_path / "log").read_text().splitlines()}
        assert not names & {"DATABASE_URL", "PGPORT"}
        assert "PATH" in names

    def test_a_child_has_its_own_session(self) -> None:
        child = spawn(["sleep", "60"], output=subprocess.DEVNULL, end_with=signal.SIGKILL)
        try:
            assert os.getsid(child.pid) == child.pid
        finally:
            child.kill()
            child.wait()


class TestTail:
    def test_is_the_last_lines_without_colours_and_gaps(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_text("one\n\x1b[31mtwo\x1b[0m\n\n\x1b[38;5;246mthree\x1b[0m\n")
        assert tail(log, lines=2) == "  two\n  three"

    def test_says_so_when_there_is_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "log").touch()
        assert "empty" in tail(tmp_path / "log")
        assert "cannot be read" in tail(tmp_path / "none")


class TestPackagedBinary:
    def test_says_what_to_type_when_it_is_not_there(self) -> None:
        with pytest.raises(ConfigError, match="uv sync"):
            packaged_binary("no_such_package", "bin/*")


class TestPidIn:
    @pytest.mark.parametrize(("text", "pid"), [("12\n/data\n", 12), ("", None), ("x\n", None)])
    def test_reads_the_first_line(self, tmp_path: Path, text: str, pid: int | None) -> None:
        (tmp_path / "pid").write_text(text)
        assert pid_in(tmp_path / "pid") == pid

    def test_is_none_where_there_is_no_file(self, tmp_path: Path) -> None:
        assert pid_in(tmp_path / "none") is None


class TestWorksIn:
    def test_tells_by_the_working_folder(self, tmp_path: Path) -> None:
        assert works_in(os.getpid(), Path.cwd())
        assert not works_in(os.getpid(), tmp_path)
