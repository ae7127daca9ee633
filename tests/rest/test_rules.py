"""The rules that no schema can say: what breaks one is 422 by its field, however well formed.

What a schema can say is tried by ``e2e/test_rest.py``.
"""

from typing import Any

import pytest
from httpx import AsyncClient

from financial_live import routes
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.scope import Scope

GIFT = {
    "donor_name": "Sari",
    "donor_email": "sari@example.org",
    "amount": "25.50",
    "currency": "USD",
}
NEW = {"name": "Books", "goal_amount": "500", "currency": "USD"}
UNSEEN = "\u200b"


def wrong(answer: Any) -> list[str]:
    """Return the fields that an answer calls wrong."""
    assert answer.status_code == 422, answer.text
    return list(answer.json()["errors"])


class TestOfAGift:
    @pytest.mark.parametrize(
        "changes",
        [
            {"donor_name": UNSEEN},
            {"donor_name": "a\nb"},
            {"donor_email": "a\x00@b"},
            {"message": "a\x00b"},
            {"amount": "0.00"},
            {"amount": 25.505},
            {"amount": 1e-9},
            {"currency": "EUR"},
        ],
    )
    async def test_its_fields(
        self, client: AsyncClient, campaign: Campaign, changes: dict[str, Any]
    ) -> None:
        address = routes.api_campaign_donations(campaign.slug)

        answer = await client.post(address, json={"donation": GIFT | changes})

        assert wrong(answer) == list(changes)

    @pytest.mark.parametrize(
        ("settings", "field"),
        [
            ({"max_gift": "25"}, "amount"),
            ({"status": "paused"}, "campaign_id"),
            ({"status": "closed"}, "campaign_id"),
            ({"one_gift_per_donor": True}, "donor_email"),
        ],
    )
    async def test_those_of_its_campaign(
        self,
        client: AsyncClient,
        campaign: Campaign,
        operator: Scope,
        settings: dict[str, Any],
        field: str,
    ) -> None:
        await donations.give(operator, GIFT, campaign=campaign.id)
        await campaigns.update_campaign(operator, campaign.id, settings)

        answer = await client.post(
            routes.API_DONATIONS, json={"donation": GIFT | {"campaign_id": campaign.slug}}
        )

        assert wrong(answer) == [field]

    async def test_its_campaign_exists(self, client: AsyncClient, campaign: Campaign) -> None:
        for address, body in (
            (routes.API_DONATIONS, GIFT | {"campaign_id": "nothing"}),
            (routes.api_campaign_donations("nothing"), GIFT),
        ):
            answer = await client.post(address, json={"donation": body})

            assert wrong(answer) == ["campaign_id"]

    async def test_it_keeps_an_address_unless_it_came_offline(
        self, manager: AsyncClient, client: AsyncClient
    ) -> None:
        made = await manager.post(
            routes.API_CAMPAIGNS, json={"campaign": NEW | {"review_policy": "manual"}}
        )
        address = routes.api_campaign_donations(made.json()["data"]["id"])
        gift = (await client.post(address, json={"donation": GIFT})).headers["location"]

        answer = await manager.patch(gift, json={"donation": {"donor_email": None}})

        assert wrong(answer) == ["donor_email"]


class TestOfACampaign:
    @pytest.mark.parametrize(
        "changes",
        [
            {"name": UNSEEN},
            {"name": "a\x1bb"},
            {"description": "a\x00b"},
            {"goal_amount": "0"},
            {"goal_amount": 0.001},
            {"max_gift": "0.0"},
            {"slug": "new"},
            {"slug": "019cc8a1-7f00-7000-8000-000000000001"},
            {"slug": "wells-for-gunung-kidul"},
        ],
    )
    async def test_its_fields(
        self, manager: AsyncClient, campaign: Campaign, changes: dict[str, Any]
    ) -> None:
        answer = await manager.post(routes.API_CAMPAIGNS, json={"campaign": NEW | changes})

        assert wrong(answer) == list(changes)


class TestOfAQuery:
    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"search": "a\x00"}, "search"),
            ({"after": "f" + "_" * 31}, "after"),
            ({"after": "", "before": ""}, "before"),
        ],
    )
    async def test_what_it_asks_for(
        self, client: AsyncClient, campaign: Campaign, query: dict[str, str], field: str
    ) -> None:
        address = routes.api_campaign_donations(campaign.slug)

        assert wrong(await client.get(address, params=query)) == [field]


class TestOfAKey:
    async def test_it_has_no_control_characters(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        answer = await client.post(
            routes.api_campaign_donations(campaign.slug),
            json={"donation": GIFT},
            headers=[(b"Idempotency-Key", b"a\x85b")],
        )

        assert wrong(answer) == ["idempotency_key"]
