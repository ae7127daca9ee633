"""The acts on gifts, by programs of their campaign's team."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from financial_live import db, routes
from financial_live.contexts.campaigns import Campaign
from financial_live.scope import Scope
from tests.contexts.people import log_in, make_user, quick_hashes
from tests.rest.conftest import session_of
from tests.rest.test_team import NEW, give, own

__all__ = ["own", "quick_hashes"]

WHY = {"reason": "Asked for it back"}


async def act(client: AsyncClient, gift: str, name: str, body: Any = None, **headers: str) -> Any:
    """Do an act to the gift at an address; return the answer."""
    json = {name: body} if body is not None else None
    sent = {header.replace("_", "-"): value for header, value in headers.items()}
    return await client.post(f"{gift}/{name}", json=json, headers=sent)


async def total(client: AsyncClient, own: dict[str, Any]) -> str:
    found = (await client.get(routes.api_campaign(own["id"]))).json()["data"]["total_raised"]
    return str(found)


class TestActs:
    async def test_a_gift_that_waits_is_approved_and_refunded_and_that_undone(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gift = await give(client, own["id"])
        approved = await act(manager, gift, "approve")
        assert (approved.status_code, approved.json()["data"]["status"]) == (200, "approved")
        assert await total(client, own) == "25.50"
        refunded = await act(manager, gift, "refund", WHY | {"amount": "5.50"})
        assert refunded.json()["data"]["refunded_amount"] == "5.50"
        assert await total(client, own) == "20.00"
        undone = await act(manager, gift, "undo")
        assert undone.json()["data"]["refunded_amount"] == "0.00"
        assert await total(client, own) == "25.50"

    async def test_who_comes_second_is_told_who_was_first(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gift = await give(client, own["id"])
        await act(manager, gift, "reject", {"reason": "Bounced"})
        again = await act(manager, gift, "approve")
        assert again.status_code == 409
        assert "rejected already: Siti Nurhaliza did it at" in again.json()["errors"]["detail"]

    async def test_a_reason_is_needed(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gift = await give(client, own["id"])
        for name in ("reject", "refund"):
            if name == "refund":
                await act(manager, gift, "approve")
            answer = await act(manager, gift, name, {"reason": " "})
            assert (answer.status_code, answer.json()["errors"]) == (
                422,
                {"reason": ["can't be blank"]},
            )

    async def test_not_more_is_refunded_than_is_left(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gift = await give(client, own["id"])
        await act(manager, gift, "approve")
        answer = await act(manager, gift, "refund", WHY | {"amount": "25.51"})
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"amount"}

    async def test_a_stale_tag_is_412(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gift = await give(client, own["id"])
        tag = (await manager.get(gift)).headers["etag"]
        await manager.patch(gift, json={"donation": {"message": "changed"}})
        assert (await act(manager, gift, "approve", If_Match=tag)).status_code == 412
        tag = (await manager.get(gift)).headers["etag"]
        assert (await act(manager, gift, "approve", If_Match=tag)).status_code == 200

    async def test_a_hidden_name_and_message_are_gone_for_the_public_at_once(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gift = await give(client, own["id"], show_name=True, message="Rude words")
        await act(manager, gift, "approve")
        await act(manager, gift, "hide")
        shown = (await client.get(gift)).json()["data"]
        assert (shown["donor_name"], shown["message"]) == (None, "")
        search = f"{routes.api_campaign_donations(own['id'])}?search=rude"
        assert (await client.get(search)).json()["total"] == 0
        await act(manager, gift, "show")
        shown = (await client.get(gift)).json()["data"]
        assert (shown["donor_name"], shown["message"]) == ("Sari", "Rude words")

    @pytest.mark.parametrize("name", ["approve", "undo", "hide", "show"])
    async def test_is_for_the_team(
        self, client: AsyncClient, operator: Scope, campaign: Campaign, name: str
    ) -> None:
        gift = await give(client, str(campaign.id))
        assert (await act(client, gift, name)).status_code == 401
        stranger = await make_user("stranger@example.org", role="manager")
        async with session_of(await log_in(stranger.email)) as other:
            assert (await act(other, gift, name)).status_code == 403

    async def test_the_history_says_who_and_from_where(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gift = await give(client, own["id"])
        await act(manager, gift, "approve")
        answer = await manager.get(f"{gift}/history")
        [done] = answer.json()["data"]
        assert (done["act"], done["name"], done["address"]) == (
            "approve",
            "Siti Nurhaliza",
            "203.0.113.7",
        )
        assert (await client.get(f"{gift}/history")).status_code == 401


class TestReview:
    async def test_says_what_became_of_each(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gifts = [await give(client, own["id"]) for _ in range(2)]
        await act(manager, gifts[1], "reject", {"reason": "Bounced"})
        ids = [gift.rpartition("/")[2] for gift in gifts] + ["nothing"]
        body = {"review": {"act": "approve", "ids": ids}}
        answer = await manager.post(routes.API_REVIEWS, json=body)
        first, second, third = answer.json()["data"]
        assert (first["id"], first["donation"]["status"]) == (ids[0], "approved")
        assert (second["error"]["code"], third["error"]["code"]) == ("conflict", "not_found")
        assert await total(client, own) == "25.50"

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({}, {"act", "ids"}),
            ({"act": "approve", "ids": []}, {"ids"}),
            ({"act": "give", "ids": ["a"]}, {"act"}),
            ({"act": "approve", "ids": "abc"}, {"ids"}),
            ({"act": "approve", "ids": ["a"], "amount": {}, "reason": 1}, {"amount", "reason"}),
            ({"act": ["approve"], "ids": [1]}, {"act", "ids"}),
            ({"act": "approve", "ids": ["a"] * 101}, {"ids"}),
        ],
    )
    async def test_names_what_is_wrong(
        self, manager: AsyncClient, body: dict[str, Any], fields: set[str]
    ) -> None:
        answer = await manager.post(routes.API_REVIEWS, json={"review": body})
        assert (answer.status_code, set(answer.json()["errors"])) == (422, fields)

    async def test_is_for_those_logged_in(self, client: AsyncClient, database: db.Database) -> None:
        body = {"review": {"act": "approve", "ids": ["a"]}}
        assert (await client.post(routes.API_REVIEWS, json=body)).status_code == 401


class TestRefundOnce:
    @pytest_asyncio.fixture
    async def owner(
        self, own_database: db.Database, quick_hashes: None
    ) -> AsyncIterator[AsyncClient]:
        await make_user(role="manager")
        async with session_of(await log_in()) as client:
            yield client

    async def test_many_at_once_with_one_key_are_one_refund(self, owner: AsyncClient) -> None:
        made = await owner.post(routes.API_CAMPAIGNS, json={"campaign": NEW})
        gift = await give(owner, made.json()["data"]["id"])
        await act(owner, gift, "approve")
        body = WHY | {"amount": "1.00"}
        answers = await asyncio.gather(
            *(act(owner, gift, "refund", body, Idempotency_Key="k") for _ in range(8))
        )
        assert {answer.status_code for answer in answers} == {200}
        assert {a.json()["data"]["refunded_amount"] for a in answers} == {"1.00"}
        other = await act(owner, gift, "refund", WHY, Idempotency_Key="k")
        assert other.status_code == 409


class TestRecording:
    async def test_an_offline_gift_needs_no_address(
        self, manager: AsyncClient, own: dict[str, Any]
    ) -> None:
        body = {"donation": {"donor_name": "Pak Budi", "amount": "10", "currency": "USD"}}
        answer = await manager.post(routes.api_offline(own["slug"]), json=body)
        assert answer.status_code == 201
        gift = answer.json()["data"]
        assert (gift["source"], gift["donor_email"]) == ("offline", None)
        assert (await manager.get(answer.headers["location"])).json()["data"] == gift

    async def test_a_batch_is_entered_if_its_sum_is_the_control_total(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        one = {"donor_name": "A", "amount": "10.25", "currency": "USD"}
        batch = {"control_total": "20.50", "control_count": 2, "gifts": [one, one]}
        address = routes.api_batch(own["id"])
        for _ in range(2):
            headers = {"Idempotency-Key": "night"}
            answer = await manager.post(address, json={"batch": batch}, headers=headers)
            assert answer.status_code == 201
        assert len(answer.json()["data"]) == 2
        listed = await manager.get(routes.api_campaign_donations(own["id"]))
        assert listed.json()["total"] == 2

    @pytest.mark.parametrize(
        ("batch", "fields"),
        [
            ({}, {"gifts"}),
            ({"gifts": [], "control_total": "1"}, {"gifts"}),
            ({"gifts": ["x"], "control_total": "1"}, {"gifts"}),
            ({"gifts": [{}]}, {"control_total"}),
            (
                {"gifts": [{"donor_name": "A", "currency": "USD"}], "control_total": "1"},
                {"gifts.0.amount"},
            ),
            (
                {
                    "gifts": [{"donor_name": "A", "currency": "USD", "amount": "2"}],
                    "control_total": "1",
                    "control_count": 3,
                },
                {"control_total", "control_count"},
            ),
        ],
    )
    async def test_names_what_is_wrong_and_enters_nothing(
        self, manager: AsyncClient, own: dict[str, Any], batch: dict[str, Any], fields: set[str]
    ) -> None:
        answer = await manager.post(routes.api_batch(own["id"]), json={"batch": batch})
        assert (answer.status_code, set(answer.json()["errors"])) == (422, fields)
        listed = await manager.get(routes.api_campaign_donations(own["id"]))
        assert listed.json()["total"] == 0

    async def test_is_for_the_team(self, client: AsyncClient, campaign: Campaign) -> None:
        one = {"donor_name": "A", "amount": "10.25", "currency": "USD"}
        for address, body in (
            (routes.api_offline(campaign.slug), {"donation": one}),
            (
                routes.api_batch(campaign.slug),
                {"batch": {"control_total": "10.25", "gifts": [one]}},
            ),
        ):
            assert (await client.post(address, json=body)).status_code == 401


class TestFunds:
    async def test_move_between_the_campaigns_of_one_owner_once_a_key(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        other = await manager.post(routes.API_CAMPAIGNS, json={"campaign": NEW | {"name": "B"}})
        taker = other.json()["data"]
        await act(manager, await give(client, own["id"]), "approve")
        body = {"transfer": {"from": own["slug"], "to": taker["id"], "amount": "20"}}
        moved = []
        for _ in range(2):
            headers = {"Idempotency-Key": "move"}
            answer = await manager.post(routes.API_TRANSFERS, json=body, headers=headers)
            assert answer.status_code == 201
            moved.append(answer.json()["data"])
        assert moved[0] == moved[1]
        assert moved[0]["amount"] == "20.00"
        found = (await client.get(routes.api_campaign(taker["id"]))).json()["data"]
        assert (found["transferred_total"], found["total"]) == ("20.00", "20.00")
        over = {"transfer": body["transfer"] | {"amount": "5.51"}}
        assert (await manager.post(routes.API_TRANSFERS, json=over)).status_code == 409

    @pytest.mark.parametrize(
        ("transfer", "fields"),
        [
            ({}, {"from", "to"}),
            ({"from": 1, "to": ""}, {"from", "to"}),
            ({"from": "books", "to": "books", "amount": "1"}, {"to"}),
            ({"from": "books", "to": "nowhere", "amount": "1"}, {"to"}),
            ({"from": "books", "to": "books", "amount": "-1"}, {"amount"}),
        ],
    )
    async def test_names_what_is_wrong(
        self,
        manager: AsyncClient,
        own: dict[str, Any],
        transfer: dict[str, Any],
        fields: set[str],
    ) -> None:
        answer = await manager.post(routes.API_TRANSFERS, json={"transfer": transfer})
        assert (answer.status_code, set(answer.json()["errors"])) == (422, fields)

    async def test_are_moved_by_owners(self, client: AsyncClient, campaign: Campaign) -> None:
        body = {"transfer": {"from": campaign.slug, "to": campaign.slug, "amount": "1"}}
        assert (await client.post(routes.API_TRANSFERS, json=body)).status_code == 401


class TestChallengesAndMilestones:
    async def test_are_made_by_owners_and_read_by_everybody(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        for address, name, body in (
            (
                routes.api_challenges(own["id"]),
                "challenge",
                {"sponsor_name": "Yayasan", "ratio": "1", "cap": "100"},
            ),
            (routes.api_milestones(own["id"]), "milestone", {"amount": "10", "label": "First"}),
        ):
            made = await manager.post(address, json={name: body})
            assert made.status_code == 201
            assert (await client.get(address)).json()["data"] == [made.json()["data"]]
            assert (await client.post(address, json={name: body})).status_code == 401
            assert (await manager.post(address, json={name: {}})).status_code == 422
            one = f"{address}/{made.json()['data']['id']}"
            assert (await client.delete(one)).status_code == 401
            assert (await manager.delete(one)).status_code == 204
            assert (await manager.delete(f"{address}/nothing")).status_code == 404

    async def test_a_gift_is_matched_and_its_milestone_reached(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        challenge = {"sponsor_name": "Yayasan", "ratio": "0.5", "cap": "10"}
        await manager.post(routes.api_challenges(own["id"]), json={"challenge": challenge})
        milestone = {"amount": "35.50", "label": "First"}
        await manager.post(routes.api_milestones(own["id"]), json={"milestone": milestone})
        await act(manager, await give(client, own["id"]), "approve")
        found = (await client.get(routes.api_campaign(own["id"]))).json()["data"]
        assert (found["total_raised"], found["matched_total"], found["total"]) == (
            "25.50",
            "10.00",
            "35.50",
        )
        [row] = (await client.get(routes.api_challenges(own["id"]))).json()["data"]
        assert (row["matched_amount"], row["remaining"]) == ("10.00", "0.00")
        [row] = (await client.get(routes.api_milestones(own["id"]))).json()["data"]
        assert row["reached_at"] is not None


class TestNotifications:
    async def test_tell_the_account_that_gave(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        gift = await give(manager, own["id"])
        await act(manager, gift, "approve")
        [one] = (await manager.get(routes.API_NOTIFICATIONS)).json()["data"]
        assert (one["kind"], one["read_at"]) == ("donation_approved", None)
        assert gift.endswith(one["donation_id"])
        assert (await client.get(routes.API_NOTIFICATIONS)).status_code == 401
