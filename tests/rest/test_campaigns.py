import pytest
import pytest_asyncio
from httpx import AsyncClient

from financial_live import db, routes
from financial_live.contexts import donations
from financial_live.contexts.campaigns import Campaign, create_campaign, update_campaign
from financial_live.rest.parsing import CSRF_HEADER
from financial_live.scope import Scope
from tests.contexts.people import log_in, make_user
from tests.rest.conftest import session_of

GIFT = {
    "donor_name": "Sari",
    "donor_email": "sari@example.org",
    "amount": "25.50",
    "currency": "USD",
}


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
        query = {"page": "0", "per_page": "101", "status": "open", "search": "\0"}

        answer = await client.get(routes.API_CAMPAIGNS, params=query)

        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"page", "per_page", "status", "search"}

    @pytest.mark.parametrize("number", ["abc", "", "1.5", "1e2", "\u0661", " 1"])
    @pytest.mark.parametrize("name", ["page", "per_page"])
    async def test_cannot_read_what_is_no_whole_number(
        self, client: AsyncClient, campaign: Campaign, name: str, number: str
    ) -> None:
        answer = await client.get(routes.API_CAMPAIGNS, params={name: number})

        assert answer.status_code == 400
        assert answer.json()["errors"]["detail"].startswith(f"{name} is no whole number")

    async def test_says_where_the_other_pages_are(
        self, client: AsyncClient, campaign: Campaign, operator: Scope
    ) -> None:
        for number in range(4):
            attrs = {"name": f"Wells {number}", "goal_amount": 5, "currency": "EUR"}
            await create_campaign(operator, attrs)

        query = {"search": "wells &", "per_page": "2", "page": "2"}
        missing = (await client.get(routes.API_CAMPAIGNS, params=query)).links
        query["search"] = "wells"
        links = (await client.get(routes.API_CAMPAIGNS, params=query)).links
        pages = {rel: link["url"] for rel, link in links.items()}

        address = f"{routes.API_CAMPAIGNS}?search=wells&per_page=2&page="
        names = {"first": 1, "prev": 1, "next": 3, "last": 3}
        assert pages == {rel: f"{address}{number}" for rel, number in names.items()}
        assert missing["prev"]["url"] == address.replace("wells", "wells+%26") + "1"
        assert "next" not in missing
        last = await client.get(pages["last"])
        assert [one["name"] for one in last.json()["data"]] == [campaign.name]
        assert set(last.links) == {"first", "prev", "last"}

    async def test_is_not_sent_again_to_who_has_it(
        self, client: AsyncClient, campaign: Campaign, operator: Scope
    ) -> None:
        first = await client.get(routes.API_CAMPAIGNS)
        known = {"If-None-Match": first.headers["etag"]}
        again = await client.get(routes.API_CAMPAIGNS, headers=known)
        await update_campaign(operator, campaign.id, {"status": "closed"})
        changed = await client.get(routes.API_CAMPAIGNS, headers=known)

        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"] != changed.headers["etag"]
        assert changed.status_code == 200


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
        for _ in range(3):
            await donations.give(visitor, GIFT | {"amount": "0.10"}, campaign=campaign.id)

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

    async def test_has_a_tag_of_its_revision_and_version(
        self, client: AsyncClient, campaign: Campaign, operator: Scope, visitor: Scope
    ) -> None:
        address = routes.api_campaign(campaign.slug)
        assert (await client.get(address)).headers["etag"] == '"1-1"'
        await update_campaign(operator, campaign.id, {"name": "Wells"})
        await donations.give(visitor, GIFT, campaign=campaign.id)

        shown = await client.get(address)
        known = await client.get(address, headers={"If-None-Match": 'W/"2-3", "x"'})
        other = await client.get(address, headers={"If-None-Match": '"2-2"'})

        assert shown.headers["etag"] == '"2-3"'
        assert (known.status_code, known.content) == (304, b"")
        assert other.status_code == 200


NEW = {"name": "Books", "goal_amount": "500", "currency": "EUR"}


class TestCreate:
    async def test_a_manager_starts_one_and_owns_it(self, manager: AsyncClient) -> None:
        answer = await manager.post(routes.API_CAMPAIGNS, json={"campaign": NEW})

        assert answer.status_code == 201, answer.text
        data = answer.json()["data"]
        assert (data["name"], data["goal_amount"]) == ("Books", "500.00")
        assert answer.headers["location"] == routes.api_campaign(data["id"])
        assert answer.headers["etag"] == '"1-1"'
        closed = {"campaign": {"status": "closed"}}
        assert (await manager.patch(answer.headers["location"], json=closed)).is_success

    async def test_a_visitor_is_asked_to_log_in_whatever_is_sent(self, client: AsyncClient) -> None:
        for body in ({"campaign": NEW}, {}):
            answer = await client.post(routes.API_CAMPAIGNS, json=body)

            assert answer.status_code == 401

    async def test_a_donor_may_not(self, database: db.Database, quick_hashes: None) -> None:
        await make_user()
        async with session_of(await log_in()) as donor:
            answer = await donor.post(routes.API_CAMPAIGNS, json={"campaign": NEW})

        assert answer.status_code == 403

    async def test_repeated_with_its_key_is_one_campaign(self, manager: AsyncClient) -> None:
        key = {"Idempotency-Key": "k-1"}
        first = await manager.post(routes.API_CAMPAIGNS, json={"campaign": NEW}, headers=key)
        again = await manager.post(routes.API_CAMPAIGNS, json={"campaign": NEW}, headers=key)
        other = {"campaign": NEW | {"name": "Pens"}}
        refused = await manager.post(routes.API_CAMPAIGNS, json=other, headers=key)

        assert (again.status_code, again.content) == (201, first.content)
        assert refused.status_code == 409
        assert await names_of(manager) == ["Books"]


