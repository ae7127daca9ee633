"""``rates import``, ``rates set`` and ``rates list``."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_live.cli import exchange_rates, main
from financial_live.cli.console import Console
from financial_live.config import Settings
from financial_live.contexts.exchange_rates import MAX_FILE_BYTES
from financial_live.errors import Invalid
from tests.conftest import TEMPLATE, Server
from tests.contexts.exchange_rates.files import DAILY_XML, HISTORICAL_CSV


@pytest.fixture
def settings(server: Server, migrated: str, tmp_path: Path) -> Iterator[Settings]:
    url = server.create("rates", template=TEMPLATE)
    yield Settings.load(data_dir=tmp_path, database_url=url, redis_url="redis://unused")
    server.drop("rates")


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "eurofxref"


def said(out: io.StringIO) -> list[str]:
    """Return what was said since the last time."""
    lines = out.getvalue().splitlines()
    out.seek(0)
    out.truncate()
    return lines


class TestImport:
    def test_says_what_was_new_known_and_passed_over(
        self, settings: Settings, file: Path, out: io.StringIO
    ) -> None:
        for data, new, known, ignored in ((DAILY_XML, 2, 0, 1), (HISTORICAL_CSV, 3, 2, 4)):
            file.write_bytes(data)
            exchange_rates.import_file(settings, file, Console(out))
            first, second = said(out)
            assert f"{new} new exchange rates; {known} were known." in first
            assert second.startswith(f"{ignored} others are of currencies")

    def test_stores_nothing_of_a_file_with_a_wrong_line(
        self, settings: Settings, file: Path, out: io.StringIO
    ) -> None:
        file.write_bytes(HISTORICAL_CSV.replace(b"17190.05", b"17,190"))
        with pytest.raises(Invalid, match="line 3: 5 rates for 4 currencies"):
            exchange_rates.import_file(settings, file, Console(out))
        exchange_rates.show(settings, None, Console(out))
        assert said(out) == ["There are no such exchange rates."]

    def test_reads_no_more_than_such_a_file_may_have(
        self, settings: Settings, file: Path, out: io.StringIO
    ) -> None:
        with file.open("wb") as opened:
            opened.truncate(100 * MAX_FILE_BYTES)
        with pytest.raises(Invalid, match="is larger than 32 MB"):
            exchange_rates.import_file(settings, file, Console(out))


class TestSetAndList:
    def test_shows_the_newest_first_and_what_is_searched(
        self, settings: Settings, file: Path, out: io.StringIO
    ) -> None:
        file.write_bytes(DAILY_XML)
        exchange_rates.import_file(settings, file, Console(out))
        given = {"base_currency": "USD", "quote_currency": "IDR", "rate": "15900.50"}
        given |= {"as_of": "2026-11-28", "source": "Bank X"}
        said(out)
        exchange_rates.enter(settings, given, Console(out))
        [entered] = said(out)
        sentence = "2026-11-28: 1 USD is 15900.5 IDR (by hand: Bank X)."
        assert entered.endswith(sentence)
        exchange_rates.show(settings, None, Console(out))
        lines = said(out)
        assert lines[0] == sentence
        assert set(lines[1:]) == {
            "2026-11-27: 1 EUR is 1.0842 USD (ECB).",
            "2026-11-27: 1 EUR is 17216.43 IDR (ECB).",
        }
        exchange_rates.show(settings, "EUR USD", Console(out))
        assert said(out) == ["2026-11-27: 1 EUR is 1.0842 USD (ECB)."]

    def test_says_how_many_more_there_are(
        self, settings: Settings, file: Path, out: io.StringIO
    ) -> None:
        days = [f"2026-10-{day:02},1.5," for day in range(1, 26)]
        file.write_text("\n".join(["Date,USD,", *days]))
        exchange_rates.import_file(settings, file, Console(out))
        exchange_rates.show(settings, None, Console(out))
        assert said(out)[-2:] == [
            "2026-10-06: 1 EUR is 1.5 USD (ECB).",
            "And 5 earlier ones.",
        ]


def code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


class TestCommand:
    def test_imports_sets_and_lists_where_nothing_runs(
        self, tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for one in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
            one.chmod(0o711)
        where = ["--data-dir", str(tmp_path / "data")]
        assert code("migrate", *where) == 0
        file.write_bytes(DAILY_XML)
        assert code("rates", "import", str(file), *where) == 0
        day = ["--as-of", "2026-11-30"]
        assert code("rates", "set", "EUR", "USD", "1.09", *day, "--source", "Bank X", *where) == 0
        capsys.readouterr()
        assert code("rates", "list", "USD", *where) == 0
        assert capsys.readouterr().out.splitlines() == [
            "2026-11-30: 1 EUR is 1.09 USD (by hand: Bank X).",
            "2026-11-27: 1 EUR is 1.0842 USD (ECB).",
        ]

    def test_names_everything_that_is_wrong(
        self,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", settings.secret("database_url"))
        monkeypatch.setenv("REDIS_URL", "redis://unused")
        wrong = ["rates", "set", "EUR", "GBP", "1,09", "--as-of", "today", "--source", " "]
        assert code(*wrong, "--data-dir", str(settings.data_dir)) == 1
        told = capsys.readouterr().err
        for field in ("quote_currency", "rate", "as_of", "source"):
            assert f"{field} " in told

    def test_a_file_that_is_not_there_is_wrong_usage(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert code("rates", "import", str(file)) == 2
        assert "does not exist" in capsys.readouterr().err
