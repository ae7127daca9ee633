from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from financial_live.contexts import campaigns, columns, donations, matches
from financial_live.errors import Conflict, Invalid, NotFound, Unauthorized
from tests.contexts.factories import OPERATOR, VISITOR, events, make_campaign, make_gift, refused

pytestmark = pytest.mark.usefixtures("database")

CHALLENGE = {"sponsor_name": "PT Maju", "ratio": "1", "cap": "100"}


class TestCreate:
    async def test_everybody_sees_it_and_hears_of_it(self) -> None:
        campaign = await make_campaign()
        before = len(await events())
        made = await matches.create_challenge(OPERATOR, campaign.id, CHALLENGE)
        [found] = await matches.list_challenges(VISITOR, campaign.slug)
        assert found.model_dump() == made.model_dump()
        assert (made.matched_amount, made.remaining, made.ends_at) == (
            Decimal(0),
            Decimal(100),
            None,
        )
        told = {name: data for name, _, data in await events(before)}
        after = await campaigns.get_campaign(VISITOR, campaign.id)
        assert after.revision == campaign.revision + 1
        assert told["challenge_created"]["campaign"] == campaigns.summary(after)

    @pytest.mark.parametrize(
        ("attrs", "wrong"),
        [
            ({"ratio": "0"}, "ratio"),
            ({"ratio": "10.01"}, "ratio"),
            ({"ratio": "0.001"}, "ratio"),
            ({"ratio": 0.5}, "ratio"),
            ({"ratio": "NaN"}, "ratio"),
            ({"ratio": True}, "ratio"),
            ({"cap": "0"}, "cap"),
            ({"cap": "10000000000000"}, "cap"),
            ({"sponsor_name": " "}, "sponsor_name"),
            ({"starts_at": "2026-12-24"}, "starts_at"),
            ({"ends_at": "tomorrow"}, "ends_at"),
        ],
    )
    async def test_refuses_what_makes_no_challenge(self, attrs: Any, wrong: str) -> None:
        campaign = await make_campaign()
        call = matches.create_challenge(OPERATOR, campaign.id, CHALLENGE | attrs)
        assert (await refused(Invalid, call)).fields.keys() == {wrong}
        assert await matches.list_challenges(VISITOR, campaign.id) == []

    async def test_its_end_follows_its_start(self) -> None:
        campaign, now = await make_campaign(), columns.now()
        for start in (now + timedelta(hours=1), None):
            ends = {"starts_at": start, "ends_at": now - timedelta(hours=1)}
            call = matches.create_challenge(OPERATOR, campaign.id, CHALLENGE | ends)
            assert (await refused(Invalid, call)).fields.keys() == {"ends_at"}

    async def test_is_for_owners_and_of_a_campaign_that_is_there(self) -> None:
        campaign = await make_campaign()
        call = matches.create_challenge(VISITOR, campaign.id, CHALLENGE)
        await refused(Unauthorized, call)
        await refused(NotFound, matches.create_challenge(OPERATOR, uuid4(), CHALLENGE))


class TestCancel:
    async def test_it_matches_no_more_and_what_it_has_added_stays(self) -> None:
        campaign = await make_campaign()
        made = await matches.create_challenge(OPERATOR, campaign.id, CHALLENGE)
        await make_gift(campaign, amount="10")
        before = len(await events())
        cancelled = await matches.cancel_challenge(OPERATOR, campaign.id, made.id)
        assert cancelled.remaining == 0
        assert "challenge_cancelled" in {name for name, _, _ in await events(before)}
        await make_gift(campaign, amount="10")
        found = await campaigns.get_campaign(VISITOR, campaign.id)
        assert (found.total_raised, found.matched_total) == (Decimal(20), Decimal(10))
        assert (await rest(campaign.id)) == [Decimal(10)]

    async def test_a_gift_that_waited_is_not_matched_after_it(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        made = await matches.create_challenge(OPERATOR, campaign.id, CHALLENGE)
        gift = await make_gift(campaign)
        await matches.cancel_challenge(OPERATOR, campaign.id, made.id)
        await donations.approve(OPERATOR, gift.id)
        assert (await campaigns.get_campaign(VISITOR, campaign.id)).matched_total == 0

    async def test_happens_once(self) -> None:
        campaign = await make_campaign()
        made = await matches.create_challenge(OPERATOR, campaign.id, CHALLENGE)
        await matches.cancel_challenge(OPERATOR, campaign.id, made.id)
        await refused(Conflict, matches.cancel_challenge(OPERATOR, campaign.id, made.id))

    async def test_is_found_in_its_own_campaign_only(self) -> None:
        campaign, other = await make_campaign(), await make_campaign()
        made = await matches.create_challenge(OPERATOR, campaign.id, CHALLENGE)
        for unknown in (made.id, uuid4(), "x"):
            call = matches.cancel_challenge(OPERATOR, other.id, unknown)
            await refused(NotFound, call)


class TestCampaign:
    async def test_with_a_challenge_keeps_its_currency_and_stays(self) -> None:
        campaign = await make_campaign()
        await matches.create_challenge(OPERATOR, campaign.id, CHALLENGE)
        call = campaigns.update_campaign(OPERATOR, campaign.id, {"currency": "EUR"})
        assert (await refused(Conflict, call)).fields.keys() == {"currency"}
        error = await refused(Conflict, campaigns.delete_campaign(OPERATOR, campaign.id))
        assert "match challenges" in error.message


async def rest(campaign_id: Any) -> list[Any]:
    return [one.matched_amount for one in await matches.list_challenges(VISITOR, campaign_id)]
