"""New workers for old ones, while visitors stay: what SIGHUP asks for.

The new process listens on the socket of the one it replaces, and only when it serves is the old one
asked to leave; so at no moment is there nobody to answer, and no waiting visitor is dropped.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

from financial_live.asgi import PROJECT
from financial_live.cli.workers import Worker, await_readiness
from financial_live.config import Settings
from financial_live.embedded import DataFolder, spawn, tail
from financial_live.errors import ConfigError

# How long a worker may take to send its visitors away.
LEAVE_TIMEOUT_S = 120.0
_MIGRATE = "from financial_live.cli import main; main(['migrate'])"
_LOG = "migration"
_LOOK_S = 0.1


def migrate_anew(settings: Settings, tick: Callable[[], None]) -> None:
    """Migrate by the program that is on the disk now, which may be newer than this process.

    ``tick`` is called while waiting and may raise to give up. Raises ConfigError with what the
    program said when it fails.
    """
    folder = DataFolder(settings.data_dir)
    with folder.open_log(_LOG) as log:
        process = spawn(
            [sys.executable, "-c", _MIGRATE],
            output=log,
            end_with=signal.SIGTERM,
            cwd=PROJECT,
            environment={**os.environ, **settings.environment()},
        )
    try:
        while process.poll() is None:
            tick()
            time.sleep(_LOOK_S)
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        said = tail(folder.log_file(_LOG), lines=5)
        raise ConfigError(f"The database could not be migrated:\n{said}")


def replace(old: Worker, settings: Settings, tick: Callable[[], None]) -> Worker:
    """Start a successor of ``old`` and return it once it serves.

    Raises ConfigError when it does not; then the old one goes on.
    """
    new = old.successor()
    new.settings = settings
    new.start()
    try:
        await_readiness([new], tick)
    except BaseException:
        new.kill()
        raise
    return new


def see_off(old: Worker, tick: Callable[[], None]) -> None:
    """Ask ``old`` to send its visitors away, and wait until it has ended."""
    deadline = time.monotonic() + LEAVE_TIMEOUT_S
    old.ask_to_leave()
    try:
        while not old.has_ended() and time.monotonic() < deadline:
            tick()
            time.sleep(_LOOK_S)
    finally:
        old.stop()
