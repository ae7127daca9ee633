"""Milestones are announced when the total comes to them for the first time, once each."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from financial_live.contexts import campaigns, donations, ledger, matches
from financial_live.contexts.campaigns import Campaign, Milestone
from financial_live.errors import Conflict, Forbidden, Invalid, NotFound
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, events, make_campaign, make_gift

WALLS = {"amount": "100000", "label": "The walls stand"}
WHY = {"reason": "Asked for it back"}


async def make_milestone(campaign: Campaign, **attrs: Any) -> Milestone:
    return await campaigns.create_milestone(OPERATOR, campaign.id, WALLS | attrs)


async def announced() -> list[str]:
    """Return the labels of the milestones that were told of, in order."""
    return [
        data["milestone"]["label"]
        for name, _, data in await events()
        if name == "milestone_reached"
    ]


async def reached(campaign: Campaign) -> list[str]:
    found = await campaigns.list_milestones(VISITOR, campaign.id)
    return [milestone.label for milestone in found if milestone.reached_at is not None]


@pytest.mark.usefixtures("database")
class TestReaching:
    async def test_is_told_by_the_gift_that_comes_to_it(self) -> None:
        campaign = await make_campaign()
        await make_milestone(campaign)
        await make_gift(campaign, amount="99999.99")
        assert await announced() == []
        await make_gift(campaign, amount="0.01")
        assert (await announced(), await reached(campaign)) == (["The walls stand"],) * 2

    async def test_one_gift_may_come_to_several_the_lowest_is_told_first(self) -> None:
        campaign = await make_campaign()
        await make_milestone(campaign, amount="300", label="third")
        await make_milestone(campaign, amount="100", label="first")
        await make_milestone(campaign, amount="50000.01", label="not yet")
        await make_gift(campaign)
        assert await announced() == ["first", "third"]

    async def test_is_not_told_again_after_a_refund(self) -> None:
        campaign = await make_campaign()
        await make_milestone(campaign, amount="50000")
        gift = await make_gift(campaign)
        await donations.refund(OPERATOR, gift.id, WHY)
        await make_gift(campaign)
        assert (await announced(), await reached(campaign)) == (["The walls stand"],) * 2

    async def test_what_a_sponsor_adds_counts(self) -> None:
        campaign = await make_campaign()
        await make_milestone(campaign)
        challenge = {"sponsor_name": "Yayasan", "ratio": "1", "cap": "1000000"}
        await matches.create_challenge(OPERATOR, campaign.id, challenge)
        await make_gift(campaign)
        assert await announced() == ["The walls stand"]

    async def test_what_comes_from_another_campaign_counts(self) -> None:
        campaign, other = await make_campaign(), await make_campaign()
        await make_milestone(campaign)
        await make_gift(other, amount="100000")
        await ledger.transfer(OPERATOR, other.id, campaign.id, {"amount": "100000"})
        assert await announced() == ["The walls stand"]

    async def test_many_gifts_at_once_are_told_once(self) -> None:
        campaign = await make_campaign()
        await make_milestone(campaign)
        gifts = [
            donations.Gift(
                {"donor_name": "A", "donor_email": "a@example.org", "amount": "60000"}
                | {"currency": "IDR"},
                donations.DonationSource.QUEUE,
                campaign.id,
            )
            for _ in range(3)
        ]
        await donations.give_many(OPERATOR, gifts)
        assert await announced() == ["The walls stand"]

    async def test_what_waits_or_is_a_test_comes_to_none(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        await make_milestone(campaign, amount="1")
        await make_gift(campaign)
        test = await make_gift(campaign, OPERATOR, is_test=True)
        await donations.approve(OPERATOR, test.id)
        assert await announced() == []


@pytest.mark.usefixtures("own_database")
class TestReachingAtOnce:
    async def test_exactly_one_of_many_gifts_tells_it(self) -> None:
        campaign = await make_campaign()
        for amount in (100_000, 250_000, 400_000):
            await make_milestone(campaign, amount=amount, label=f"{amount}")
        await asyncio.gather(*(make_gift(campaign) for _ in range(10)))
        assert await announced() == ["100000", "250000", "400000"]
        assert (await donations.check(OPERATOR)).problems == []


@pytest.mark.usefixtures("database")
class TestCreate:
    async def test_one_below_the_total_counts_as_reached_and_is_not_told(self) -> None:
        campaign = await make_campaign()
        await make_gift(campaign)
        milestone = await make_milestone(campaign, amount="50000")
        assert milestone.reached_at is not None
        assert await announced() == []

    async def test_counts_a_revision_and_is_told(self) -> None:
        campaign = await make_campaign()
        await make_milestone(campaign)
        after = await campaigns.get_campaign(VISITOR, campaign.id)
        assert after.revision == campaign.revision + 1
        assert [name for name, _, _ in await events()] == [
            "campaign_created",
            "campaign_updated",
            "milestone_created",
        ]

    async def test_names_every_wrong_field_at_once(self) -> None:
        campaign = await make_campaign()
        with pytest.raises(Invalid) as refused:
            await make_milestone(campaign, amount="0", label=" ")
        assert set(refused.value.fields) == {"amount", "label"}

    async def test_an_amount_has_one_milestone(self) -> None:
        campaign = await make_campaign()
        await make_milestone(campaign)
        with pytest.raises(Invalid) as refused:
            await make_milestone(campaign, label="Again")
        assert set(refused.value.fields) == {"amount"}

    async def test_there_are_fifty_at_most(self) -> None:
        campaign = await make_campaign()
        for number in range(1, 51):
            await make_milestone(campaign, amount=number)
        with pytest.raises(Conflict, match="50"):
            await make_milestone(campaign)

    async def test_is_for_owners(self) -> None:
        campaign = await make_campaign()
        manager = Scope.user(UUID(int=1), role=Role.MANAGER)
        with pytest.raises(Forbidden):
            await campaigns.create_milestone(manager, campaign.id, WALLS)


@pytest.mark.usefixtures("database")
class TestDelete:
    async def test_is_told_and_comes_to_nothing_after(self) -> None:
        campaign = await make_campaign()
        milestone = await make_milestone(campaign)
        gone = await campaigns.delete_milestone(OPERATOR, campaign.id, str(milestone.id))
        assert gone.amount == Decimal(100_000)
        await make_gift(campaign, amount="100000")
        assert await announced() == []
        assert [name for name, _, _ in await events()].count("milestone_deleted") == 1

    async def test_does_not_find_one_of_another_campaign(self) -> None:
        milestone = await make_milestone(await make_campaign())
        other = await make_campaign()
        with pytest.raises(NotFound):
            await campaigns.delete_milestone(OPERATOR, other.id, milestone.id)
