"""Gifts over HTTP, into a stand-in for the server."""

import io
import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from financial_live.cli.console import Console
from financial_live.cli.simulation import (
    Plan,
    SimulationError,
    Tally,
    find_campaign,
    give,
    running_address,
    simulate,
)
from financial_live.config import Settings
from financial_live.errors import Unavailable

CAMPAIGN = {"slug": "wells", "name": "Wells", "currency": "EUR", "status": "active"}
FAST = Plan("wells", rate_hz=1000, duration_s=0.02)
Handler = Callable[[httpx.Request], httpx.Response]


class Server:
    """Takes gifts once for each key, and breaks off as many answers as it is told to."""

    def __init__(self, *, breaks: int = 0) -> None:
        self.gifts: dict[str, dict[str, Any]] = {}
        self.requests = 0
        self._breaks = breaks

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return self._read(request.url.path)
        self.requests += 1
        self.gifts[request.headers["idempotency-key"]] = json.loads(request.content)["donation"]
        if self._breaks:
            self._breaks -= 1
            raise httpx.ReadError("the connection broke after the gift was stored")
        return httpx.Response(201, json={"data": {}})

    def _read(self, path: str) -> httpx.Response:
        if path == "/api/campaigns/wells":
            return httpx.Response(200, json={"data": CAMPAIGN})
        if path == "/api/campaigns":
            return httpx.Response(200, json={"data": [CAMPAIGN]})
        return httpx.Response(404, json={"errors": {"detail": "Not found"}})


def client(handler: Handler) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url="http://site")


async def given(handler: Handler, plan: Plan = FAST) -> Tally:
    tally = Tally("EUR")
    async with client(handler) as browser:
        await give(browser, plan, tally=tally, show=list[str]().append, chance=random.Random(1))
    return tally


class TestFindCampaign:
    async def test_returns_it(self) -> None:
        async with client(Server()) as browser:
            assert await find_campaign(browser, "wells") == CAMPAIGN

    async def test_lists_the_others_when_it_is_not_there(self) -> None:
        async with client(Server()) as browser:
            with pytest.raises(SimulationError, match=r"no campaign 'none'. There are: wells\."):
                await find_campaign(browser, "none")

    async def test_says_that_another_program_answers(self) -> None:
        async with client(lambda _: httpx.Response(200, text="<html>")) as browser:
            with pytest.raises(SimulationError, match="Is it this program"):
                await find_campaign(browser, "wells")


class TestGive:
    async def test_gives_as_many_as_planned(self) -> None:
        server = Server()
        tally = await given(server)
        assert tally.given == len(server.gifts) == 20
        assert tally.total == sum(Decimal(one["amount"]) for one in server.gifts.values())

    async def test_gives_in_the_currency_of_the_campaign(self) -> None:
        server = Server()
        await given(server)
        assert {one["currency"] for one in server.gifts.values()} == {"EUR"}

    async def test_a_broken_answer_makes_no_second_gift(self) -> None:
        server = Server(breaks=5)
        tally = await given(server)
        assert tally.given == len(server.gifts) == 20
        assert server.requests == 25

    async def test_counts_refusals_by_their_reason(self) -> None:
        refusal = {"errors": {"amount": ["must be greater than 0"]}}
        tally = await given(lambda _: httpx.Response(422, json=refusal))
        assert tally.given == 0
        assert tally.refusals == {"422: amount must be greater than 0": 20}

    async def test_counts_what_is_no_answer_of_ours(self) -> None:
        tally = await given(lambda _: httpx.Response(502, text="bad gateway"))
        assert tally.refusals == {"502": 20}


class TestSimulate:
    def test_says_what_to_type_when_nobody_answers(self) -> None:
        console = Console(io.StringIO(), io.StringIO())
        with pytest.raises(Unavailable, match=r"Nothing answers at http://127\.0\.0\.1:1"):
            simulate("http://127.0.0.1:1", FAST, console)

    def test_refuses_what_is_no_address(self) -> None:
        console = Console(io.StringIO(), io.StringIO())
        with pytest.raises(SimulationError, match="is not an address"):
            simulate("http://a:x", FAST, console)


class TestRunningAddress:
    def test_says_what_to_type_when_nothing_runs(self, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match="--url"):
            running_address(Settings.load(data_dir=tmp_path))


class TestPlan:
    def test_has_no_end_without_a_duration(self) -> None:
        assert Plan("wells", rate_hz=5).gifts is None

    def test_gives_at_least_once(self) -> None:
        assert Plan("wells", rate_hz=0.1, duration_s=1).gifts == 1


class TestTally:
    def test_says_it_in_one_line(self) -> None:
        tally = Tally("EUR", given=10, total=Decimal("1250.00"), latencies_s=[0.01])
        assert tally.line(2.0) == "10 gifts · 5.0/s · 1,250.00 EUR · median 10 ms"

    def test_tells_of_refusals(self) -> None:
        tally = Tally("EUR")
        tally.refusals["422"] += 3
        assert tally.line(1.0).endswith("3 refused")
