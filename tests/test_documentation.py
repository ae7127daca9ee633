"""What a user of this project must know is written down: nothing is added without its word."""

import re
from pathlib import Path

import pytest

from financial_live.config import Settings
from financial_live.rest import create_api

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def commands() -> list[str]:
    """Return the names of the subcommands."""
    source = (ROOT / "financial_live" / "cli" / "__init__.py").read_text()
    found = re.findall(r'@(\w+)\.command\((?:"(\w+)")?\)\ndef (\w+)', source)
    assert len(found) == source.count(".command("), "each is found"
    named = [(group, name or function) for group, name, function in found]
    return [name if group == "app" else f"{group} {name}" for group, name in named]


def events() -> list[str]:
    """Return the names of all events that a context tells."""
    sources = (ROOT / "financial_live" / "contexts").glob("*/events.py")
    told = re.compile(r"^def (\w+_\w+ed)\(", re.MULTILINE)
    return sorted({name for path in sources for name in told.findall(path.read_text())})


class TestDocumentation:
    @pytest.mark.parametrize("name", sorted(Settings.names()))
    def test_names_every_setting(self, name: str) -> None:
        assert f"`{name}`" in (DOCS / "operating.md").read_text()

    @pytest.mark.parametrize("name", commands())
    def test_names_every_command(self, name: str) -> None:
        readme = (ROOT / "README.md").read_text()
        assert f"financial-live {name}" in readme or name == "run"

    @pytest.mark.parametrize("name", events())
    def test_names_every_event(self, name: str) -> None:
        assert f"`{name}`" in (DOCS / "events.md").read_text()

    def test_names_every_address_for_programs(self) -> None:
        text = (DOCS / "rest.md").read_text() + (DOCS / "operating.md").read_text()
        served = {getattr(route, "path", "") for route in create_api().routes}
        missing = {path for path in served if path not in text and "{rest:path}" not in path}
        assert missing == set()

    def test_every_linked_file_exists(self) -> None:
        for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
            for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
                assert (page.parent / target).exists(), f"{page.name} links {target}"
