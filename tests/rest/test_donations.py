import asyncio
from typing import Any

import orjson
import pytest
from httpx import AsyncClient, Response

from financial_live import db, routes
from financial_live.contexts import accounts, campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.rest.parsing import MAX_BODY_BYTES
from financial_live.scope import Scope
from tests.rest.conftest import client_at

GIFT = {
    "donor_name": "Sari",
    "donor_email": "sari@example.org",
    "amount": "25.50",
    "currency": "USD",
}


async def post(client: AsyncClient, campaign: Campaign, body: Any, **headers: str) -> Response:
    address = routes.api_campaign_donations(str(campaign.id))
    content = body if isinstance(body, bytes | str) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(address, content=content, headers=named)


async def raised(campaign: Campaign) -> str:
    current = await campaigns.get_campaign(Scope.visitor(), campaign.id)
    return f"{current.total_raised} in {current.gift_count}"


class TestCreate:
    async def test_takes_a_gift_counts_it_and_says_where_it_is(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        answer = await post(client, campaign, {"donation": GIFT})

        assert answer.status_code == 201, answer.text
        data = answer.json()["data"]
        assert (data["donor_name"], data["amount"], data["status"]) == ("Sari", "25.50", "approved")
        assert answer.headers["location"] == routes.api_donation(data["id"])
        shown = await client.get(answer.headers["location"])
        assert shown.json()["data"] == data
        assert await raised(campaign) == "25.50 in 1"

    async def test_takes_a_gift_to_a_campaign_named_by_its_slug(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        address = routes.api_campaign_donations(campaign.slug)

        answer = await client.post(address, json={"donation": GIFT})

        assert answer.json()["data"]["campaign_id"] == str(campaign.id)

    async def test_takes_a_gift_that_names_its_campaign_itself(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        body = {"donation": {**GIFT, "campaign_id": campaign.slug}}

        answer = await client.post(routes.API_DONATIONS, json=body)

        assert answer.status_code == 201, answer.text
        assert answer.json()["data"]["campaign_id"] == str(campaign.id)
        assert await raised(campaign) == "25.50 in 1"

    async def test_the_campaign_of_the_address_counts_whatever_the_body_names(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        answer = await post(client, campaign, {"donation": {**GIFT, "campaign_id": "nothing"}})

        assert answer.json()["data"]["campaign_id"] == str(campaign.id)

    @pytest.mark.parametrize(
        "kind",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=latin-1",
            "application/jsonp",
        ],
    )
    async def test_refuses_a_body_that_says_it_is_no_json(
        self, client: AsyncClient, campaign: Campaign, kind: str
    ) -> None:
        answer = await post(client, campaign, {"donation": GIFT}, Content_Type=kind)
        packed = await post(client, campaign, {"donation": GIFT}, Content_Encoding="gzip")

        assert answer.status_code == packed.status_code == 415
        assert "application/json" in answer.json()["errors"]["detail"]

    @pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
    async def test_takes_json_in_utf8_however_it_is_called(
        self, client: AsyncClient, campaign: Campaign, kind: str
    ) -> None:
        answer = await post(client, campaign, {"donation": GIFT}, Content_Type=kind)

        assert answer.status_code == 201

    @pytest.mark.parametrize(
        ("written", "stored"),
        [("25", "25.00"), ('"25.5"', "25.50"), ("0.1", "0.10"), ("1234567890.17", "1234567890.17")],
    )
    async def test_loses_nothing_of_an_amount_however_json_writes_it(
        self, client: AsyncClient, campaign: Campaign, written: str, stored: str
    ) -> None:
        body = orjson.dumps({"donation": {**GIFT, "amount": "?"}}).replace(b'"?"', written.encode())

        answer = await post(client, campaign, body)

        assert answer.json()["data"]["amount"] == stored

    @pytest.mark.parametrize(
        "written",
        ["0", "-1", "1.005", "1e400", "1e-400", "1" + "0" * 5000, '"NaN"', "true", "null", "[]"],
    )
    @pytest.mark.parametrize("key", [{}, {"Idempotency_Key": "once"}])
    async def test_refuses_a_wrong_amount_by_its_field(
        self, client: AsyncClient, campaign: Campaign, written: str, key: dict[str, str]
    ) -> None:
        body = orjson.dumps({"donation": {**GIFT, "amount": "?"}}).replace(b'"?"', written.encode())

        answer = await post(client, campaign, body, **key)

        assert answer.status_code == 422, answer.text
        assert list(answer.json()["errors"]) == ["amount"]

    async def test_reports_every_wrong_field_at_once(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        answer = await post(client, campaign, {"donation": {"donor_email": "x", "currency": "XXX"}})

        assert answer.status_code == 422
        errors = answer.json()["errors"]
        assert set(errors) == {"donor_name", "donor_email", "amount", "currency"}
        assert errors["donor_name"] == ["can't be blank"]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b'{"donation": {"amount": NaN}}',
            b'{"donation": {"amount": 1e9999999999999999999}}',
            b"\xff\xfe",
            b"[" * 30_000,
            b"[]",
            b'"donation"',
            b'{"gift": {}}',
            b'{"donation": "all of it"}',
        ],
    )
    async def test_says_what_is_wrong_with_a_body_it_cannot_read(
        self, client: AsyncClient, campaign: Campaign, body: bytes
    ) -> None:
        answer = await post(client, campaign, body)

        assert answer.status_code == 400
        assert answer.json()["errors"]["detail"].endswith(".")

    async def test_refuses_half_a_surrogate_pair(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        body = orjson.dumps({"donation": {**GIFT, "donor_name": "?"}}).replace(b"?", b"\\ud800")

        for headers in ({}, {"Idempotency_Key": "once"}):
            answer = await post(client, campaign, body, **headers)

            assert answer.status_code == 422, answer.text
            assert list(answer.json()["errors"]) == ["donor_name"]

    async def test_refuses_a_body_beyond_64_kb_announced_or_not(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        async def endless() -> Any:
            for _ in range(MAX_BODY_BYTES // 1024 + 1):
                yield b" " * 1024

        address = routes.api_campaign_donations(str(campaign.id))
        for content in (b" " * (MAX_BODY_BYTES + 1), endless()):
            answer = await client.post(address, content=content)

            assert answer.status_code == 413
            assert "65536 bytes" in answer.json()["errors"]["detail"]

    async def test_believes_nobody_who_asks_for_an_operators_rights(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        answer = await post(client, campaign, {"donation": {**GIFT, "is_test": True}})

        assert answer.status_code == 401
        assert list(answer.json()["errors"]) == ["detail"]


class TestIdempotencyKey:
    async def test_the_same_request_with_its_key_is_one_gift_and_one_answer(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        first = await post(client, campaign, {"donation": GIFT}, Idempotency_Key="k-1")
        again = await post(client, campaign, {"donation": GIFT}, Idempotency_Key="k-1")

        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["location"] == first.headers["location"]
        assert await raised(campaign) == "25.50 in 1"

    async def test_a_key_used_for_another_body_is_a_conflict(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        await post(client, campaign, {"donation": GIFT}, Idempotency_Key="k-1")
        other = {"donation": {**GIFT, "amount": "26"}}

        answer = await post(client, campaign, other, Idempotency_Key="k-1")

        assert answer.status_code == 409
        assert await raised(campaign) == "25.50 in 1"

    async def test_two_addresses_may_choose_the_same_key_and_no_header_changes_an_address(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        await post(client, campaign, {"donation": GIFT}, Idempotency_Key="k-1")
        async with client_at("203.0.113.8") as neighbour:
            forged = {"Idempotency_Key": "k-1", "X_Forwarded_For": "203.0.113.7"}
            answer = await post(neighbour, campaign, {"donation": GIFT}, **forged)

        assert answer.status_code == 201
        assert await raised(campaign) == "51.00 in 2"

    async def test_a_key_without_a_character_is_refused(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        answer = await post(client, campaign, {"donation": GIFT}, Idempotency_Key="")

        assert list(answer.json()["errors"]) == ["idempotency_key"]

    async def test_of_many_at_once_makes_one_gift_and_equal_answers(
        self, own_database: db.Database, operator: Scope
    ) -> None:
        attrs = {"name": "Wells", "goal_amount": 1000, "currency": "USD"}
        attrs["review_policy"] = "automatic"
        campaign = await campaigns.create_campaign(operator, attrs)
        async with client_at("203.0.113.7") as client:
            sent = (
                post(client, campaign, {"donation": GIFT}, Idempotency_Key="k") for _ in range(32)
            )
            answers = await asyncio.gather(*sent)

        assert {(answer.status_code, answer.content) for answer in answers} == {
            (201, answers[0].content)
        }
        assert {answer.headers["location"] for answer in answers} == {
            answers[0].headers["location"]
        }
        assert await raised(campaign) == "25.50 in 1"


class TestIndex:
    async def test_lists_the_public_gifts_of_one_campaign_newest_first(
        self, client: AsyncClient, campaign: Campaign, operator: Scope
    ) -> None:
        for name in ("Ana", "Budi"):
            await post(client, campaign, {"donation": {**GIFT, "donor_name": name}})
        test_gift = {**GIFT, "donor_name": "Nobody", "is_test": True}
        await donations.give(operator, test_gift, campaign=campaign.id)

        answer = await client.get(routes.api_campaign_donations(campaign.slug))

        body = answer.json()
        assert [gift["donor_name"] for gift in body.pop("data")] == ["Budi", "Ana"]
        assert body == {"page": 1, "per_page": 20, "total": 2}

    async def test_shows_no_hidden_name_or_amount_and_no_email_address(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        shy = {**GIFT, "show_name": False, "show_amount": False}
        given = await post(client, campaign, {"donation": shy})

        listed = await client.get(routes.api_campaign_donations(str(campaign.id)))
        shown = await client.get(given.headers["location"])

        for answer in (given, listed, shown):
            assert "Sari" not in answer.text
            assert "25.50" not in answer.text
            assert "sari@example.org" not in answer.text

    async def test_shows_nothing_that_its_donor_hides_afterwards(
        self, client: AsyncClient, campaign: Campaign, operator: Scope
    ) -> None:
        given = await post(client, campaign, {"donation": GIFT}, Idempotency_Key="k-1")
        user = await accounts.create_user(operator, {"name": "Sari", "email": GIFT["donor_email"]})
        donor = Scope.user(user.id, is_verified=True)
        attrs = {"show_name": False, "show_amount": False}
        await donations.change_visibility(donor, given.json()["data"]["id"], attrs)

        listed = await client.get(routes.api_campaign_donations(str(campaign.id)))
        shown = await client.get(given.headers["location"])
        again = await post(client, campaign, {"donation": GIFT}, Idempotency_Key="k-1")

        for answer in (listed, shown, again):
            assert answer.is_success
            assert "Sari" not in answer.text
            assert "25.50" not in answer.text

    async def test_goes_on_from_a_cursor_missing_and_repeating_nothing(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        async def given(name: str) -> None:
            await post(client, campaign, {"donation": {**GIFT, "donor_name": name}})

        for name in "abcde":
            await given(name)
        url = f"{routes.api_campaign_donations(campaign.slug)}?after=&per_page=2"
        seen: list[str] = []
        while url:
            answer = await client.get(url)
            seen += [gift["donor_name"] for gift in answer.json()["data"]]
            url = answer.links.get("next", {}).get("url", "")
            await given("late")

        assert seen == list("edcba")
        assert set(answer.json()) == {"data", "per_page", "before", "after"}
        back = await client.get(answer.links["prev"]["url"])
        assert [gift["donor_name"] for gift in back.json()["data"]] == ["c", "b"]

    async def test_says_that_there_is_no_such_campaign(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        answer = await client.get(routes.api_campaign_donations("nothing"))

        assert answer.status_code == 404


class TestShow:
    async def test_hides_a_gift_that_waits_for_review(
        self, client: AsyncClient, campaign: Campaign, operator: Scope
    ) -> None:
        await campaigns.update_campaign(operator, campaign.id, {"review_policy": "manual"})
        given = await post(client, campaign, {"donation": GIFT})

        answer = await client.get(given.headers["location"])

        assert given.json()["data"]["status"] == "pending"
        assert answer.status_code == 404

    @pytest.mark.parametrize("key", ["1", "00000000-0000-7000-8000-000000000000"])
    async def test_says_that_there_is_no_such_gift(
        self, client: AsyncClient, campaign: Campaign, key: str
    ) -> None:
        assert (await client.get(routes.api_donation(key))).status_code == 404
