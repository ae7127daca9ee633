import pytest
from httpx import AsyncClient

from financial_live import routes
from financial_live.contexts.campaigns import Campaign


class TestHead:
    async def test_has_the_headers_of_get_and_no_body(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        for address in (
            routes.API_CAMPAIGNS,
            routes.api_campaign(campaign.slug),
            routes.api_campaign_donations(campaign.slug),
            routes.API_DESCRIPTION,
            routes.HEALTH,
        ):
            whole, head = await client.get(address), await client.head(address)

            assert (head.status_code, head.content) == (200, b"")
            # What is left of a limit is less each time.
            for answer in (whole, head):
                answer.headers.pop("ratelimit", None)
            assert head.headers == whole.headers

    async def test_of_nothing_is_404_without_a_body(
        self, client: AsyncClient, campaign: Campaign
    ) -> None:
        answer = await client.head(routes.api_campaign("nothing"))

        assert (answer.status_code, answer.content) == (404, b"")


class TestAccept:
    @pytest.mark.parametrize(
        "accept",
        [
            "",
            "*/*",
            "application/json",
            "Application/*;q=0.1, text/html",
            "text/html, application/json; charset=utf-8;q=0.001",
            "*/*;q=0, application/json",
        ],
    )
    async def test_json_is_served_where_it_is_accepted(
        self, client: AsyncClient, campaign: Campaign, accept: str
    ) -> None:
        answer = await client.get(routes.API_CAMPAIGNS, headers={"Accept": accept})

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "accept",
        ["text/html", "application/json;q=0", "application/json;q=0.0, */*", "application/xml, x"],
    )
    async def test_where_it_is_not_the_answer_says_so(
        self, client: AsyncClient, campaign: Campaign, accept: str
    ) -> None:
        answer = await client.get(routes.API_CAMPAIGNS, headers={"Accept": accept})

        assert answer.status_code == 406
        assert "application/json" in answer.json()["errors"]["detail"]
