from datetime import timedelta
from decimal import Decimal

import pytest

from financial_live.contexts import campaigns, donations, matches
from financial_live.errors import Unauthorized
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign


@pytest.mark.usefixtures("own_database")
class TestLoadDemo:
    async def test_makes_campaigns_with_gifts_that_add_up(self) -> None:
        made = await donations.load_demo(OPERATOR)
        report = await donations.check(OPERATOR)
        assert report.problems == []
        assert report.campaigns == made == 4
        assert report.donations == 4 * 25

    async def test_is_loaded_once(self) -> None:
        await donations.load_demo(OPERATOR)
        assert await donations.load_demo(OPERATOR) == 0
        assert (await donations.check(OPERATOR)).campaigns == 4

    async def test_leaves_a_campaign_that_is_there_alone(self) -> None:
        mine = await make_campaign(slug="build-mosque", name="Mine")
        assert await donations.load_demo(OPERATOR) == 3
        assert (await campaigns.get_campaign(VISITOR, "build-mosque")).id == mine.id

    async def test_shows_all_currencies_and_weeks_of_gifts(self) -> None:
        await donations.load_demo(OPERATOR)
        listed = (await campaigns.list_campaigns(VISITOR)).items
        assert {c.currency for c in listed} == {"IDR", "USD", "EUR"}
        assert {(str(c.review_policy), c.one_gift_per_donor) for c in listed} == {
            ("automatic", False)
        }
        for campaign in listed:
            gifts = await donations.latest(OPERATOR, campaign_id=campaign.id, limit=100)
            assert gifts[0].inserted_at - gifts[-1].inserted_at > timedelta(days=14)
            assert len({gift.donor_name for gift in gifts}) == len(gifts) == 25

    async def test_shows_a_match_milestones_what_waits_and_another_currency(self) -> None:
        await donations.load_demo(OPERATOR)
        shown = await campaigns.get_campaign(VISITOR, "clean-water-for-nusa-penida")
        [challenge] = await matches.list_challenges(VISITOR, shown.id)
        assert 0 < challenge.remaining < challenge.cap
        assert shown.matched_total == challenge.matched_amount
        milestones = await campaigns.list_milestones(VISITOR, shown.id)
        assert {milestone.reached_at is None for milestone in milestones} == {True, False}
        gifts = await donations.latest(OPERATOR, campaign_id=shown.id, limit=100)
        assert {str(gift.status) for gift in gifts} == {"approved", "pending"}
        assert (gifts[0].currency, gifts[0].counted_amount) == ("EUR", Decimal(850_000))

    async def test_is_not_for_a_visitor(self) -> None:
        with pytest.raises(Unauthorized):
            await donations.load_demo(VISITOR)
