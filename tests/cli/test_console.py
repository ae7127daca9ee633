"""What is printed, with and without a terminal."""

import io

import pytest

from financial_live.cli.console import Console


class Terminal(io.StringIO):
    """Text that somebody watches."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Pipe(io.StringIO):
    """Text that goes into a file."""

    encoding = "utf-8"


class Closed(Pipe):
    """A terminal that is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


class TestStep:
    def test_prints_its_result_and_the_time_it_took(self) -> None:
        out = Pipe()
        with Console(out).step("starting") as step:
            step.done("Database ready")
        assert out.getvalue().startswith("✓ Database ready (0.")

    def test_prints_plain_lines_into_a_file(self) -> None:
        out = Pipe()
        with Console(out).step("starting"):
            pass
        assert "\x1b" not in out.getvalue()
        assert "\r" not in out.getvalue()

    def test_is_shown_while_it_runs_on_a_terminal(self) -> None:
        out = Terminal()
        with Console(out).step("starting"):
            assert out.getvalue().endswith("… starting")

    def test_prints_no_tick_when_it_fails(self) -> None:
        out = Pipe()
        with pytest.raises(RuntimeError), Console(out).step("starting"):
            raise RuntimeError
        assert "✓" not in out.getvalue()


class TestUpdate:
    def test_replaces_the_line_on_a_terminal(self) -> None:
        out = Terminal()
        Console(out).update("5 gifts")
        assert out.getvalue() == "\r\x1b[2K5 gifts"

    def test_says_nothing_into_a_file(self) -> None:
        out = Pipe()
        Console(out).update("5 gifts")
        assert not out.getvalue()


class TestConsole:
    def test_writes_errors_where_errors_belong(self) -> None:
        out, err = Pipe(), Pipe()
        Console(out, err).error("It did not work.")
        assert not out.getvalue()
        assert err.getvalue() == "It did not work.\n"

    def test_survives_the_end_of_its_terminal(self) -> None:
        out = Closed()
        Console(out).note("Stopping.")
        assert not out.getvalue()

    def test_uses_letters_where_marks_cannot_be_printed(self) -> None:
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding="ascii")
        Console(out).good("done")
        assert raw.getvalue() == b"ok done\n"
