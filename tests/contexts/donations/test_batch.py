"""Many gifts at once: each with its own outcome, counted once, told once for each campaign."""

import asyncio
import random
from typing import Any

import pytest

from financial_live.contexts import campaigns, donations
from financial_live.contexts.donations import Donation, Gift
from financial_live.contexts.donations.models import DonationSource
from financial_live.errors import AppError, Unauthorized
from tests.contexts.factories import (
    GIFT,
    OPERATOR,
    VISITOR,
    events,
    make_campaign,
    make_gift,
    messages,
)


def gift(campaign: Any, external_id: str | None = None, **attrs: Any) -> Gift:
    return Gift(GIFT | attrs, DonationSource.QUEUE, campaign.id, external_id)


async def total(campaign: Any) -> tuple[str, int, int]:
    found = await campaigns.get_campaign(VISITOR, campaign.id)
    return f"{found.total_raised:f}", found.gift_count, found.version


@pytest.mark.usefixtures("database")
class TestGiveMany:
    async def test_counts_all_in_one_version_and_tells_it_once(self) -> None:
        campaign = await make_campaign()
        before = len(await events())
        taken = await donations.give_many(VISITOR, [gift(campaign) for _ in range(50)])
        assert all(isinstance(one, Donation) for one in taken)
        assert await total(campaign) == ("2500000.00", 50, campaign.version + 1)
        [(name, topics, data)] = await events(before)
        assert name == "donations_created"
        assert topics == ["donations", "campaigns", f"campaign:{campaign.id}"]
        assert len(data["donations"]) == 50
        assert {row["version"] for row in data["donations"]} == {campaign.version + 1}

    async def test_the_bad_ones_fail_alone_and_in_their_place(self) -> None:
        campaign = await make_campaign()
        outcomes = await donations.give_many(
            VISITOR,
            [
                gift(campaign),
                gift(campaign, amount="-1"),
                Gift(GIFT, DonationSource.QUEUE, "nowhere"),
                gift(campaign, donor_email="no", donor_name=""),
                gift(campaign, is_test=True),
                gift(campaign, external_id=""),
                gift(campaign),
            ],
        )
        assert [isinstance(one, Donation) for one in outcomes] == [
            True, False, False, False, False, False, True,
        ]  # fmt: skip
        errors = [one for one in outcomes if isinstance(one, AppError)]
        assert messages(errors[0], "amount") == ["must be greater than 0"]
        assert messages(errors[1], "campaign_id") == ["does not exist"]
        assert sorted(errors[2].fields) == ["donor_email", "donor_name"]
        assert isinstance(errors[3], Unauthorized)
        assert messages(errors[4], "external_id") == ["is invalid"]
        assert await total(campaign) == ("100000.00", 2, campaign.version + 1)

    async def test_a_second_gift_of_a_donor_is_refused_where_one_is_allowed(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        await make_gift(campaign, donor_email="first@example.org")
        outcomes = await donations.give_many(
            VISITOR,
            [
                gift(campaign, donor_email="FIRST@example.org"),
                gift(campaign, donor_email="second@example.org"),
                gift(campaign, donor_email="second@example.org"),
            ],
        )
        assert [isinstance(one, Donation) for one in outcomes] == [False, True, False]
        for refused in (outcomes[0], outcomes[2]):
            assert isinstance(refused, AppError)
            assert messages(refused, "donor_email") == ["has already been taken"]
        assert (await total(campaign))[:2] == ("100000.00", 2)

    async def test_what_came_before_is_the_same_gift(self) -> None:
        campaign = await make_campaign()
        [first] = await donations.give_many(VISITOR, [gift(campaign, "order-1")])
        again = await donations.give_many(
            VISITOR,
            [gift(campaign, "order-1"), gift(campaign, "order-2"), gift(campaign, "order-2")],
        )
        ids = [one.id for one in again if isinstance(one, Donation)]
        assert isinstance(first, Donation)
        assert ids[0] == first.id
        assert ids[1] == ids[2]
        assert (await total(campaign))[:2] == ("100000.00", 2)

    async def test_a_batch_that_stores_nothing_changes_and_tells_nothing(self) -> None:
        campaign = await make_campaign()
        before = len(await events())
        await donations.give_many(VISITOR, [gift(campaign, amount="x")])
        await donations.give_many(VISITOR, [])
        assert await events(before) == []
        assert (await total(campaign))[2] == campaign.version

    async def test_gifts_that_wait_for_review_are_stored_and_not_counted(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        [one] = await donations.give_many(VISITOR, [gift(campaign)])
        assert isinstance(one, Donation)
        assert one.status == "pending"
        assert (await total(campaign))[:2] == ("0.00", 0)


@pytest.mark.usefixtures("own_database")
class TestTogether:
    async def test_batches_over_the_same_campaigns_end_exact_and_without_deadlock(self) -> None:
        sources = [await make_campaign() for _ in range(4)]

        async def bring(seed: int) -> None:
            dice = random.Random(seed)
            for number in range(6):
                chosen = [dice.choice(sources) for _ in range(20)]
                await donations.give_many(
                    VISITOR, [gift(c, f"{seed % 3}-{number}-{i}") for i, c in enumerate(chosen)]
                )
                await make_gift(dice.choice(sources))

        await asyncio.gather(*(bring(seed) for seed in range(8)))
        report = await donations.check(OPERATOR)
        assert report.problems == []
        # Three streams of names, brought by eight: each name is one gift.
        assert report.donations == 3 * 6 * 20 + 8 * 6
