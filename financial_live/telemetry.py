"""What the system measures of itself, as Prometheus text at ``/metrics``.

Each metric of the seed is here under Prometheus' naming; its help text names the seed's event.
Every worker counts for itself and a scrape shows the worker that happened to answer. So that a
scraper does not take two workers' counters for one that jumps, each sample carries the worker's
``pid``: over time a scraper sees all workers, and sums over ``pid`` are the whole.

Labels are bounded: a route is always a template of ``routes``, never a path as it was asked for.
"""

import asyncio
import os
import re
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakSet

from fastapi import Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.pool import AsyncAdaptedQueuePool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from financial_live import routes

UNMATCHED = "unmatched"
STATIC = "/assets/*"
UNKNOWN_SOURCE = "unknown"
POLL_INTERVAL_S = 10.0

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SEEN = "financial_live.telemetry"
_STREAM = (b"content-type", b"text/event-stream")
_BUCKETS_S = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)

# When each series began tells nothing that its worker's age does not, and doubles their number.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()

_endpoint = Histogram(
    "financial_live_endpoint_duration_seconds",
    "Whole HTTP requests, by the route's template; of streams of events, until they begin "
    "(phoenix.endpoint.stop.duration).",
    ("route", "method", "status"),
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)
_router_dispatch = Histogram(
    "financial_live_router_dispatch_duration_seconds",
    "Time inside the handler of a route (phoenix.router_dispatch.stop.duration).",
    ("route",),
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)
_query = Histogram(
    "financial_live_repo_query_duration_seconds",
    "Queries, failed ones too, by the table they are about, without the wait for a connection "
    "(financial_platform.repo.query.total_time).",
    ("source",),
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)
_memory = Gauge(
    "financial_live_memory_total_bytes",
    "Memory of this worker that is in RAM (vm.memory.total).",
    registry=REGISTRY,
)
_loop_lag = Gauge(
    "financial_live_run_queue_loop_lag_seconds",
    "How long a callback waited for its turn on the event loop (vm.total_run_queue_lengths.total).",
    registry=REGISTRY,
)
_executor_queue = Gauge(
    "financial_live_run_queue_executor_length",
    "Calls that wait for a thread of the default executor (vm.total_run_queue_lengths.cpu).",
    registry=REGISTRY,
)
_io_queue = Gauge(
    "financial_live_run_queue_io_length",
    "Tasks that hold a database connection or wait for one (vm.total_run_queue_lengths.io).",
    registry=REGISTRY,
)
_frames = Counter(
    "financial_live_frames_sent",
    "Frames sent to rooms; one counts once, however many watch.",
    ("view",),
    registry=REGISTRY,
)
_gifts = Counter("financial_live_gifts", "Gifts taken.", ("status",), registry=REGISTRY)
_task_restarts = Counter(
    "financial_live_task_restarts",
    "Tasks of the worker that died and were started again.",
    ("task",),
    registry=REGISTRY,
)
_relay_lag = Histogram(
    "financial_live_relay_lag_seconds",
    "From an event's writing to its publication.",
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)


def count_frame(view: str) -> None:
    """Count one frame sent to the watchers of ``view``."""
    _frames.labels(view).inc()


def count_gift(status: str) -> None:
    """Count one gift that was taken and now has ``status``."""
    _gifts.labels(status).inc()


def count_task_restart(task: str) -> None:
    """Count one task of this worker that died and is started again."""
    _task_restarts.labels(task).inc()


def observe_relay_lag(seconds: float) -> None:
    """Note how long an event waited between being written and being published."""
    _relay_lag.observe(seconds)


class _OfThisWorker:
    """The registry's metrics, each sample labelled with the process that counted it."""

    def collect(self) -> Iterable[Metric]:
        pid = str(os.getpid())
        for metric in REGISTRY.collect():
            metric.samples = [s._replace(labels={"pid": pid, **s.labels}) for s in metric.samples]
            yield metric


def metrics_response() -> Response:
    """Return this worker's metrics as GET /metrics answers them."""
    text = generate_latest(_OfThisWorker())
    return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})


# --- Requests -------------------------------------------------------------------------------------


class _Seen:
    """What is learnt of a request while it is handled. Shared by all copies of its ASGI scope."""

    __slots__ = ("is_stream", "route", "status")

    def __init__(self) -> None:
        self.route = ""
        self.status = 0
        self.is_stream = False


@contextmanager
def dispatch(scope: Scope, route: str) -> Iterator[None]:
    """Time the block as the handler of ``route``, a template, for the request of ``scope``."""
    if isinstance(seen := scope.get(_SEEN), _Seen):
        seen.route = route
    started = time.perf_counter()
    try:
        yield
    finally:
        _router_dispatch.labels(route).observe(time.perf_counter() - started)


