import pytest

from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.errors import Invalid
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, make_campaign, make_gift

pytestmark = pytest.mark.usefixtures("own_database")


class TestRemember:
    async def test_nothing_is_remembered_of_what_is_rolled_back(self) -> None:
        campaign = await make_campaign()
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                campaigns.remember(campaign)
                raise ZeroDivisionError
        assert campaigns.remembered(campaign.id) is None

    async def test_a_gift_lets_its_campaign_be_known_by_id_and_slug(self) -> None:
        campaign = await make_campaign()
        await make_gift(campaign)
        for key in (campaign.id, str(campaign.id), campaign.slug):
            known = campaigns.remembered(key)
            assert known is not None
            assert known.id == campaign.id


class TestGivingByWhatIsRemembered:
    async def test_is_refused_once_the_campaign_is_paused(self) -> None:
        campaign = await make_campaign()
        await make_gift(campaign)
        await campaigns.update_campaign(OPERATOR, campaign.id, {"status": "paused"})
        with pytest.raises(Invalid) as caught:
            await make_gift(campaign)
        assert caught.value.fields == {"campaign_id": ["is paused"]}

    async def test_is_taken_again_once_a_paused_campaign_is_active(self) -> None:
        campaign = await make_campaign()
        await make_gift(campaign)
        for status in ("paused", "active"):
            await campaigns.update_campaign(OPERATOR, campaign.id, {"status": status})
        assert (await make_gift(campaign)).version == 5

    async def test_follows_a_higher_limit_at_once(self) -> None:
        campaign = await make_campaign(max_gift="50000")
        await make_gift(campaign)
        await campaigns.update_campaign(OPERATOR, campaign.id, {"max_gift": "60000"})
        assert (await make_gift(campaign, amount="60000")).is_counted

    async def test_waits_for_review_once_that_is_by_hand(self) -> None:
        campaign = await make_campaign()
        await make_gift(campaign)
        await campaigns.update_campaign(OPERATOR, campaign.id, {"review_policy": "manual"})
        assert (await make_gift(campaign)).status == "pending"

    async def test_goes_to_whom_the_slug_belongs_now(self) -> None:
        first = await make_campaign(slug="wall")
        await donations.give(VISITOR, GIFT, campaign="wall")
        await campaigns.update_campaign(OPERATOR, first.id, {"slug": "old-wall"})
        second = await make_campaign(slug="wall")
        gift = await donations.give(VISITOR, GIFT, campaign="wall")
        assert gift.campaign_id == second.id

    async def test_finds_that_a_campaign_is_gone(self) -> None:
        campaign = await make_campaign()
        async with db.transaction():
            campaigns.remember(campaign)
        await campaigns.delete_campaign(OPERATOR, campaign.id)
        with pytest.raises(Invalid) as caught:
            await make_gift(campaign)
        assert caught.value.fields == {"campaign_id": ["does not exist"]}
