"""``financial-live doctor``: looks at everything a start needs and says what to do about it.

Each look stands alone and a broken one is a finding like any other, so the doctor always reaches
the end of the list.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from financial_live import db
from financial_live.asgi import PROJECT, is_complete, source_hash
from financial_live.asgi.build import bun_binary
from financial_live.bus import Bus
from financial_live.cli.console import Console
from financial_live.cli.stopping import command_line
from financial_live.config import Settings
from financial_live.embedded import DataFolder, joined_or_started, postgres_binaries, valkey_binary
from financial_live.errors import AppError

_OLDEST, _NEWEST = (3, 11), (3, 13)
_NEEDED_BYTES = 500_000_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. What is optional may be missing without a fault."""

    text: str
    ok: bool = True
    advice: str = ""


def diagnose(data_dir: Path | None, console: Console) -> bool:
    """Print every finding with what to do; return whether all that is needed is right."""
    healthy = True
    for finding in _findings(data_dir):
        healthy = healthy and finding.ok
        say = console.good if finding.ok else console.bad
        say(finding.text)
        if finding.advice:
            console.note(f"    {finding.advice}")
    return healthy


def _findings(data_dir: Path | None) -> Iterator[Finding]:
    yield _python()
    yield _looked("PostgreSQL", lambda: _binary("PostgreSQL", postgres_binaries() / "postgres"))
    yield _looked("Valkey", lambda: _binary("Valkey", valkey_binary()))
    yield _looked("bun", lambda: _binary("bun", bun_binary()))
    yield _browser()
    try:
        settings = Settings.load(data_dir=data_dir)
    except AppError as error:
        yield Finding("Settings", ok=False, advice=error.message)
        return
    yield Finding(f"Settings for {settings.env}")
    yield _looked("Data folder", lambda: _folder(settings.data_dir))
    yield _looked("Frontend", lambda: _frontend(settings))
    yield from _running_parts(settings)


def _looked(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except AppError as error:
        return Finding(name, ok=False, advice=error.message)
    except Exception as error:  # noqa: BLE001 - whatever is broken is what the doctor is for.
        return Finding(name, ok=False, advice=f"{type(error).__name__}: {_first_line(error)}")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if _OLDEST <= sys.version_info[:2] <= _NEWEST:
        return Finding(f"Python {version}")
    return Finding(
        f"Python {version}", ok=False, advice="Use Python 3.11 to 3.13: uv run --python 3.13 …"
    )


def _binary(name: str, path: Path) -> Finding:
    if not os.access(path, os.X_OK):
        return Finding(name, ok=False, advice=f"{path} cannot be executed. Type: chmod +x {path}")
    said = subprocess.run([path, "--version"], capture_output=True, timeout=10, check=False)
    if said.returncode != 0:
        reason = said.stderr.decode(errors="replace").strip()
        return Finding(name, ok=False, advice=f"{path} does not run on this machine: {reason}")
    return Finding(f"{name} is installed ({path})")


def _browser() -> Finding:
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found:
        return Finding(f"Chromium for the browser tests ({found})")
    return Finding(
        "No Chromium, which only the browser tests need",
        advice="Debian: apt install chromium. Elsewhere: uv run playwright install chromium",
    )


def _folder(path: Path) -> Finding:
    parent = next(one for one in (path, *path.parents) if one.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        advice = f"{parent} cannot be written to. Choose another folder with --data-dir."
        return Finding(f"Data folder {path}", ok=False, advice=advice)
    free = shutil.disk_usage(parent).free
    if free < _NEEDED_BYTES:
        advice = f"Only {free // 1_000_000} MB are free there; have 500 MB. Or use --data-dir."
        return Finding(f"Data folder {path}", ok=False, advice=advice)
    state = "" if path.exists() else ", made at the first start"
    return Finding(f"Data folder {path} ({free // 1_000_000_000} GB free{state})")


def _frontend(settings: Settings) -> Finding:
    if settings.frontend_dir is not None:
        if is_complete(settings.frontend_dir):
            return Finding(f"Frontend given ({settings.frontend_dir})")
        advice = f"{settings.frontend_dir} holds no build. Unset FINANCIAL_LIVE_FRONTEND_DIR."
        return Finding("Frontend", ok=False, advice=advice)
    if is_complete(DataFolder(settings.data_dir).frontend / source_hash(PROJECT)):
        return Finding("Frontend built from the present sources")
    return Finding("Frontend not built yet from the present sources; the next start builds it")


def _running_parts(settings: Settings) -> Iterator[Finding]:
    folder = DataFolder(settings.data_dir)
    instance = folder.running()
    if instance is not None:
        yield Finding(f"Running at {instance.address} (process {instance.pid})")
    else:
        yield Finding(f"Not running; `{command_line()}` starts it")
        if settings.database_url is None and not folder.postgres.exists():
            yield Finding("No database yet; the first start makes it")
            return
    findings: list[Finding] = []
    failed = _looked("Databases", lambda: _collect(settings, findings))
    yield from findings
    if not failed.ok:
        yield failed


def _collect(settings: Settings, findings: list[Finding]) -> Finding:
    with joined_or_started(settings) as reachable:
        findings.append(_looked("Database", lambda: _database(reachable)))
        if findings[0].ok:
            findings.append(_looked("Migrations", lambda: _migrations(reachable)))
        findings.append(_looked("Bus", lambda: asyncio.run(_bus(reachable))))
    return Finding("Databases")


def _database(settings: Settings) -> Finding:
    url = db.libpq_url(settings.sqlalchemy_url)
    with psycopg.connect(url, connect_timeout=5) as connection:
        version = connection.info.server_version // 10000
        if version < 14:
            advice = f"It is PostgreSQL {version}; use 14 or newer."
            return Finding("Database", ok=False, advice=advice)
    return Finding(f"Database reachable (PostgreSQL {version})")


def _migrations(settings: Settings) -> Finding:
    status = asyncio.run(db.migration_status(settings.sqlalchemy_url))
    if status.is_current:
        return Finding(f"Database migrated ({status.current})")
    advice = f"It is at {status.current or 'nothing'} and needs {status.head}. Type: "
    return Finding("Migrations", ok=False, advice=f"{advice}{command_line('migrate')}")


async def _bus(settings: Settings) -> Finding:
    bus = Bus(settings.secret("redis_url"))
    try:
        await bus.ping()
    finally:
        await bus.close()
    return Finding("Bus reachable")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
