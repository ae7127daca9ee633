"""Listening sockets and the worker processes that serve on them.

A single worker's socket stays open while it is replaced: its visitors wait instead of being
refused. Several have a socket each on the one port, and the kernel spreads the visitors. There the
socket of one that died is closed at once, so that the others get its visitors, and the new one
listens when it has loaded the application, not before.
"""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from financial_live.asgi import LEAVE, PROJECT
from financial_live.cli.stopping import command_line
from financial_live.config import Settings
from financial_live.embedded import DataFolder, spawn, tail
from financial_live.errors import ConfigError

# What means every address when listened on, and the one to reach it at from here.
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
READY_TIMEOUT_S = 60.0
# uvicorn gives its visitors 3 seconds; this is a little more.
STOP_TIMEOUT_S = 5.0
_BACKLOG = 2048
# The workers of a supervisor that was killed let go of the port a moment later.
_PATIENCE_S = 1.0
_POLL_S = 0.05


class PortInUse(ConfigError):
    """Another program listens on the port."""


def listen(host: str, port: int, *, workers: int) -> list[socket.socket]:
    """Open one listening socket for each worker, all on the same address.

    Raises ConfigError, with what to type, when the address is taken or is not this machine's.
    """
    first = _open_patiently(host, port)
    if workers == 1:
        return [first]
    # A socket that shares its port would be given one that another instance shares too. So the
    # first one asked for it alone, and makes room only now that it is known to be free.
    bound: int = first.getsockname()[1]
    first.close()
    return [_open(host, bound, shared=True) for _ in range(workers)]


def address_of(host: str, port: int) -> str:
    """Return the address at which a program of this machine reaches the server."""
    reachable = _EVERY_ADDRESS.get(host, host)
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}"


class Gate:
    """Holds back workers that load the application while the database is still being prepared.

    Loading takes longer than everything else in a start, and needs none of it.
    """

    def __init__(self) -> None:
        self.read_end, self._write_end = os.pipe()

    def open(self) -> None:
        """Let them serve. Opening it twice does nothing."""
        for end in (self.read_end, self._write_end):
            if end >= 0:
                os.close(end)
        self.read_end = self._write_end = -1


class Worker:
    """One process that serves. Its log is a file, or in production our own standard error."""

    def __init__(self, number: int, listening: socket.socket, folder: DataFolder) -> None:
        self.title = f"Worker {number}"
        self._number = number
        self.settings: Settings | None = None
        self._listening = listening
        self._place = listening.getsockname()
        self._is_shared = listening.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) != 0
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: int | None = None

    def successor(self) -> "Worker":
        """Return a worker that will take visitors at the same place as this one."""
        self._hold_port()
        return Worker(self._number, self._listening, self._folder)

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    def start(self, gate: "Gate | None" = None) -> None:
        """Start the process; it answers a moment later, and not before the gate is open."""
        if self.settings is None:
            raise RuntimeError("a worker needs its settings before it starts")
        self._hold_port()
        self._forget_ready()
        self._ready, tells_ready = os.pipe()
        os.set_blocking(self._ready, False)
        given = {"--fd": self._listening.fileno(), "--ready": tells_ready}
        if gate is not None:
            given["--gate"] = gate.read_end
        argv = [sys.executable, "-m", "financial_live.asgi"]
        argv += [word for name, descriptor in given.items() for word in (name, str(descriptor))]
        environment = {**os.environ, **self.settings.environment()}
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, tells_ready)
            log = None
            if not self.settings.is_production:
                log = stack.enter_context(self._folder.open_log("server"))
            self._process = spawn(
                argv, output=log, end_with=signal.SIGTERM, cwd=PROJECT, environment=environment,
                pass_fds=list(given.values()),
            )  # fmt: skip

    def is_ready(self) -> bool:
        """Whether it serves."""
        if self._ready is not None:
            with contextlib.suppress(BlockingIOError):
                if os.read(self._ready, 1):
                    self._forget_ready()
        return self._ready is None

    def _forget_ready(self) -> None:
        if self._ready is not None:
            os.close(self._ready)
            self._ready = None

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code."""
        if self._process is None:
            return 0
        code = self._process.poll()
        if code is not None and self._is_shared:
            self.leave_port()
        return code

    def _hold_port(self) -> None:
        if self._listening.fileno() < 0:
            self._listening = _bind_again(self._listening.family, self._place)

    def leave_port(self) -> None:
        """Take no more visitors here."""
        self._listening.close()

    def ask_to_leave(self) -> None:
        """Ask it to send its visitors away, one after another, and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(LEAVE)

    def has_ended(self) -> bool:
        """Whether the process is gone; its place stays as it is."""
        return self._process is None or self._process.poll() is not None

    def ask_to_stop(self) -> None:
        """Ask it to finish what it is doing and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """End it and wait; by force when it takes too long."""
        self.ask_to_stop()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_S)
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._forget_ready()

    def last_words(self) -> str:
        """Return the end of its log, to explain why it ended."""
        path = self._folder.log_file("server")
        if self.settings is not None and self.settings.is_production:
            return "Its messages are above."
        return f"The end of {path}:\n{tail(path, lines=25)}"


def await_readiness(workers: Sequence[Worker], tick: Callable[[], None]) -> None:
    """Wait until all serve. Raises ConfigError when one ends or takes too long instead.

    ``tick`` is called while waiting and may raise to give up.
    """
    deadline = time.monotonic() + READY_TIMEOUT_S
    while waiting := [one for one in workers if not one.is_ready()]:
        tick()
        for worker in waiting:
            if worker.has_ended():
                raise ConfigError(f"{worker.title} could not start. {worker.last_words()}")
        if time.monotonic() > deadline:
            raise ConfigError(
                f"{waiting[0].title} did not serve in {READY_TIMEOUT_S:.0f} s. "
                f"{waiting[0].last_words()}"
            )
        time.sleep(_POLL_S)


def _bind_again(family: int, place: object) -> socket.socket:
    """Return a socket that shares the port again; it gets visitors once the worker listens."""
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(place)  # type: ignore[arg-type]
    return bound


def _open_patiently(host: str, port: int) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return _open(host, port, shared=False)
        except PortInUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)


def _open(host: str, port: int, *, shared: bool) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigError(_unusable(host, "is not an address of this machine")) from error
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        opened.bind(place)
        # Listening at once keeps the port ours, and lets a visitor who is early wait.
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(_in_use(host, port)) from error
        raise ConfigError(_refusal(error, host)) from error
    return opened


def _in_use(host: str, port: int) -> str:
    return (
        f"Port {port} on {host} is in use by another program. Choose another, for instance: "
        f"{command_line('--port', str(_free_port_after(host, port)))}"
    )


def _refusal(error: OSError, host: str) -> str:
    if error.errno == errno.EACCES:
        return f"Ports below 1024 are reserved. Type: {command_line('--port', '8000')}"
    if error.errno == errno.EADDRNOTAVAIL:
        return _unusable(host, "is not an address of this machine")
    return _unusable(host, f"cannot be listened on ({error.strerror})")


def _unusable(host: str, why: str) -> str:
    return f"{host} {why}. Use --host 127.0.0.1 for this machine only, or --host 0.0.0.0 for all."


def _free_port_after(host: str, port: int) -> int:
    for candidate in range(port + 1, min(port + 20, 65536)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("" if ":" in host else host, candidate))
            return candidate
    return 0
