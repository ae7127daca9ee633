"""Exchange rates for programs: public to read, and entered by admins."""

import pytest
from httpx import AsyncClient

from financial_live import db, routes
from financial_live.contexts import exchange_rates
from tests.contexts.exchange_rates.files import HISTORICAL_CSV
from tests.contexts.factories import OPERATOR
from tests.contexts.people import log_in, make_user
from tests.rest.conftest import session_of

RATE = {
    "base_currency": "EUR",
    "quote_currency": "USD",
    "rate": "1.0842",
    "as_of": "2026-11-27",
    "source": "Bank X",
}

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")


async def admin() -> AsyncClient:
    await make_user(role="admin")
    return session_of(await log_in())


class TestListing:
    async def test_is_for_everybody_and_begins_with_the_newest_day(
        self, client: AsyncClient
    ) -> None:
        await exchange_rates.import_ecb(OPERATOR, HISTORICAL_CSV)

        answer = await client.get(f"{routes.API_EXCHANGE_RATES}?per_page=1&search=idr")

        assert answer.status_code == 200
        [rate] = answer.json()["data"]
        assert rate.pop("id")
        assert rate.pop("inserted_at").endswith("Z")
        assert rate == {
            "base_currency": "EUR",
            "quote_currency": "IDR",
            "rate": "17216.43",
            "as_of": "2026-11-27",
            "source": "ECB",
        }
        assert answer.json()["total"] == 2
        assert 'rel="next"' in answer.headers["link"]

    async def test_says_nothing_twice(self, client: AsyncClient) -> None:
        first = await client.get(routes.API_EXCHANGE_RATES)
        known = {"If-None-Match": first.headers["etag"]}

        assert (await client.get(routes.API_EXCHANGE_RATES, headers=known)).status_code == 304

    @pytest.mark.parametrize(
        ("query", "status"), [("page=x", 400), ("per_page=101", 422), ("order=up", 422)]
    )
    async def test_refuses_what_is_no_part_of_it(
        self, client: AsyncClient, query: str, status: int
    ) -> None:
        answer = await client.get(f"{routes.API_EXCHANGE_RATES}?{query}")

        assert answer.status_code == status


class TestEntering:
    async def test_answers_the_rate_as_it_was_entered(self, client: AsyncClient) -> None:
        async with await admin() as entering:
            answer = await entering.post(
                routes.API_EXCHANGE_RATES, json={"exchange_rate": RATE | {"rate": "1.08420"}}
            )

        assert answer.status_code == 201
        made = answer.json()["data"]
        assert RATE.items() <= (made | {"source": "Bank X"}).items()
        assert made["source"] == "by hand: Bank X"
        listed = await client.get(routes.API_EXCHANGE_RATES)
        assert listed.json()["data"] == [made]

    async def test_reads_numbers_without_loss(self) -> None:
        body = '{"exchange_rate": {"base_currency": "EUR", "quote_currency": "IDR",'
        body += '"rate": 17216.4312345678, "as_of": "2026-11-27", "source": "Bank X"}}'
        async with await admin() as entering:
            answer = await entering.post(
                routes.API_EXCHANGE_RATES,
                content=body,
                headers={"content-type": "application/json"},
            )

        assert answer.json()["data"]["rate"] == "17216.4312345678"

    async def test_names_every_wrong_field(self) -> None:
        wrong = {"base_currency": "EUR", "quote_currency": "EUR", "rate": "0", "as_of": "x"}
        async with await admin() as entering:
            answer = await entering.post(routes.API_EXCHANGE_RATES, json={"exchange_rate": wrong})

        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"quote_currency", "rate", "as_of", "source"}

    async def test_is_for_admins(
        self, client: AsyncClient, manager: AsyncClient, database: db.Database
    ) -> None:
        body = {"exchange_rate": RATE}

        assert (await client.post(routes.API_EXCHANGE_RATES, json=body)).status_code == 401
        assert (await manager.post(routes.API_EXCHANGE_RATES, json=body)).status_code == 403
        assert (await client.get(routes.API_EXCHANGE_RATES)).json()["total"] == 0
