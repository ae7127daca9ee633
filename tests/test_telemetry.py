import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from financial_live import db, routes, telemetry
from financial_live.errors import Unavailable
from financial_live.rest import create_api
from financial_live.telemetry import REGISTRY, Telemetry, source_of
from tests.conftest import POOL_SIZE

ENDPOINT = "financial_live_endpoint_duration_seconds_count"
DISPATCH = "financial_live_router_dispatch_duration_seconds_count"
QUERY = "financial_live_repo_query_duration_seconds_count"


def value(name: str, **labels: str) -> float:
    """Return a sample as it is now; what was never counted is 0."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def labels_of(name: str) -> set[tuple[tuple[str, str], ...]]:
    """Return every combination of labels that a metric has."""
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    return {tuple(sorted(s.labels.items())) for s in samples if s.name == name}


@pytest.fixture
def site() -> FastAPI:
    """Return the API before a site whose every page and asset exists."""
    api = create_api()

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        is_there = path.startswith(("/campaigns", "/assets/known", "/favicon.ico"))
        await PlainTextResponse("", 200 if is_there else 404)(scope, receive, send)

    api.mount("", page)
    return api


@pytest.fixture
def client(site: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(Telemetry(site)), base_url="http://test")


class TestEndpoint:
    @pytest.mark.parametrize(
        ("path", "route"),
        [
            (routes.CAMPAIGNS, routes.CAMPAIGNS),
            (routes.CAMPAIGNS + "/", routes.CAMPAIGNS),
            (routes.CAMPAIGN_NEW, routes.CAMPAIGN_NEW),
            (routes.campaign("wells"), routes.CAMPAIGN),
            ("/assets/known-1a2b.js", telemetry.STATIC),
            ("/favicon.ico", telemetry.STATIC),
            (routes.HEALTH, routes.HEALTH),
        ],
    )
    async def test_counts_by_the_template_of_the_route(
        self, client: AsyncClient, path: str, route: str
    ) -> None:
        labels = {"route": route, "method": "GET", "status": "2xx"}
        before = value(ENDPOINT, **labels)

        await client.get(path)

        assert value(ENDPOINT, **labels) == before + 1

    async def test_counts_errors_of_a_handler_under_its_route(
        self, client: AsyncClient, database: db.Database
    ) -> None:
        route = "/api/campaigns/{id}"
        labels = {"route": route, "method": "GET", "status": "4xx"}
        before, dispatched = value(ENDPOINT, **labels), value(DISPATCH, route=route)

        await client.get(routes.api_campaign("nothing"))

        assert value(ENDPOINT, **labels) == before + 1
        assert value(DISPATCH, route=route) == dispatched + 1

    async def test_random_paths_and_methods_make_no_new_labels(self, client: AsyncClient) -> None:
        async def probe() -> None:
            name = uuid4().hex
            for path in (f"/{name}", f"/{name}.php", f"/assets/{name}.js", f"/api/{name}"):
                await client.request(name.upper(), path)
                await client.get(path)
            await client.get(routes.campaign(name))

        await probe()
        known = labels_of(ENDPOINT), labels_of(DISPATCH)
        for _ in range(20):
            await probe()

        assert (labels_of(ENDPOINT), labels_of(DISPATCH)) == known
        assert (
            ("method", "other"),
            ("route", telemetry.UNMATCHED),
            ("status", "4xx"),
        ) in labels_of(ENDPOINT)

    async def test_counts_a_crash_as_5xx_and_lets_it_through(self) -> None:
        async def crash(scope: Scope, receive: Receive, send: Send) -> None:
            raise RuntimeError("a defect")

        labels = {"route": routes.HOME, "method": "GET", "status": "5xx"}
        before = value(ENDPOINT, **labels)
        client = AsyncClient(transport=ASGITransport(Telemetry(crash)), base_url="http://test")

        with pytest.raises(RuntimeError, match="a defect"):
            await client.get(routes.HOME)

        assert value(ENDPOINT, **labels) == before + 1

    async def test_leaves_websockets_alone(self) -> None:
        seen: list[Scope] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope)

        async def nothing(message: Message | None = None) -> Message:
            raise AssertionError("nothing is received or sent")

        known = labels_of(ENDPOINT)
        scope = {"type": "websocket", "path": "/_event"}
        await Telemetry(app)(scope, nothing, nothing)  # type: ignore[arg-type]

        assert seen == [{"type": "websocket", "path": "/_event"}]
        assert labels_of(ENDPOINT) == known


class TestSourceOf:
    @pytest.mark.parametrize(
        ("statement", "table"),
        [
            ("SELECT a FROM campaign WHERE b = 'from nowhere' FOR UPDATE", "campaign"),
            ("SELECT count(*) FROM (SELECT id FROM donation) AS anon_1", "donation"),
            ("INSERT INTO donation (id) VALUES (%s)", "donation"),
            ("INSERT INTO topic_sequence AS t SELECT * FROM unnest(%s)", "topic_sequence"),
            ('UPDATE ONLY public."Campaign" SET a = 1', "campaign"),
            ("DELETE FROM outbox WHERE id = 1", "outbox"),
            ("WITH old AS (SELECT * FROM outbox) SELECT * FROM old", "outbox"),
            ("SELECT extract(year FROM inserted_at) FROM donation", "donation"),
            ("SELECT 1 WHERE a IS DISTINCT FROM b", "unknown"),
            ("SELECT * FROM generate_series(1, 2)", "unknown"),
            ("SELECT pg_try_advisory_lock(1) /* from nowhere */", "unknown"),
            ("", "unknown"),
        ],
    )
    def test_names_the_first_table(self, statement: str, table: str) -> None:
        assert source_of(statement) == table


async def run(statement: str) -> None:
    async with db.transaction() as session:
        await (await session.connection()).execute(sa.text(statement))


class TestObserveQueries:
    async def test_times_each_query_by_its_table(self, own_database: db.Database) -> None:
        before = value(QUERY, source="campaign"), value(QUERY, source="unknown")

        await run("SELECT id FROM campaign")
        await run("SELECT 1")

        after = value(QUERY, source="campaign"), value(QUERY, source="unknown")
        assert after == (before[0] + 1, before[1] + 1)

    async def test_times_a_query_that_fails(self, own_database: db.Database) -> None:
        before = value(QUERY, source="no_such_table")

        with pytest.raises(sa.exc.ProgrammingError):
            await run("SELECT * FROM no_such_table")

        assert value(QUERY, source="no_such_table") == before + 1

    async def test_times_a_query_whose_connection_is_lost(self, own_database: db.Database) -> None:
        suicide = "SELECT count(*), pg_terminate_backend(pg_backend_pid()) FROM outbox"
        before = value(QUERY, source="outbox")

        with pytest.raises(Unavailable):
            await run(suicide)

        assert value(QUERY, source="outbox") == before + 1


async def measured(name: str, executor: ThreadPoolExecutor | None = None) -> float:
    """Return what a gauge says when it is measured now."""
    await telemetry.measure(executor or ThreadPoolExecutor())
    return value(name)


class TestMeasure:
    async def test_tells_the_memory_of_this_process(self) -> None:
        memory = await measured("financial_live_memory_total_bytes")

        assert 10_000_000 < memory < 10_000_000_000

    async def test_tells_how_many_calls_wait_for_a_thread(self) -> None:
        queue = "financial_live_run_queue_executor_length"
        has_begun, may_end = threading.Event(), threading.Event()

        def call() -> None:
            has_begun.set()
            may_end.wait()

        with ThreadPoolExecutor(max_workers=1) as executor:
            for _ in range(4):
                executor.submit(call)
            has_begun.wait()

            assert await measured(queue, executor) == 3

            may_end.set()
            executor.shutdown()
            assert await measured(queue, ThreadPoolExecutor()) == 0

    async def test_tells_who_holds_a_connection_and_who_waits_for_one(
        self, own_database: db.Database
    ) -> None:
        queue, size = "financial_live_run_queue_io_length", POOL_SIZE
        may_end = asyncio.Event()

        async def hold() -> None:
            async with db.transaction() as session:
                await session.connection()
                await may_end.wait()

        idle = await measured(queue)
        holders = [asyncio.create_task(hold()) for _ in range(size + 2)]

        # Nothing tells when the last one has begun to wait; the test's timeout is the limit.
        while await measured(queue) < idle + size + 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        may_end.set()
        await asyncio.gather(*holders)
        assert await measured(queue) == idle

    async def test_tells_how_long_a_callback_waits_behind_others(self) -> None:
        hogged_s = 0.02

        def hog() -> None:
            begun = time.perf_counter()
            while time.perf_counter() - begun < hogged_s:
                pass

        asyncio.get_running_loop().call_soon(hog)

        assert await measured("financial_live_run_queue_loop_lag_seconds") >= hogged_s


class TestPoll:
    async def test_measures_the_loops_own_executor_again_and_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        measured_at: list[str] = []
        has_repeated = asyncio.Event()

        async def note(executor: ThreadPoolExecutor) -> None:
            measured_at.append(executor.submit(lambda: threading.current_thread().name).result())
            if len(measured_at) == 2:
                has_repeated.set()

        monkeypatch.setattr(telemetry, "measure", note)
        polling = asyncio.create_task(telemetry.poll(telemetry.measurable_executor(), interval_s=0))
        await has_repeated.wait()
        polling.cancel()

        own = await asyncio.to_thread(lambda: threading.current_thread().name)
        assert {name.rpartition("_")[0] for name in (*measured_at, own)} == {"financial_live"}


class TestCounters:
    def test_count_what_the_parts_tell(self) -> None:
        names: tuple[tuple[str, dict[str, str]], ...] = (
            ("financial_live_frames_sent_total", {"view": "campaign"}),
            ("financial_live_gifts_total", {"status": "approved"}),
            ("financial_live_relay_lag_seconds_count", {}),
        )
        before = [value(name, **labels) for name, labels in names]

        telemetry.count_frame("campaign")
        telemetry.count_gift("approved")
        telemetry.observe_relay_lag(0.01)

        assert [value(name, **labels) for name, labels in names] == [n + 1 for n in before]


class TestMetricsResponse:
    def test_every_sample_names_the_process_that_counted(self) -> None:
        telemetry.count_frame("campaign")
        text = bytes(telemetry.metrics_response().body).decode()

        families = list(text_string_to_metric_families(text))
        pids = {sample.labels["pid"] for family in families for sample in family.samples}
        assert pids == {str(os.getpid())}

    @pytest.mark.parametrize(
        "event",
        [
            "phoenix.endpoint.stop.duration",
            "phoenix.router_dispatch.stop.duration",
            "financial_platform.repo.query.total_time",
            "vm.memory.total",
            "vm.total_run_queue_lengths.total",
            "vm.total_run_queue_lengths.cpu",
            "vm.total_run_queue_lengths.io",
        ],
    )
    def test_every_metric_of_the_list_is_there_and_says_which_it_is(self, event: str) -> None:
        text = bytes(telemetry.metrics_response().body).decode()

        described = [line for line in text.splitlines() if line.startswith("# HELP")]
        assert len([line for line in described if f"({event})" in line]) == 1
