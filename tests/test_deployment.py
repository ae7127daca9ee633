"""What Dockerfile and compose.yaml say must be true of this program: nobody else checks it."""

import inspect
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import uvicorn
import yaml

from financial_live import routes
from financial_live.cli import app
from financial_live.config import Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROXY: str = COMPOSE["configs"]["proxy"]["content"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NODES = ("node1", "node2")
# What the one who deploys puts into .env; a password that openssl made is of letters and digits.
EXAMPLES = {"POSTGRES_PASSWORD": "a1b2", "VALKEY_PASSWORD": "c3d4", "DOMAIN": "give.example.org"}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def substituted(text: str) -> str:
    """Fill in the variables as Docker does: what has no default must be given."""

    def value(found: re.Match[str]) -> str:
        name, kind, word = found.groups()
        return word if kind == "-" else EXAMPLES[name]

    return VARIABLE.sub(value, text)


def environment(node: str) -> dict[str, str]:
    return {name: substituted(str(value)) for name, value in SERVICES[node]["environment"].items()}


def command(node: str) -> list[str]:
    return [substituted(word) for word in SERVICES[node]["command"]]


def image_environment() -> dict[str, str]:
    """Return what the image's last ENV sets."""
    last = DOCKERFILE.replace("\\\n", " ").rpartition("\nENV ")[2].partition("\n")[0]
    return dict(word.split("=", 1) for word in shlex.split(last))


def instruction(name: str) -> list[str]:
    """Return the words of the last instruction of this name, in its exec form."""
    found = re.findall(rf"^\s*{name} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    words: list[str] = json.loads(found[-1])
    return words


def is_command_line(words: list[str]) -> bool:
    """Whether our own command understands these words."""
    program, name, *options = words
    group = typer.main.get_command(app)
    command = group.commands[name]  # type: ignore[attr-defined]
    with command.make_context(name, options):
        return program == "financial-live"


@pytest.mark.parametrize("node", NODES)
class TestNodes:
    def test_are_given_known_settings_only(self, node: str) -> None:
        assert set(environment(node)) <= set(Settings.names())

    def test_start_in_production_with_what_they_are_given(
        self, node: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in Settings.names():
            monkeypatch.delenv(name, raising=False)
        for name, value in (image_environment() | environment(node)).items():
            monkeypatch.setenv(name, value)
        settings = Settings.load()
        assert settings.is_production
        assert not settings.is_loopback
        assert settings.allowed_origins == ("https://give.example.org",)
        assert "sslmode=disable" in settings.sqlalchemy_url

    def test_reach_services_that_are_there(self, node: str) -> None:
        hosts = re.findall(r"@([\w-]+):\d+", " ".join(environment(node).values()))
        assert set(hosts) == set(SERVICES[node]["depends_on"]) <= set(SERVICES)

    def test_are_started_by_a_command_of_ours(self, node: str) -> None:
        assert is_command_line(command(node))


class TestDatabase:
    def test_takes_all_connections_of_all_workers_at_once(self) -> None:
        workers = sum(int(words[words.index("--workers") + 1]) for words in map(command, NODES))
        allowed = re.search(r"max_connections=(\d+)", " ".join(SERVICES["postgres"]["command"]))
        assert allowed is not None
        pool: int = Settings.model_fields["pool_size"].default
        # Beside its pool a worker has its relay's connection, and one to look at the schema.
        assert workers * (pool + 2) < int(allowed[1])


class TestProxy:
    def test_passes_on_to_every_node(self) -> None:
        everywhere = re.findall(r"reverse_proxy(?: @\w+)? (node1:\S+ node2:\S+) \{", PROXY)
        port = Settings.model_fields["port"].default
        assert set(everywhere) == {" ".join(f"{node}:{port}" for node in NODES)}
        assert set(re.findall(r"(node\d+):", PROXY)) == set(NODES)

    def test_asks_the_nodes_at_an_address_of_ours(self) -> None:
        assert re.findall(r"health_uri (\S+)", PROXY) == [routes.READY]

    def test_shows_nobody_what_is_measured(self) -> None:
        assert re.search(rf"handle {routes.METRICS} \{{\s*respond 404", PROXY)

    def test_closes_idle_lines_before_a_node_does(self) -> None:
        # The workers keep the default of uvicorn.
        kept_s = inspect.signature(uvicorn.Config).parameters["timeout_keep_alive"].default
        [closed_s] = re.findall(r"keepalive (\d+)s", PROXY)
        assert int(closed_s) < kept_s

    def test_serves_the_origin_that_the_nodes_allow(self) -> None:
        sites = re.findall(r"^([\w.]+) \{$", substituted(PROXY), re.MULTILINE)
        assert [f"https://{site}" for site in sites] == [environment("node1")["ALLOWED_ORIGINS"]]


class TestDockerfile:
    def test_copies_what_is_there(self) -> None:
        sources = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        named = [one for line in sources for one in line.split()]
        assert named
        assert [one for one in named if not (ROOT / one).exists()] == []

    def test_starts_a_command_of_ours(self) -> None:
        assert is_command_line(instruction("CMD"))

    def test_builds_the_pages_by_a_command_of_ours(self) -> None:
        builds = re.findall(r"^RUN (financial-live .+)$", DOCKERFILE, re.MULTILINE)
        assert [is_command_line(shlex.split(one)) for one in builds] == [True]

    def test_names_known_settings_only(self) -> None:
        ours = {name for name in image_environment() if name not in ("HOME", "PATH")}
        assert ours <= set(Settings.names())

    def test_asks_for_health_at_an_address_and_port_of_ours(self) -> None:
        port = Settings.model_fields["port"].default
        health = re.search(r"HEALTHCHECK .*\\\n.*'(http://\S+?)'", DOCKERFILE)
        assert health is not None
        assert health[1] == f"http://127.0.0.1:{port}{routes.HEALTH}"

    def test_leaves_out_tools_that_are_named_so(self) -> None:
        left_out = re.findall(r"--no-install-package ([\w-]+)", DOCKERFILE)
        pinned = (ROOT / "pyproject.toml").read_text()
        assert left_out
        assert [name for name in left_out if f'"{name}==' not in pinned] == []
