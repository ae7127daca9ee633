"""What those of a campaign's team do with its gifts, and the lists that others do not get."""

from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from financial_live import db, routes
from financial_live.contexts import accounts, campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.scope import Scope
from tests.contexts.people import EMAIL, log_in, make_user
from tests.rest.conftest import session_of

GIFT = {
    "donor_name": "Sari",
    "donor_email": "sari@example.org",
    "amount": "25.50",
    "currency": "USD",
    "show_name": False,
}
NEW = {
    "name": "Books",
    "goal_amount": "500",
    "currency": "USD",
    "review_policy": "manual",
    "one_gift_per_donor": False,
}


@pytest_asyncio.fixture
async def own(manager: AsyncClient) -> dict[str, Any]:
    """Return a campaign that the manager owns; gifts to it wait for review."""
    answer = await manager.post(routes.API_CAMPAIGNS, json={"campaign": NEW})
    data: dict[str, Any] = answer.json()["data"]
    return data


async def give(client: AsyncClient, campaign: str, **attrs: Any) -> str:
    """Give to a campaign; return the gift's address."""
    body = {"donation": {**GIFT, **attrs}}
    answer = await client.post(routes.api_campaign_donations(campaign), json=body)
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["location"]
    return location


class TestIndex:
    async def test_lists_the_gifts_to_all_the_campaigns_of_the_team_whole(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any], campaign: Campaign
    ) -> None:
        await give(client, own["id"])
        await give(client, str(campaign.id))

        answer = await manager.get(routes.API_DONATIONS)

        body = answer.json()
        [gift] = body.pop("data")
        assert body == {"page": 1, "per_page": 20, "total": 1}
        assert (gift["donor_name"], gift["donor_email"]) == ("Sari", "sari@example.org")
        assert (gift["status"], gift["campaign_id"]) == ("pending", own["id"])
        nested = await manager.get(routes.api_campaign_donations(own["slug"]))
        assert nested.json()["data"] == [gift]

    async def test_takes_the_filters_of_the_context(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        await give(client, own["id"], donor_name="Ana", donor_email="ana@example.org")
        await give(client, own["id"], donor_name="Budi", donor_email="budi@example.org")

        async def names(**query: str) -> list[str]:
            found = await manager.get(routes.API_DONATIONS, params=query)
            return [gift["donor_name"] for gift in found.json()["data"]]

        assert await names() == ["Budi", "Ana"]
        assert await names(order="asc") == ["Ana", "Budi"]
        assert await names(search="ana@") == ["Ana"]
        assert await names(status="approved") == []
        assert await names(status="pending", page="2", per_page="1") == ["Ana"]

    async def test_is_for_managers(
        self, client: AsyncClient, database: db.Database, quick_hashes: None
    ) -> None:
        await make_user("donor@example.org")
        async with session_of(await log_in("donor@example.org")) as donor:
            assert (await donor.get(routes.API_DONATIONS)).status_code == 403
        assert (await client.get(routes.API_DONATIONS)).status_code == 401

    async def test_an_admin_sees_those_to_every_campaign(
        self, client: AsyncClient, campaign: Campaign, quick_hashes: None
    ) -> None:
        await give(client, str(campaign.id))
        await make_user(role="admin")
        async with session_of(await log_in()) as admin:
            for query in ({}, {"after": ""}):
                [gift] = (await admin.get(routes.API_DONATIONS, params=query)).json()["data"]
                assert gift["donor_email"] == "sari@example.org"


class TestShow:
    async def test_shows_the_team_what_waits_and_is_hidden(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        address = await give(client, own["id"])

        shown = await manager.get(address)

        assert shown.json()["data"]["donor_name"] == "Sari"
        assert (await client.get(address)).status_code == 404

    async def test_the_same_gift_has_another_tag_for_the_team(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any], operator: Scope
    ) -> None:
        await campaigns.update_campaign(operator, own["id"], {"review_policy": "automatic"})
        address = await give(client, own["id"])
        public, whole = await client.get(address), await manager.get(address)
        tags = [answer.headers["etag"] for answer in (public, whole)]

        assert len(set(tags)) == 2
        for answer in (public, whole):
            assert answer.headers["vary"] == "Authorization, Cookie"
            assert answer.headers["cache-control"] == "private, no-cache"
        known = await client.get(address, headers={"If-None-Match": tags[0]})
        assert (known.status_code, known.content) == (304, b"")
        other = await manager.get(address, headers={"If-None-Match": tags[0]})
        assert other.status_code == 200


class TestUpdate:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_changes_what_is_given_and_keeps_the_rest(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any], method: str
    ) -> None:
        address = await give(client, own["id"])

        answer = await manager.request(method, address, json={"donation": {"amount": "30"}})

        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        assert (data["amount"], data["donor_email"]) == ("30.00", "sari@example.org")
        assert answer.headers["etag"] == (await manager.get(address)).headers["etag"]

    async def test_a_counted_gift_keeps_what_it_is_made_of(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any], operator: Scope
    ) -> None:
        await campaigns.update_campaign(operator, own["id"], {"review_policy": "automatic"})
        address = await give(client, own["id"])

        for answer in (
            await manager.patch(address, json={"donation": {"amount": "30"}}),
            await manager.delete(address),
        ):
            assert answer.status_code == 409
            assert "Refund instead" in answer.json()["errors"]["detail"]
        message = await manager.patch(address, json={"donation": {"message": "Thanks"}})
        assert message.json()["data"]["message"] == "Thanks"

    async def test_a_lost_update_is_412(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        address = await give(client, own["id"])
        seen = {"If-Match": (await manager.get(address)).headers["etag"]}

        first = await manager.patch(address, json={"donation": {"message": "1"}}, headers=seen)
        lost = await manager.patch(address, json={"donation": {"message": "2"}}, headers=seen)
        gone = await manager.delete(address, headers=seen)

        assert (first.status_code, lost.status_code, gone.status_code) == (200, 412, 412)
        assert (await manager.get(address)).json()["data"]["message"] == "1"
        known = {"If-Match": first.headers["etag"]}
        assert (await manager.delete(address, headers=known)).status_code == 204

    async def test_others_may_not(
        self, manager: AsyncClient, client: AsyncClient, campaign: Campaign
    ) -> None:
        address = await give(client, str(campaign.id))
        body = {"donation": {"message": "Mine"}}

        for caller, status in ((manager, 403), (client, 401)):
            assert (await caller.patch(address, json=body)).status_code == status
            assert (await caller.delete(address)).status_code == status


class TestDelete:
    async def test_is_gone_if_it_was_not_counted(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        address = await give(client, own["id"])

        answer = await manager.delete(address)

        assert (answer.status_code, answer.content) == (204, b"")
        assert (await manager.get(address)).status_code == 404


class TestTestGifts:
    async def test_are_for_the_team(
        self, manager: AsyncClient, client: AsyncClient, own: dict[str, Any]
    ) -> None:
        body = {"donation": {**GIFT, "campaign_id": own["slug"], "is_test": True}}

        assert (await client.post(routes.API_DONATIONS, json=body)).status_code == 401
        given = await manager.post(routes.API_DONATIONS, json=body)

        assert given.status_code == 201, given.text
        # No list has it; whoever has made it finds it by its id.
        assert (await manager.get(routes.API_DONATIONS)).json()["data"] == []
        gift_id = given.json()["data"]["id"]
        shown = (await manager.get(f"{routes.API_DONATIONS}/{gift_id}")).json()["data"]
        assert shown["is_test"] is True
        user = await accounts.find_user(Scope.operator(), EMAIL)
        assert shown["user_id"] == str(user.id)
        assert (await donations.list_donations(Scope.visitor())).total == 0