@pytest_asyncio.fixture
async def own(manager: AsyncClient) -> str:
    """Return the address of a campaign that the manager owns."""
    answer = await manager.post(routes.API_CAMPAIGNS, json={"campaign": NEW})
    location: str = answer.headers["location"]
    return location


class TestUpdate:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_changes_what_is_given_and_keeps_the_rest(
        self, manager: AsyncClient, own: str, method: str
    ) -> None:
        answer = await manager.request(method, own, json={"campaign": {"max_gift": 20}})

        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        assert (data["name"], data["max_gift"], data["revision"]) == ("Books", "20.00", 2)
        assert answer.headers["etag"] == '"2-2"'

    async def test_a_lost_update_is_412_and_a_gift_in_between_is_not(
        self, manager: AsyncClient, own: str, visitor: Scope
    ) -> None:
        seen = {"If-Match": (await manager.get(own)).headers["etag"]}
        campaign = own.rpartition("/")[2]
        await donations.give(visitor, GIFT | {"currency": "EUR"}, campaign=campaign)

        first = await manager.patch(own, json={"campaign": {"name": "Pens"}}, headers=seen)
        lost = await manager.patch(own, json={"campaign": {"name": "Ink"}}, headers=seen)

        assert (first.status_code, first.headers["etag"]) == (200, '"2-3"')
        assert lost.status_code == 412
        assert "revision 2, you saw 1" in lost.json()["errors"]["detail"]
        assert (await manager.get(own)).json()["data"]["name"] == "Pens"

    @pytest.mark.parametrize(
        ("tags", "status"),
        [
            ("*", 200),
            ('"7-7", "1-9"', 200),
            ('"2-1"', 412),
            ('W/"1-1"', 412),
            ('"x"', 412),
            ("1-1", 400),
            ("", 400),
            ('*, "1-1"', 400),
            # Read in more than one way, these never end: each blank doubles the ways.
            ('"1-1"' + " ,  " * 100 + '"x"', 200),
            ('"1-1"' + " ,  " * 100 + "x", 400),
        ],
    )
    async def test_depends_on_any_of_the_tags_but_weak_ones(
        self, manager: AsyncClient, own: str, tags: str, status: int
    ) -> None:
        body, headers = {"campaign": {"name": "Pens"}}, {"If-Match": tags}

        assert (await manager.patch(own, json=body, headers=headers)).status_code == status

    async def test_a_stranger_is_told_that_they_may_not_before_what_they_saw(
        self, manager: AsyncClient, campaign: Campaign
    ) -> None:
        body, headers = {"campaign": {"name": "Mine"}}, {"If-Match": '"9-9"'}
        answer = await manager.patch(routes.api_campaign(campaign.slug), json=body, headers=headers)

        assert answer.status_code == 403

    async def test_without_the_sessions_proof_nothing_changes(
        self, manager: AsyncClient, own: str
    ) -> None:
        del manager.headers[CSRF_HEADER]

        assert (await manager.patch(own, json={"campaign": {"name": "X"}})).status_code == 403


class TestDelete:
    async def test_is_gone(self, manager: AsyncClient, own: str) -> None:
        answer = await manager.delete(own)

        assert (answer.status_code, answer.content) == (204, b"")
        assert (await manager.get(own)).status_code == 404
        assert (await manager.delete(own)).status_code == 404

    async def test_not_if_it_was_edited_since_it_was_seen(
        self, manager: AsyncClient, own: str
    ) -> None:
        await manager.patch(own, json={"campaign": {"name": "Pens"}})

        assert (await manager.delete(own, headers={"If-Match": '"1-1"'})).status_code == 412
        assert (await manager.delete(own, headers={"If-Match": '"2-2"'})).status_code == 204

    async def test_not_if_something_was_given(
        self, manager: AsyncClient, own: str, visitor: Scope
    ) -> None:
        gift = GIFT | {"currency": "EUR"}
        await donations.give(visitor, gift, campaign=own.rpartition("/")[2])

        answer = await manager.delete(own)

        assert answer.status_code == 409
        assert "Close it instead" in answer.json()["errors"]["detail"]
