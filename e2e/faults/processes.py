"""Processes as the kernel shows them, to stop, continue and kill. Linux only."""

import contextlib
import os
import signal
from collections import defaultdict
from pathlib import Path

_SERVES = b"financial_live.asgi"


def descendants(pid: int) -> list[int]:
    """Return the processes that this one has started, and those that they have."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # After the name, which may hold anything: the state, and the parent.
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
            children[parent].append(int(entry.parent.name))
    found = list(children[pid])
    for one in found:
        found += children[one]
    return found


def tree(pid: int) -> list[int]:
    """Return this process and its descendants."""
    return [pid, *descendants(pid)]


def send(signum: signal.Signals, pids: list[int]) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)


def workers(supervisor: int) -> list[int]:
    """Return the workers of an instance, the one with the most sockets first."""
    found = [pid for pid in descendants(supervisor) if _SERVES in _read(pid, "cmdline")]
    return sorted(found, key=_sockets, reverse=True)


def _read(pid: int, name: str) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def _sockets(pid: int) -> int:
    count = 0
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                count += str(entry.readlink()).startswith("socket:")
    return count
