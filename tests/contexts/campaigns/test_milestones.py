import asyncio
from typing import Any
from uuid import uuid4

import pytest

from financial_live.contexts import campaigns, donations, ledger, matches
from financial_live.contexts.campaigns import Campaign, Milestone
from financial_live.errors import Conflict, Invalid, NotFound, Unauthorized
from tests.contexts.factories import OPERATOR, VISITOR, events, make_campaign, make_gift, refused

WHY = {"reason": "Given twice"}


async def milestone(campaign: Campaign, amount: str = "100", **attrs: Any) -> Milestone:
    defaults = {"amount": amount, "label": f"At {amount}"}
    return await campaigns.create_milestone(OPERATOR, campaign.id, defaults | attrs)


async def told() -> list[str]:
    """Return which milestones were told of as reached, in order."""
    return [
        data["milestone"]["label"]
        for name, _, data in await events()
        if name == "milestone_reached"
    ]


@pytest.mark.usefixtures("database")
class TestReached:
    async def test_is_told_when_the_total_gets_there_and_not_a_cent_before(self) -> None:
        campaign = await make_campaign()
        await milestone(campaign)
        await make_gift(campaign, amount="99.99")
        assert await told() == []
        await make_gift(campaign, amount="0.01")
        assert await told() == ["At 100"]
        [one] = await campaigns.list_milestones(VISITOR, campaign.slug)
        assert one.reached_at is not None

    async def test_all_that_one_gift_passes_are_told_the_lowest_first(self) -> None:
        campaign = await make_campaign()
        for amount in ("300", "100", "200", "301"):
            await milestone(campaign, amount)
        await make_gift(campaign, amount="300")
        assert await told() == ["At 100", "At 200", "At 300"]

    async def test_once_whatever_goes_and_comes_again(self) -> None:
        campaign = await make_campaign()
        await milestone(campaign)
        gift = await make_gift(campaign, amount="100")
        await donations.refund(OPERATOR, gift.id, WHY)
        await donations.undo(OPERATOR, gift.id)
        await donations.refund(OPERATOR, gift.id, WHY)
        await make_gift(campaign, amount="500")
        assert await told() == ["At 100"]

    async def test_by_what_a_sponsor_adds(self) -> None:
        campaign = await make_campaign()
        await milestone(campaign)
        challenge = {"sponsor_name": "PT Maju", "ratio": "1", "cap": "1000"}
        await matches.create_challenge(OPERATOR, campaign.id, challenge)
        await make_gift(campaign, amount="50")
        assert await told() == ["At 100"]

    async def test_by_what_another_campaign_gives(self) -> None:
        campaign, other = await make_campaign(), await make_campaign()
        await milestone(campaign)
        await make_gift(other, amount="100")
        await ledger.transfer(OPERATOR, other.id, campaign.id, {"amount": "100"})
        assert await told() == ["At 100"]

    async def test_by_an_approval_and_by_a_batch(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        await milestone(campaign)
        gift = await make_gift(campaign, amount="100")
        assert await told() == []
        await donations.approve(OPERATOR, gift.id)
        automatic = await make_campaign()
        await milestone(automatic, "7")
        box = {"donor_name": "Kotak amal", "amount": "7", "currency": "IDR"}
        await donations.record_batch(OPERATOR, automatic.id, [box], {"control_total": "7"})
        assert await told() == ["At 100", "At 7"]

    async def test_never_by_tests(self) -> None:
        campaign = await make_campaign()
        await milestone(campaign)
        await make_gift(campaign, OPERATOR, amount="100", is_test=True)
        assert await told() == []


@pytest.mark.usefixtures("database")
class TestCreate:
    async def test_one_that_is_passed_counts_as_reached_and_is_not_told(self) -> None:
        campaign = await make_campaign()
        await make_gift(campaign, amount="100")
        assert (await milestone(campaign)).reached_at is not None
        assert (await milestone(campaign, "100.01")).reached_at is None
        await make_gift(campaign, amount="1")
        assert await told() == ["At 100.01"]

    async def test_is_told_with_the_campaigns_next_revision(self) -> None:
        campaign = await make_campaign()
        before = len(await events())
        made = await milestone(campaign)
        found = {name: data for name, _, data in await events(before)}
        after = await campaigns.get_campaign(VISITOR, campaign.id)
        assert after.revision == campaign.revision + 1
        assert found["milestone_created"] == {
            "campaign": campaigns.summary(after),
            "milestone": campaigns.milestone_row(made),
        }

    async def test_each_amount_once(self) -> None:
        campaign = await make_campaign()
        await milestone(campaign)
        error = await refused(Invalid, milestone(campaign, "100.00"))
        assert error.fields == {"amount": ["has already been taken"]}
        await milestone(await make_campaign())

    @pytest.mark.parametrize(
        ("attrs", "wrong"),
        [({"amount": "0"}, "amount"), ({"amount": "x"}, "amount"), ({"label": " "}, "label")],
    )
    async def test_refuses_what_makes_no_milestone(self, attrs: Any, wrong: str) -> None:
        campaign = await make_campaign()
        assert (await refused(Invalid, milestone(campaign, **attrs))).fields.keys() == {wrong}

    async def test_fifty_are_enough(self) -> None:
        campaign = await make_campaign()
        for amount in range(1, 51):
            await milestone(campaign, str(amount))
        await refused(Conflict, milestone(campaign, "51"))

    async def test_is_for_owners(self) -> None:
        campaign = await make_campaign()
        call = campaigns.create_milestone(VISITOR, campaign.id, {"amount": "1", "label": "x"})
        await refused(Unauthorized, call)


@pytest.mark.usefixtures("database")
class TestDelete:
    async def test_it_is_reached_no_more(self) -> None:
        campaign = await make_campaign()
        made = await milestone(campaign)
        await campaigns.delete_milestone(OPERATOR, campaign.id, made.id)
        await make_gift(campaign, amount="100")
        assert await told() == []
        assert await campaigns.list_milestones(VISITOR, campaign.id) == []

    async def test_is_found_in_its_own_campaign_only(self) -> None:
        campaign, other = await make_campaign(), await make_campaign()
        made = await milestone(campaign)
        for unknown in (made.id, uuid4(), "x"):
            await refused(NotFound, campaigns.delete_milestone(OPERATOR, other.id, unknown))


@pytest.mark.usefixtures("own_database")
class TestAtOnce:
    async def test_of_many_gifts_one_is_the_first_to_get_there(self) -> None:
        campaign, other = await make_campaign(), await make_campaign()
        await make_gift(other, amount="100")
        for amount in ("50", "51", "100"):
            await milestone(campaign, amount)
        gifts = [await make_gift(campaign, amount="10") for _ in range(4)]
        await asyncio.gather(
            *(make_gift(campaign, amount="10") for _ in range(16)),
            *(donations.refund(OPERATOR, one.id, WHY) for one in gifts),
            ledger.transfer(OPERATOR, other.id, campaign.id, {"amount": "30"}),
            milestone(campaign, "149"),
        )
        reached = await told()
        assert len(reached) == len(set(reached))
        assert {"At 50", "At 51", "At 100"} <= set(reached)
        assert (await donations.check(OPERATOR)).problems == []
