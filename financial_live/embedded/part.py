"""What the embedded servers have in common: starting, being watched, stopping, their sockets."""

import contextlib
import hashlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from financial_live.embedded.folder import DataFolder
from financial_live.embedded.process import pid_in, tail, works_in
from financial_live.errors import ConfigError

Tick = Callable[[], None]

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
_POLL_S = 0.02
# A socket's address holds 107 bytes, and PostgreSQL appends the name of its socket.
_MAX_SOCKET_FOLDER = 70


def no_tick() -> None:
    """Do nothing between two looks at a starting part."""


class Part(ABC):
    """One embedded server. ``start`` blocks until it answers; call it from the main thread."""

    title: str
    log_name: str

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address of the running server."""

    @property
    @abstractmethod
    def version(self) -> str:
        """The version of the binary."""

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    @abstractmethod
    def start(self, tick: Tick = no_tick) -> None:
        """Start and wait until it answers. Raises ConfigError with the end of its log.

        ``tick`` is called again and again while waiting, and may raise to give up.
        """

    @abstractmethod
    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop it and wait; after ``timeout_s`` seconds by force. Stopping twice does nothing."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once. What was written stays; the next start recovers it."""

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code."""
        return 0 if self._process is None else self._process.poll()

    def _end(self, first: signal.Signals, timeout_s: float) -> None:
        if self._process is None:
            return
        for signum in (first, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(signum)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout_s)
        self._process = None

    def _await_answer(self, answers: Callable[[], bool], tick: Tick) -> bool:
        """Return False when the process ended instead of answering."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.poll() is None:
            if answers():
                return True
            if time.monotonic() > deadline:
                self.stop()
                raise ConfigError(self._no_answer(f"did not answer in {START_TIMEOUT_S:.0f} s"))
            tick()
            time.sleep(_POLL_S)
        return False

    def _no_answer(self, what: str) -> str:
        path = self.folder.log_file(self.log_name)
        return f"{self.title} {what}. The end of {path}:\n{tail(path)}"


def socket_folder(data: Path, kind: str) -> Path:
    """Name a short folder for sockets, the same for every start on this data folder."""
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    place = Path(tempfile.gettempdir())
    if len(os.fsencode(place)) > _MAX_SOCKET_FOLDER - 30:
        # A long TMPDIR leaves no room for a socket; the folder made here is closed to others.
        place = Path("/tmp")  # noqa: S108
    return place / f"financial-live-{digest}-{kind}"


def remove_if_empty(path: Path) -> None:
    """Leave no folder for sockets behind."""
    with contextlib.suppress(OSError):
        path.rmdir()


def own_folder(path: Path, uid: int) -> None:
    """Make a folder that only this user may enter; refuse one that somebody else has made."""
    path.mkdir(exist_ok=True, mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or (os.geteuid() != 0 and found.st_uid != os.geteuid()):
        raise ConfigError(f"{path} is not ours. Remove it, or set TMPDIR to a folder of your own.")
    if found.st_uid != uid:
        os.chown(path, uid, -1)
    path.chmod(0o700)


def await_previous(pid_file: Path, folder: Path, tick: Tick) -> None:
    """Wait for a server that a killed supervisor left behind; a stale pid file is removed.

    We hold the folder's lock, so a process that works in this folder is such a leftover. A pid
    alone proves nothing: by now it may belong to anybody, and PostgreSQL would refuse to start.
    """
    if sys.platform != "linux":
        # Elsewhere nobody can be told apart by the working folder; the server itself refuses.
        return
    pid = pid_in(pid_file)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while pid is not None and works_in(pid, folder):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            deadline = float("inf")
        tick()
        time.sleep(_POLL_S)
    pid_file.unlink(missing_ok=True)
