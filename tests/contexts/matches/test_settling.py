import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from financial_live.contexts import campaigns, columns, donations, matches
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import DonationSource, Gift
from financial_live.contexts.matches.models import GiftMatch, MatchChallenge
from financial_live.contexts.matches.settling import Share, _after
from financial_live.money import MAX_AMOUNT
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, make_campaign, make_gift, rows

WHY = {"reason": "Given twice"}


async def challenge(campaign: Campaign, **attrs: Any) -> MatchChallenge:
    """Let a sponsor double gifts, up to a hundred rupiah in all."""
    defaults = {"sponsor_name": "PT Maju", "ratio": "1", "cap": "100"}
    return await matches.create_challenge(OPERATOR, campaign.id, defaults | attrs)


async def matched(campaign: Campaign) -> tuple[Any, Any]:
    """Return the matched total, and what all of its challenges say that they have added."""
    found = await campaigns.get_campaign(VISITOR, campaign.id)
    added = [one.matched_amount for one in await matches.list_challenges(VISITOR, campaign.id)]
    return found.matched_total, sum(added, Decimal(0))


async def entries(donation_id: UUID) -> list[tuple[str, Any]]:
    return [
        (kind, amount)
        for kind, amount in await rows(
            "SELECT kind, amount FROM ledger_entry WHERE donation_id = %s"
            " AND challenge_id IS NOT NULL ORDER BY id",
            donation_id,
        )
    ]


@pytest.mark.usefixtures("database")
class TestMatch:
    @pytest.mark.parametrize(
        ("ratio", "amount", "added"),
        [
            ("1", "10", "10"),
            ("0.5", "10.01", "5.00"),
            ("0.01", "0.99", "0"),
            ("0.01", "1", "0.01"),
            ("10", "9.99", "99.90"),
        ],
    )
    async def test_adds_the_ratio_rounded_down_to_the_cent(
        self, ratio: str, amount: str, added: str
    ) -> None:
        campaign = await make_campaign()
        await challenge(campaign, ratio=ratio)
        await make_gift(campaign, amount=amount)
        assert await matched(campaign) == (Decimal(added), Decimal(added))

    async def test_stands_beside_what_was_raised(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign)
        gift = await make_gift(campaign, amount="10")
        found = await campaigns.get_campaign(VISITOR, campaign.id)
        assert (found.total_raised, found.matched_total, found.total) == tuple(
            map(Decimal, (10, 10, 20))
        )
        assert found.gift_count == 1
        assert await entries(gift.id) == [("match", 10)]

    async def test_the_last_gift_gets_what_the_cap_still_allows(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign)
        gifts = [await make_gift(campaign, amount=amount) for amount in ("60", "60.01", "1")]
        assert [await entries(gift.id) for gift in gifts] == [
            [("match", 60)],
            [("match", 40)],
            [],
        ]
        assert await matched(campaign) == (100, 100)

    async def test_several_challenges_match_a_gift_side_by_side(self) -> None:
        campaign = await make_campaign()
        for ratio, cap in (("1", "100"), ("0.5", "3"), ("2", "1000")):
            await challenge(campaign, ratio=ratio, cap=cap)
        gift = await make_gift(campaign, amount="10")
        assert await entries(gift.id) == [("match", 10), ("match", 3), ("match", 20)]
        assert await matched(campaign) == (33, 33)

    async def test_only_gifts_given_in_its_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        campaign, now = await make_campaign(), columns.now()
        times = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=2)}
        await challenge(campaign, **times)
        # The first moment is in it, the last is not.
        for minutes, added in ((59, 0), (60, 1), (119, 2), (120, 2)):
            moment = now + timedelta(minutes=minutes)
            monkeypatch.setattr(columns, "now", lambda moment=moment: moment)
            await make_gift(campaign, amount="1")
            assert await matched(campaign) == (added, added)

    async def test_a_gift_of_its_time_is_matched_when_it_is_approved_later(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign, now = await make_campaign(review_policy="manual"), columns.now()
        await challenge(campaign, ends_at=now + timedelta(hours=1))
        gift = await make_gift(campaign, amount="10")
        assert await matched(campaign) == (0, 0)
        monkeypatch.setattr(columns, "now", lambda: now + timedelta(hours=9))
        await donations.approve(OPERATOR, gift.id)
        assert await matched(campaign) == (10, 10)

    async def test_neither_what_counted_before_nor_tests_nor_what_is_rejected(self) -> None:
        campaign = await make_campaign(dual_approval_from="50")
        await make_gift(campaign, amount="10")
        await challenge(campaign)
        await make_gift(campaign, OPERATOR, amount="10", is_test=True)
        gift = await make_gift(campaign, amount="60")
        await donations.reject(OPERATOR, gift.id, WHY)
        assert await matched(campaign) == (0, 0)

    async def test_all_gifts_of_a_batch_in_their_order(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign)
        gifts = [
            Gift(GIFT | {"amount": amount}, DonationSource.QUEUE, campaign.id)
            for amount in ("70", "0.01", "70")
        ]
        taken = await donations.give_many(VISITOR, gifts)
        added = [await entries(one.id) for one in taken if isinstance(one, donations.Donation)]
        assert added == [
            [("match", 70)],
            [("match", Decimal("0.01"))],
            [("match", Decimal("29.99"))],
        ]
        assert await matched(campaign) == (100, 100)


@pytest.mark.usefixtures("database")
class TestRefund:
    async def test_takes_back_the_same_part_and_what_remains_is_rounded_down(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign)
        gift = await make_gift(campaign, amount="10")
        for part, left in (("3.33", "6.67"), ("3.33", "3.34"), ("3.34", "0")):
            await donations.refund(OPERATOR, gift.id, WHY | {"amount": part})
            assert await matched(campaign) == (Decimal(left), Decimal(left))

    async def test_in_thirds_of_what_was_matched_in_part(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign, cap="1")
        gift = await make_gift(campaign, amount="3")
        for left in ("0.66", "0.33", "0"):
            await donations.refund(OPERATOR, gift.id, WHY | {"amount": "1"})
            assert await matched(campaign) == (Decimal(left), Decimal(left))

    async def test_what_it_gives_back_is_there_for_later_gifts(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign)
        gift = await make_gift(campaign, amount="100")
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "30"})
        later = await make_gift(campaign, amount="50")
        assert await entries(later.id) == [("match", 30)]
        assert await matched(campaign) == (100, 100)

    async def test_its_undoing_takes_only_what_others_have_left(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign)
        gift = await make_gift(campaign, amount="100")
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "50"})
        await make_gift(campaign, amount="20")
        await donations.undo(OPERATOR, gift.id)
        kinds = [("match", 100), ("match_returned", 50), ("match", 30)]
        assert await entries(gift.id) == kinds
        assert await matched(campaign) == (100, 100)

    async def test_never_adds_to_a_match(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign)
        gift = await make_gift(campaign, amount="100")
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "50"})
        other = await make_gift(campaign, amount="50")
        await donations.undo(OPERATOR, gift.id)
        await donations.refund(OPERATOR, other.id, WHY)
        assert await matched(campaign) == (50, 50)
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "1"})
        assert await matched(campaign) == (50, 50)

    async def test_after_a_cancellation_gives_back_and_its_undoing_brings_nothing(self) -> None:
        campaign = await make_campaign()
        made = await challenge(campaign)
        gift = await make_gift(campaign, amount="10")
        await matches.cancel_challenge(OPERATOR, campaign.id, made.id)
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "5"})
        assert await matched(campaign) == (5, 5)
        await donations.undo(OPERATOR, gift.id)
        assert await matched(campaign) == (5, 5)


