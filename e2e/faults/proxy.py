"""The proxy of compose.yaml, run on this machine, and pages that tell its nodes apart."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

COMPOSE = Path(__file__).parent.parent.parent / "compose.yaml"
# How the files of the second build are told from those of the first.
MARK = "-second"
_NAMED = re.compile(r"assets/([\w.-]+)\.(js|css)")
_VARIABLE = re.compile(r"\$\{(\w+)(?::[^}]*)?\}")
_REFUSED = re.compile(r'health_checker\.active".*"host":"127\.0\.0\.1:(\d+)"')


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _configured() -> str:
    text: str = yaml.safe_load(COMPOSE.read_text())["configs"]["proxy"]["content"]
    return text


def caddyfile(domain: str, ports: list[int]) -> str:
    """Return the proxy's configuration in compose.yaml, for this machine."""
    text = _VARIABLE.sub(lambda found: {"DOMAIN": domain}[found[1]], _configured())
    for number, port in enumerate(ports, start=1):
        text = text.replace(f"node{number}:8000", f"127.0.0.1:{port}")
    here = f"{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {free_port()}\n"
    return text.replace("{\n", here, 1)


@contextmanager
def proxy(folder: Path, domain: str, ports: list[int]) -> Iterator[Path]:
    """Run Caddy, with its certificates and its log in ``folder``; return the log."""
    folder.mkdir()
    (folder / "Caddyfile").write_text(caddyfile(domain, ports))
    places = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")],
            stdout=log, stderr=log, env=os.environ | places,
        )  # fmt: skip
    try:
        yield folder / "log"
    finally:
        process.terminate()
        process.wait(30)


def left_out(log: str) -> set[str]:
    """Return the ports of the nodes that the proxy finds unready by this part of its log."""
    found = _REFUSED.findall(log)
    # A node is asked for each place that passes visitors on to it, in turn.
    places = len(re.findall(r"\bimport balanced\b", _configured()))
    return {port for port in found if found.count(port) >= places}


def second_build(first: Path, second: Path) -> None:
    """Copy a build so that every script and style of it has another name."""
    shutil.copytree(first, second, ignore=shutil.ignore_patterns("*.gz"))
    for file in [one for one in second.rglob("*") if one.suffix in (".html", ".js", ".css")]:
        text = _NAMED.sub(rf"assets/\1{MARK}.\2", file.read_text())
        # Scripts name each other by ./name, the manifest and the pages by assets/name.
        text = re.sub(r"""(["'`]\./[\w.-]+)\.js(["'`])""", rf"\1{MARK}.js\2", text)
        file.write_text(text)
    for file in (second / "client" / "assets").glob("*.*s"):
        file.rename(file.with_name(f"{file.stem}{MARK}{file.suffix}"))