class Telemetry:
    """ASGI middleware that times whole HTTP requests. Put it around everything else.

    WebSockets pass through: how long one stays open tells nothing about the server. So it is with
    a stream of events, which counts as long as it takes to begin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection. Raises what the application raises."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = scope[_SEEN] = _Seen()

        async def watch_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                seen.is_stream = _STREAM in message["headers"]
                if seen.is_stream:
                    _observe_request(scope, seen, time.perf_counter() - started)
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, watch_status)
        except Exception:
            seen.status = seen.status or 500
            raise
        finally:
            if not seen.is_stream:
                _observe_request(scope, seen, time.perf_counter() - started)


def _observe_request(scope: Scope, seen: _Seen, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "other"
    # Without a status the client went away before there was an answer.
    status = f"{seen.status // 100}xx" if seen.status else "none"
    route = seen.route or _route_of(scope["path"], seen.status)
    _endpoint.labels(route, method, status).observe(seconds)


def _route_of(path: str, status: int) -> str:
    """Return the template of a path that no handler of ours has named: a page, or a static file."""
    bare = path.rstrip("/") or "/"
    if bare in _PLAIN_PAGES:
        return bare
    for page, pattern in _PATTERNS:
        if pattern.fullmatch(bare):
            return page
    is_file = "." in bare.rpartition("/")[2]
    return STATIC if is_file and status < 400 else UNMATCHED


_PLAIN_PAGES = frozenset(page for page in routes.PAGES if "[" not in page)
_PATTERNS = tuple(
    (page, re.compile(re.sub(r"\\\[\w+\\\]", "[^/]+", re.escape(page))))
    for page in routes.PAGES
    if "[" in page
)


# --- Queries --------------------------------------------------------------------------------------

_STARTED = "financial_live_query_started"
_observed: WeakSet[Engine] = WeakSet()


def observe_queries(engine: Engine) -> None:
    """Time every query of ``engine``, failed ones too, by the table it is about."""
    event.listen(engine, "before_cursor_execute", _query_begins)
    event.listen(engine, "after_cursor_execute", _query_ends)
    event.listen(engine, "handle_error", _query_fails)
    _observed.add(engine)


# SQLAlchemy looks at how many arguments a listener takes, so these name them all.
def _query_begins(  # noqa: PLR0917
    connection: Connection, cursor: Any, statement: str, params: Any, context: Any, many: bool
) -> None:
    setattr(context, _STARTED, time.perf_counter())


def _query_ends(  # noqa: PLR0917
    connection: Connection, cursor: Any, statement: str, params: Any, context: Any, many: bool
) -> None:
    _observe_query(context, statement)


def _query_fails(failure: ExceptionContext) -> None:
    if failure.statement is not None:
        _observe_query(failure.execution_context, failure.statement)


def _observe_query(context: Any, statement: str) -> None:
    # Nothing was started where a statement failed before it was sent.
    started = getattr(context, _STARTED, None)
    if started is not None:
        observe_query(statement, time.perf_counter() - started)


def observe_query(statement: str, seconds: float) -> None:
    """Note how long a query took. Of those sent together each took as long as all of them."""
    _timer_of(statement).observe(seconds)


@lru_cache(maxsize=1024)
def _timer_of(statement: str) -> Histogram:
    return _query.labels(source_of(statement))


# What looks like a table and is none: text, and the FROM of extract() and IS DISTINCT FROM.
_NO_TABLE = re.compile(
    r"'[^']*'|\bEXTRACT\s*\([^()]*\)|\bDISTINCT\s+FROM\b|--[^\n]*|/\*.*?\*/",
    re.IGNORECASE | re.DOTALL,
)
# A name before a bracket is a function after FROM and JOIN, and a table with columns after INTO.
_TABLE = re.compile(
    r"""\b(?:INTO\s+|UPDATE\s+(?:ONLY\s+)?(?!SET\b)|(?:FROM|JOIN)\s+(?:ONLY\s+)?(?=[\w."]++(?!\s*\()))
        (?:"?\w+"?\.)?"?(\w+)""",
    re.IGNORECASE | re.VERBOSE,
)


def source_of(statement: str) -> str:
    """Return the first table that a SQL statement names, or "unknown"."""
    found = _TABLE.search(_NO_TABLE.sub("", statement))
    return found[1].lower() if found else UNKNOWN_SOURCE


# --- Memory and run queues ------------------------------------------------------------------------


def measurable_executor() -> ThreadPoolExecutor:
    """Make the running loop's default executor one whose queue can be measured, and return it.

    Call it before anything uses ``asyncio.to_thread``.
    """
    executor = ThreadPoolExecutor(thread_name_prefix="financial_live")
    asyncio.get_running_loop().set_default_executor(executor)
    return executor


async def poll(executor: ThreadPoolExecutor, interval_s: float = POLL_INTERVAL_S) -> NoReturn:
    """Measure memory and run queues every ``interval_s`` seconds until cancelled."""
    while True:
        await measure(executor)
        await asyncio.sleep(interval_s)


async def measure(executor: ThreadPoolExecutor) -> None:
    """Set the gauges to what is now; ``executor`` is where blocking calls run."""
    _loop_lag.set(await _lag(asyncio.get_running_loop()))
    # The pool has no public way to tell this; a test holds it.
    _executor_queue.set(executor._work_queue.qsize())  # noqa: SLF001
    _io_queue.set(sum(_waiting_for_database(engine) for engine in _observed))
    _memory.set(resident_bytes())


async def _lag(loop: asyncio.AbstractEventLoop) -> float:
    """Return how many seconds a callback waits behind those that are ready now."""
    turn = asyncio.Event()
    scheduled = time.perf_counter()
    loop.call_soon(turn.set)
    await turn.wait()
    return time.perf_counter() - scheduled


def _waiting_for_database(engine: Engine) -> int:
    """Return how many tasks hold a connection of the engine's pool or wait for one."""
    pool = engine.pool
    if not isinstance(pool, AsyncAdaptedQueuePool):
        return 0
    # The pool tells who holds a connection, but not who waits; only its queue's list of getters
    # does. The versions are pinned and a test holds this.
    waiters = pool._pool._queue._getters  # type: ignore[attr-defined]  # noqa: SLF001
    return pool.checkedout() + len(waiters)


def resident_bytes() -> int:
    """Return how much RAM this process uses; where Linux' /proc is missing, its most so far."""
    try:
        statm = Path("/proc/self/statm").read_text(encoding="ascii")
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")
