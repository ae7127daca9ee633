"""The faults: each is begun, lasts, and is ended. Its end is the return of what was away."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import httpx

from e2e.faults import processes
from e2e.faults.bus_line import Deed
from e2e.faults.staging import Stage
from e2e.instance import Site
from e2e.people import eventually
from financial_live import routes
from financial_live.embedded import Part

_RETURN_TIMEOUT_S = 90
_ALL_NEW = "All workers are new."

Act = Callable[[Stage], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """A fault of ``lasts_s`` seconds; ``smoke_s`` in the short version, if it is in it.

    ``says`` tells how many of the pages in the ``groups`` it touches must say that they reconnect:
    none need to where only a moment is lost. What ``goes_on`` returns at once in another place, and
    the pages' time counts from its beginning.
    """

    name: str
    what: str
    act: Act
    lasts_s: float
    smoke_s: float | None = None
    says: Literal["all", "some", "none"] = "all"
    groups: tuple[str, ...] = ("direct", "line", "laptop")
    goes_on: bool = False
    gifts_hz: float = 5.0


@asynccontextmanager
async def _bus(stage: Stage, done: Deed, share: float) -> AsyncIterator[None]:
    """Lose, repeat or reorder messages between the bus and the workers."""
    before = stage.bus.done[done]
    stage.bus.shares[done] = share
    yield
    stage.bus.shares[done] = 0.0
    count = stage.bus.done[done] - before
    stage.notes.append(f"{count} {done}")
    if not count:
        stage.failures.append(f"no message was {done}")


@asynccontextmanager
async def _killed(stage: Stage, part: Literal["postgres", "valkey"]) -> AsyncIterator[None]:
    """End a server at once, and start it again."""
    one: Part = getattr(stage, part)
    assert one.pid is not None
    processes.send(signal.SIGKILL, [one.pid])
    await asyncio.to_thread(one.kill)
    yield
    await asyncio.to_thread(one.start)


@asynccontextmanager
async def _stopped(pids: list[int]) -> AsyncIterator[None]:
    """Stop processes where they are, and let them go on."""
    processes.send(signal.SIGSTOP, pids)
    try:
        yield
    finally:
        processes.send(signal.SIGCONT, pids)


def _hung(stage: Stage, part: Literal["postgres", "valkey"]) -> AbstractAsyncContextManager[None]:
    """Stop a server with all its processes: its lines stay open, and nothing answers."""
    one: Part = getattr(stage, part)
    assert one.pid is not None
    return _stopped(processes.tree(one.pid))


@asynccontextmanager
async def _worker_killed(stage: Stage) -> AsyncIterator[None]:
    processes.send(signal.SIGKILL, stage.workers[:1])
    yield


@asynccontextmanager
async def _all_workers_killed(stage: Stage) -> AsyncIterator[None]:
    processes.send(signal.SIGKILL, stage.workers)
    yield
    await eventually(
        partial(is_served, stage.site), what="a worker serves", within_s=_RETURN_TIMEOUT_S
    )


def _worker_hung(stage: Stage) -> AbstractAsyncContextManager[None]:
    return _stopped(stage.workers[:1])


@asynccontextmanager
async def _workers_replaced(stage: Stage) -> AsyncIterator[None]:
    """Ask for new workers, one after another, as a deployment does."""
    before = stage.site.log.count(_ALL_NEW)
    stage.site.process.send_signal(signal.SIGHUP)

    async def are_new() -> bool:
        assert stage.site.process.poll() is None, stage.site.log
        return stage.site.log.count(_ALL_NEW) > before

    await eventually(are_new, what="all workers are new", within_s=_RETURN_TIMEOUT_S)
    yield


@asynccontextmanager
async def _cut(stage: Stage) -> AsyncIterator[None]:
    for line in stage.lines:
        await line.cut()
    yield
    for line in stage.lines:
        await line.mend()


@asynccontextmanager
async def _frozen(stage: Stage) -> AsyncIterator[None]:
    for line in stage.lines:
        line.freeze()
    yield
    for line in stage.lines:
        await line.mend()


@asynccontextmanager
async def _forgotten(stage: Stage) -> AsyncIterator[None]:
    for line in stage.lines:
        line.forget()
    yield


@asynccontextmanager
async def _impatient_proxy(stage: Stage) -> AsyncIterator[None]:
    """Close what is idle. A socket that its server keeps awake must not be."""
    before = sum(line.connections for line in stage.lines)
    for line in stage.lines:
        line.idle_s = 2.0
    yield
    for line in stage.lines:
        line.idle_s = None
    made = sum(line.connections for line in stage.lines) - before
    stage.notes.append(f"{made} connections made anew")
    if made:
        stage.failures.append(f"an impatient proxy cut {made} sockets")


def _asleep(stage: Stage) -> AbstractAsyncContextManager[None]:
    """Stop a whole browser, as the lid of a laptop does."""
    return _stopped(processes.tree(stage.laptop))


async def is_served(site: Site) -> bool:
    """Return whether the instance answers that it is well."""
    try:
        return (await site.get(routes.HEALTH)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def faults(*, asleep_s: float) -> tuple[Fault, ...]:
    """Return all faults, in the order of the night."""
    return (
        Fault("lost-half", "half of the bus's messages are lost",
              partial(_bus, done="lost", share=0.5), 8, says="none"),
        Fault("lost-all", "all of the bus's messages are lost",
              partial(_bus, done="lost", share=1.0), 8, 5),
        Fault("repeated", "every message comes twice",
              partial(_bus, done="repeated", share=1.0), 5, says="none"),
        Fault("reordered", "messages come out of order",
              partial(_bus, done="reordered", share=1.0), 8, says="none"),
        Fault("valkey-killed", "Valkey killed (-9), started again",
              partial(_killed, part="valkey"), 5, 5),
        Fault("valkey-hung", "Valkey hung", partial(_hung, part="valkey"), 8),
        Fault("postgres-killed", "PostgreSQL killed (-9), started again",
              partial(_killed, part="postgres"), 5, 5),
        Fault("postgres-hung", "PostgreSQL hung", partial(_hung, part="postgres"), 8),
        Fault("worker-killed", "one worker of two killed (-9)",
              _worker_killed, 1, 1, says="none", goes_on=True),
        Fault("worker-hung", "one worker of two hung", _worker_hung, 6, says="some"),
        Fault("workers-killed", "all workers killed (-9)", _all_workers_killed, 0),
        Fault("line-cut", "line cut, mended", _cut, 15, 3, groups=("line",)),
        Fault("line-frozen", "line frozen, thawed", _frozen, 10, groups=("line",)),
        Fault("line-forgotten", "open connections forgotten for ever, new ones work",
              _forgotten, 8, 6, groups=("line",)),
        Fault("idle-proxy", "a proxy that drops what is idle for 2 s",
              _impatient_proxy, 12, says="none", groups=("line",), gifts_hz=0),
        Fault("asleep", "laptop asleep",
              _asleep, asleep_s, 5, says="none", groups=("laptop",),
              # In a long sleep what matters is that much has changed, not how fast.
              gifts_hz=min(5.0, 750 / asleep_s)),
        Fault("workers-replaced", "workers replaced one after another (SIGHUP)",
              _workers_replaced, 0, says="none"),
    )  # fmt: skip
