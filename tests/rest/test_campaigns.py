import pytest
from httpx import AsyncClient

from financial_live import routes
from financial_live.contexts import donations
from financial_live.contexts.campaigns import Campaign, create_campaign, update_campaign
from financial_live.scope import Scope


async def names_of(client: AsyncClient, **query: str) -> list[str]:
    answer = await client.get(routes.API_CAMPAIGNS, params=query)
    assert answer.status_code == 200, answer.text
    return [campaign["name"] for campaign in answer.json()["data"]]


class TestIndex:
    async def test_lists_the_newest_first_with_the_number_of_all(
        self, client: AsyncClient, campaign: Campaign, operator: Scope
    ) -> None:
        attrs = {"name": "Books", "goal_amount": 5, "currency": "EUR"}
        await create_campaign(operator, attrs)

        answer = await client.get(routes.API_CAMPAIGNS, params={"per_page": "1"})

        body = answer.json()
        assert [one["name"] for one in body.pop("data")] == ["Books"]
        assert body == {"page": 1, "per_page": 1, "total": 2}
        assert await names_of(client, per_page="1", page="2") == [campaign.name]

    async def test_finds_by_a_part_of_the_name_and_by_status(
        self, client: AsyncClient, campaign: Campaign, operator: Scope
    ) -> None:
        await update_campaign(operator, campaign.id, {"status": "closed"})

        assert await names_of(client, search="GUNUNG") == [campaign.name]
        assert await names_of(client, search="50%") == []
        assert await names_of(client, status="closed") == [campaign.name]
        assert await names_of(client, status="active") == []

    async def test_reports_every_wrong_parameter_at_once(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        query = {"page": "0", "per_page": "1e9", "status": "open", "search": "\0"}

        answer = await client.get(routes.API_CAMPAIGNS, params=query)

        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"page", "per_page", "status", "search"}


class TestShow:
    @pytest.mark.parametrize("key", ["id", "slug"])
    async def test_shows_a_campaign_by_its_id_and_by_its_slug(
        self, client: AsyncClient, campaign: Campaign, key: str
    ) -> None:
        answer = await client.get(routes.api_campaign(str(getattr(campaign, key))))

        data = answer.json()["data"]
        assert (data["id"], data["slug"]) == (str(campaign.id), "wells-for-gunung-kidul")
        assert (data["goal_amount"], data["total_raised"]) == ("1000.00", "0.00")
        assert (data["progress"], data["max_gift"]) == ("0.0", None)

    async def test_shows_what_was_given_as_decimal_text(
        self, client: AsyncClient, campaign: Campaign, visitor: Scope
    ) -> None:
        gift = {
            "donor_name": "Sari",
            "donor_email": "sari@example.org",
            "amount": "0.10",
            "currency": "USD",
        }
        for _ in range(3):
            await donations.give(visitor, gift, campaign=campaign.id)

        data = (await client.get(routes.api_campaign(campaign.slug))).json()["data"]

        assert (data["total_raised"], data["gift_count"]) == ("0.30", 3)

    @pytest.mark.parametrize(
        "key", ["nothing", "a/b", "00000000-0000-7000-8000-000000000000", "\0", "' OR 1=1"]
    )
    async def test_says_in_json_that_there_is_no_such_campaign(
        self, client: AsyncClient, campaign: Campaign, key: str
    ) -> None:
        answer = await client.get(routes.api_campaign(key))

        assert answer.status_code == 404
        assert list(answer.json()["errors"]) == ["detail"]
