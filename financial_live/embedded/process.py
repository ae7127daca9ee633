"""Children that end with us, and what the kernel says about processes."""

import ctypes
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from financial_live.errors import ConfigError

_PR_SET_PDEATHSIG = 1
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Account:
    """Who a child runs as: ourselves, another account, or ourselves seen as nobody."""

    uid: int = os.geteuid()
    gid: int = os.getegid()
    prefix: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether a child needs no other user than the one we are."""
        return self.uid == os.geteuid()


def spawn(
    argv: Sequence[str],
    *,
    output: IO[bytes] | int | None,
    end_with: signal.Signals,
    account: Account | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a child that gets ``end_with`` when this process dies, however it dies.

    It has its own session, so that Ctrl-C in the terminal reaches us alone and we stop it in
    order. Call it from the main thread: the kernel means the *thread* that started the child.
    Without ``environment`` it gets nearly none: settings of ours or PGPORT are not its business.
    """
    account = account or Account()
    as_other: dict[str, Any] = {}
    if not account.is_ours:
        as_other = {"user": account.uid, "group": account.gid, "extra_groups": []}
    return subprocess.Popen(
        [*account.prefix, *argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        cwd=cwd,
        env=dict(environment) if environment is not None else _bare_environment(),
        start_new_session=True,
        pass_fds=pass_fds,
        # It only makes two system calls, and takes no lock another thread could have held.
        preexec_fn=_ending_with_parent(end_with, os.getpid()),  # noqa: PLW1509
        **as_other,
    )


def end_with_parent(signum: signal.Signals) -> None:
    """Have the kernel send us this signal when the parent that we have now dies. Linux only."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, int(signum))


def tail(path: Path, *, lines: int = 15) -> str:
    """Return the last lines of a file without their colours, or a remark that there are none."""
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        return f"  ({path} cannot be read: {error.strerror})"
    said = [line.rstrip() for line in _ESCAPE.sub("", text).splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in said[-lines:]) or "  (it is empty)"


def version_said_by(binary: Path, pattern: str) -> str:
    """Return what ``pattern`` finds in a binary's answer to ``--version``."""
    said = subprocess.run([binary, "--version"], capture_output=True, check=True).stdout.decode()
    found = re.search(pattern, said)
    return found.group(1) if found else "unknown"


def packaged_binary(package: str, pattern: str) -> Path:
    """Return a binary that a Python package carries. Raises ConfigError when it is not there."""
    # The package is found without importing it: importing would run code we do not use.
    spec = importlib.util.find_spec(package)
    places = (spec and spec.submodule_search_locations) or ()
    found = [binary for place in places for binary in Path(place).glob(pattern)]
    if found:
        return max(found, key=_version_in)
    raise ConfigError(f"{package} is not installed, or not for this machine. Type: uv sync")


def _version_in(path: Path) -> int:
    """Order ``pginstall`` before ``pginstall18``: the package may carry several versions."""
    digits = re.search(r"pginstall([0-9]+)", str(path))
    return int(digits.group(1)) if digits else 0


def pid_in(path: Path) -> int | None:
    """Return the process id that a pid file begins with, if it does."""
    try:
        first = path.read_text().split("\n", 1)[0].strip()
    except OSError:
        return None
    return int(first) if first.isdecimal() else None


def works_in(pid: int, folder: Path) -> bool:
    """Whether this process exists and its working folder is this one."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return False


def _ending_with_parent(signum: signal.Signals, parent: int) -> Callable[[], None]:
    def prepare() -> None:
        end_with_parent(signum)
        # The parent may have died before the kernel was told; then nobody would ever tell us.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare


def _bare_environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}