@pytest.mark.usefixtures("database")
class TestUndoOfAnApproval:
    async def test_gives_all_back_and_another_approval_begins_anew(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        await challenge(campaign)
        gift = await make_gift(campaign, amount="80")
        other = await make_gift(campaign, amount="100")
        await donations.approve(OPERATOR, gift.id)
        await donations.undo(OPERATOR, gift.id)
        assert await matched(campaign) == (0, 0)
        await donations.approve(OPERATOR, other.id)
        # The cap is used up, so nothing is granted now; nor later, when some of it is free.
        await donations.approve(OPERATOR, gift.id)
        await donations.refund(OPERATOR, other.id, WHY)
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "1"})
        await donations.undo(OPERATOR, gift.id)
        assert await matched(campaign) == (0, 0)
        assert (await rows("SELECT sum(granted) FROM gift_match")) == [(100,)]


class TestExactness:
    """Amounts as large as the columns hold are matched to the cent."""

    def after(self, granted: Decimal, kept: Decimal, *, counted: Decimal = MAX_AMOUNT) -> Decimal:
        donation_id, challenge_id = uuid4(), uuid4()
        one = MatchChallenge(
            id=challenge_id,
            campaign_id=uuid4(),
            sponsor_name="PT Maju",
            ratio=Decimal(1),
            cap=MAX_AMOUNT,
            starts_at=columns.now(),
        )
        match = GiftMatch(
            donation_id=donation_id, challenge_id=challenge_id, granted=granted, amount=Decimal(0)
        )
        found = _after(one, Share(donation_id, columns.now(), counted, kept), match)
        assert found is not None
        return found.amount

    def test_all_of_a_gift_is_all_of_its_grant(self) -> None:
        counted = MAX_AMOUNT - Decimal("0.02")
        assert self.after(MAX_AMOUNT, counted, counted=counted) == MAX_AMOUNT

    def test_a_cent_less_is_a_cent_less(self) -> None:
        cent = Decimal("0.01")
        assert self.after(MAX_AMOUNT, MAX_AMOUNT - cent) == MAX_AMOUNT - cent
        assert self.after(MAX_AMOUNT, cent) == cent
        assert self.after(cent, MAX_AMOUNT - cent) == 0


@pytest.mark.usefixtures("own_database")
class TestAtOnce:
    async def test_the_cap_is_reached_exactly_and_never_passed(self) -> None:
        campaign = await make_campaign()
        await challenge(campaign, cap="100.01")
        await challenge(campaign, ratio="0.3", cap="1000")
        await asyncio.gather(*(make_gift(campaign, amount="7.77") for _ in range(40)))
        first, second = await matches.list_challenges(VISITOR, campaign.id)
        assert (first.matched_amount, first.remaining) == (Decimal("100.01"), Decimal(0))
        assert second.remaining == 1000 - 40 * Decimal("2.33")
        assert (await donations.check(OPERATOR)).problems == []

    async def test_what_comes_and_goes_is_exact_while_challenges_are_made_and_cancelled(
        self,
    ) -> None:
        campaign = await make_campaign()
        gifts = [await make_gift(campaign, amount="9.99") for _ in range(6)]
        made = [await challenge(campaign, ratio="1", cap="50") for _ in range(2)]
        gifts += [await make_gift(campaign, amount="10.01") for _ in range(6)]
        await asyncio.gather(
            *(make_gift(campaign, amount="3.33") for _ in range(12)),
            *(donations.refund(OPERATOR, one.id, WHY | {"amount": "3.33"}) for one in gifts),
            *(challenge(campaign, ratio="0.33", cap="5") for _ in range(2)),
            matches.cancel_challenge(OPERATOR, campaign.id, made[0].id),
        )
        assert (await donations.check(OPERATOR)).problems == []
