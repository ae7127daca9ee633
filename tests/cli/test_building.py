"""``build``: where the pages end up, and what it refuses. What a build is, tests/asgi says."""

import io
from pathlib import Path

import pytest

from financial_live.asgi import is_complete
from financial_live.cli import building
from financial_live.cli.console import Console
from financial_live.config import Settings
from financial_live.embedded import DataFolder
from financial_live.errors import ConfigError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(data_dir=tmp_path / "data")


@pytest.fixture(autouse=True)
def builder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a builder in the place of Reflex's, which takes a minute."""

    def build_frontend(root: Path, folder: DataFolder) -> Path:
        folder.create()
        client = folder.frontend / "0123456789abcdef" / "client"
        client.mkdir(parents=True, exist_ok=True)
        (client / "index.html").write_text("built")
        return client.parent

    monkeypatch.setattr(building, "build_frontend", build_frontend)


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


class TestBuild:
    def test_says_what_to_set_for_the_pages_in_the_data_folder(
        self, settings: Settings, out: io.StringIO
    ) -> None:
        place = building.build(settings, None, Console(out))
        assert place.is_relative_to(settings.data_dir)
        assert f"FINANCIAL_LIVE_FRONTEND_DIR={place}" in out.getvalue()

    def test_puts_them_into_the_folder_that_is_named(
        self, settings: Settings, out: io.StringIO, tmp_path: Path
    ) -> None:
        target = tmp_path / "image" / "frontend"
        assert building.build(settings, target, Console(out)) == target
        assert (target / "client" / "index.html").read_text() == "built"
        assert [one.name for one in target.parent.iterdir()] == ["frontend"]
        assert f"FINANCIAL_LIVE_FRONTEND_DIR={target}" in out.getvalue()

    def test_replaces_an_older_build(
        self, settings: Settings, out: io.StringIO, tmp_path: Path
    ) -> None:
        target = tmp_path / "frontend"
        (target / "client").mkdir(parents=True)
        (target / "client" / "index.html").write_text("old")
        (target / "client" / "old.js").write_text("old")
        building.build(settings, target, Console(out))
        assert is_complete(target)
        assert [one.name for one in (target / "client").iterdir()] == ["index.html"]

    def test_accepts_an_empty_folder(
        self, settings: Settings, out: io.StringIO, tmp_path: Path
    ) -> None:
        (tmp_path / "frontend").mkdir()
        assert is_complete(building.build(settings, tmp_path / "frontend", Console(out)))

    def test_touches_nothing_that_is_no_build(
        self, settings: Settings, out: io.StringIO, tmp_path: Path
    ) -> None:
        (tmp_path / "letters").mkdir()
        (tmp_path / "letters" / "one.txt").write_text("dear")
        with pytest.raises(ConfigError, match="something else"):
            building.build(settings, tmp_path / "letters", Console(out))
        assert (tmp_path / "letters" / "one.txt").read_text() == "dear"

    def test_says_which_folder_cannot_be_written_to(
        self, settings: Settings, out: io.StringIO, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match="cannot be put into"):
            building.build(settings, tmp_path / "file" / "frontend", Console(out))
