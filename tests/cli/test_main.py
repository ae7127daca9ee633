"""The command line: the default command, exit codes, and errors in one message."""

import os
from pathlib import Path

import pytest

from financial_live.cli import main, with_default_command
from financial_live.config import Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.names():
        if name in os.environ:
            monkeypatch.delenv(name)


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


class TestWithDefaultCommand:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ([], ["run"]),
            (["--port", "9000"], ["run", "--port", "9000"]),
            (["check"], ["check"]),
            (["run", "--port", "9000"], ["run", "--port", "9000"]),
            (["--help"], ["--help"]),
        ],
    )
    def test_run_is_meant_where_no_command_is_named(
        self, typed: list[str], meant: list[str]
    ) -> None:
        assert with_default_command(typed) == meant


class TestExitCode:
    def test_is_0_for_help(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert exit_code("--help") == 0
        said = capsys.readouterr().out
        for command in ("run", "migrate", "build", "demo", "check", "doctor", "simulate", "user"):
            assert command in said

    @pytest.mark.parametrize(
        "typed",
        [
            ["bogus"],
            ["--port", "x"],
            ["run", "--workers", "0"],
            ["simulate"],
            ["check", "extra"],
            ["user"],
            ["user", "create", "siti@example.org"],
            ["user", "create", "siti@example.org", "--name", "Siti", "--password", "secret"],
            ["user", "password", "siti@example.org", "secret"],
            ["user", "role", "siti@example.org", "king"],
        ],
    )
    def test_is_2_for_wrong_usage(self, typed: list[str]) -> None:
        assert exit_code(*typed) == 2

    def test_is_1_for_an_error_told_in_one_message(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert exit_code("simulate", "--campaign", "x", "--data-dir", str(tmp_path)) == 1
        said = capsys.readouterr()
        assert said.err.startswith("Nothing runs in")
        assert not said.out

    def test_is_1_for_wrong_settings(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("POOL_SIZE", "0")
        assert exit_code("migrate") == 1
        assert "POOL_SIZE" in capsys.readouterr().err


class TestDataDir:
    @pytest.mark.parametrize(
        "command",
        [
            *("run", "migrate", "build", "demo", "check", "doctor", "simulate"),
            *("user create", "user password", "user role"),
        ],
    )
    def test_is_an_option_of_every_command(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert exit_code(*command.split(), "--help") == 0
        assert "--data-dir" in capsys.readouterr().out
