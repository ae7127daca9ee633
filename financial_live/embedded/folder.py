"""The data folder: its layout, its lock, and how a running instance announces itself."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from financial_live.errors import ConfigError

_LOCK_PATIENCE_S = 1.0
_POLL_S = 0.02
_MAX_LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Instance:
    """A running instance, as it announces itself to the other subcommands."""

    pid: int
    address: str
    database_url: str
    redis_url: str


class DataFolder:
    """Where everything of one instance is kept, and the lock that makes it the only one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "log"
        self.frontend = path / "frontend"
        self.postgres = path / "postgres"
        self.valkey = path / "valkey"
        self._instance = path / "instance.json"
        self._lock = path / "lock"

    def create(self) -> None:
        """Make the folder and its log folder. Raises ConfigError when the disk refuses."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.log.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(
                f"The data folder {self.path} cannot be used: {error.strerror}. "
                "Choose another with --data-dir."
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one that starts something here. Raises ConfigError naming who is."""
        self.create()
        with self._open_lock() as file:
            self._acquire(file)
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                self._instance.unlink(missing_ok=True)

    def announce(self, instance: Instance) -> None:
        """Tell the other subcommands how to join, and nobody else: it holds the addresses."""
        draft = self._instance.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(instance), file)
        draft.replace(self._instance)

    def running(self) -> Instance | None:
        """Return the instance that runs here. A stale announcement of a killed one is ignored."""
        try:
            announced = Instance(**json.loads(self._instance.read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None
        except PermissionError as error:
            raise ConfigError(
                f"The data folder {self.path} belongs to another user. Run this as that user, or "
                "choose another folder with --data-dir."
            ) from error
        return announced if self.is_locked() else None

    def is_locked(self) -> bool:
        """Whether some process holds the lock now."""
        if not self._lock.exists():
            return False
        with self._open_lock() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def open_log(self, name: str) -> IO[bytes]:
        """Open a log to append to; one that has grown over 10 MB is first put aside, once."""
        path = self.log_file(name)
        if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    def log_file(self, name: str) -> Path:
        """Return where the log of this part is."""
        return self.log / f"{name}.log"

    def _open_lock(self) -> IO[str]:
        try:
            # O_CREAT without O_TRUNC: the file says who holds it until somebody else does.
            return os.fdopen(os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        except OSError as error:
            raise ConfigError(
                f"The data folder {self.path} cannot be used: {error.strerror}. "
                "Choose another with --data-dir."
            ) from error

    def _acquire(self, file: IO[str]) -> None:
        # ``is_locked`` of another process holds the lock for an instant, so one try is too few.
        deadline = time.monotonic() + _LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigError(self._held_by(file.read().strip())) from None
                time.sleep(_POLL_S)
            else:
                return

    def _held_by(self, pid: str) -> str:
        instance = self.running()
        where = f" and serves {instance.address}" if instance and instance.address else ""
        who = f"process {pid or 'unknown'}"
        return (
            f"The data folder {self.path} is in use: {who} holds it{where}. Stop that one first, "
            "or start this one with another folder: --data-dir FOLDER --port PORT."
        )
