import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from financial_live.contexts import campaigns, columns, donations, exchange_rates, matches
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation
from financial_live.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from financial_live.money import MAX_AMOUNT
from financial_live.scope import Scope
from tests.contexts.factories import (
    OPERATOR,
    VISITOR,
    events,
    make_campaign,
    make_gift,
    refused,
    rows,
)
from tests.contexts.people import make_admin, make_user, quick_hashes

__all__ = ["quick_hashes"]

WHY = {"reason": "Given twice"}


async def totals(campaign: Campaign) -> tuple[Any, int]:
    found = await campaigns.get_campaign(VISITOR, campaign.id)
    return found.total_raised, found.gift_count


async def waiting(**attrs: Any) -> Donation:
    """Give to a campaign whose gifts wait for somebody."""
    return await make_gift(await make_campaign(review_policy="manual", **attrs))


async def large() -> Donation:
    """Give so much that two people must approve it."""
    return await waiting(dual_approval_from="50000")


async def reload(gift: Donation) -> Donation:
    return await donations.get_donation(OPERATOR, gift.id)


def standing(gift: Donation) -> tuple[Any, ...]:
    return str(gift.status), gift.counted_amount, gift.refunded_amount, gift.first_approver


@pytest.mark.usefixtures("database", "quick_hashes")
class TestApprove:
    async def test_a_gift_that_waits_counts_from_now_on(self) -> None:
        gift = await waiting()
        approved = await donations.approve(OPERATOR, gift.id)
        assert standing(approved) == ("approved", 50_000, 0, None)
        assert await totals(gift.campaign) == (50_000, 1)

    async def test_is_told_with_the_campaign_as_it_is_after(self) -> None:
        gift = await waiting()
        before = len(await events())
        approved = await donations.approve(OPERATOR, gift.id)
        [(name, topics, data)] = await events(before)
        assert name == "donation_approved"
        assert topics == ["donations", "campaigns", f"campaign:{gift.campaign_id}"]
        assert data["donation"] == donations.row(approved)
        after = await campaigns.get_campaign(VISITOR, gift.campaign_id)
        assert data["campaign"] == campaigns.summary(after)
        assert approved.version == after.version == gift.version + 1

    async def test_who_comes_second_hears_who_was_first_and_when(self) -> None:
        gift, ana, budi = await waiting(), await make_admin("Ana"), await make_admin("Budi")
        approved = await donations.approve(ana, gift.id)
        start = f"This gift is approved already: Ana did it at {approved.updated_at:%H:%M}"
        for call in (donations.approve(budi, gift.id), donations.reject(budi, gift.id, WHY)):
            error = await refused(Conflict, call)
            assert error.message.startswith(start)
        assert await totals(gift.campaign) == (50_000, 1)

    async def test_who_hid_or_edited_it_since_is_not_who_approved_it(self) -> None:
        gift, ana, budi = await waiting(), await make_admin("Ana"), await make_admin("Budi")
        await donations.approve(ana, gift.id)
        await donations.hide(budi, gift.id)
        await donations.update_donation(budi, gift.id, {"message": "x"})
        error = await refused(Conflict, donations.approve(budi, gift.id))
        assert "Ana did it" in error.message

    async def test_one_that_counted_at_once_was_approved_by_nobody(self) -> None:
        gift = await make_gift(await make_campaign())
        await donations.hide(OPERATOR, gift.id)
        error = await refused(Conflict, donations.approve(OPERATOR, gift.id))
        assert error.message == "This gift is approved already."

    @pytest.mark.parametrize("act", ["approve", "reject", "refund"])
    async def test_what_has_changed_since_it_was_seen_is_stale(self, act: str) -> None:
        gift = await waiting()
        await donations.update_donation(OPERATOR, gift.id, {"amount": "60000"})
        before = standing(await reload(gift))
        calls = {
            "approve": lambda: donations.approve(OPERATOR, gift.id, version=gift.version),
            "reject": lambda: donations.reject(OPERATOR, gift.id, WHY, version=gift.version),
            "refund": lambda: donations.refund(OPERATOR, gift.id, WHY, version=gift.version),
        }
        await refused(Stale, calls[act]())
        assert standing(await reload(gift)) == before

    async def test_what_is_as_it_was_seen_is_not(self) -> None:
        gift = await waiting()
        assert (await donations.approve(OPERATOR, gift.id, version=gift.version)).is_counted

    async def test_a_test_gift_is_approved_and_never_counts(self) -> None:
        campaign = await make_campaign(review_policy="manual", dual_approval_from="1")
        gift = await make_gift(campaign, OPERATOR, is_test=True)
        approved = await donations.approve(OPERATOR, gift.id)
        assert standing(approved) == ("approved", None, 0, None)
        assert await totals(campaign) == (0, 0)
        await refused(Conflict, donations.refund(OPERATOR, gift.id, WHY))
        undone = await donations.undo(OPERATOR, gift.id)
        assert standing(undone) == ("pending", None, 0, None)

    async def test_what_is_no_gift_is_not_found(self) -> None:
        for unknown in (uuid4(), "x", "\x00"):
            await refused(NotFound, donations.approve(OPERATOR, unknown))

    async def test_rights_are_asked_when_it_is_done(self) -> None:
        gift = await waiting()
        user = await make_user("rini@example.org")
        await campaigns.invite(OPERATOR, gift.campaign_id, "rini@example.org", "reviewer")
        [(invitation,)] = await rows("SELECT id FROM campaign_invitation")
        _, token = await campaigns.issue_invitation(OPERATOR, invitation)
        rini = Scope.user(user.id, is_verified=True)
        await campaigns.accept_invitation(rini, token)
        await donations.hide(rini, gift.id)
        await campaigns.change_member_role(OPERATOR, gift.campaign_id, user.id, "viewer")
        await refused(Forbidden, donations.approve(rini, gift.id))
        await campaigns.remove_member(OPERATOR, gift.campaign_id, user.id)
        # The gift waits, so those outside the team do not even learn that it is there.
        await refused(NotFound, donations.approve(rini, gift.id))


@pytest.mark.usefixtures("database", "quick_hashes")
class TestTwoPeople:
    async def test_the_first_is_written_down_and_the_second_lets_it_count(self) -> None:
        gift, ana, budi = await large(), await make_admin("Ana"), await make_admin("Budi")
        before = len(await events())
        endorsed = await donations.approve(ana, gift.id)
        assert standing(endorsed) == ("pending", None, 0, ana.caller)
        assert await totals(gift.campaign) == (0, 0)
        approved = await donations.approve(budi, gift.id)
        assert standing(approved) == ("approved", 50_000, 0, None)
        assert await totals(gift.campaign) == (50_000, 1)
        told = [name for name, _, _ in await events(before)]
        assert told == ["donation_endorsed", "donation_approved"]

    async def test_nobody_is_two_people(self) -> None:
        gift, ana = await large(), await make_admin("Ana")
        await donations.approve(ana, gift.id)
        for same in (ana, ana.at("198.51.100.9")):
            error = await refused(Conflict, donations.approve(same, gift.id))
            assert "a second person must approve it" in error.message
        assert await totals(gift.campaign) == (0, 0)

    @pytest.mark.parametrize(("amount", "waits"), [("49999.99", False), ("50000", True)])
    @pytest.mark.parametrize("policy", ["manual", "automatic"])
    async def test_is_needed_from_the_limit_on(self, amount: str, waits: bool, policy: str) -> None:
        campaign = await make_campaign(review_policy=policy, dual_approval_from="50000")
        gift = await make_gift(campaign, amount=amount)
        assert gift.is_counted is (policy == "automatic" and not waits)
        if not gift.is_counted:
            assert (await donations.approve(OPERATOR, gift.id)).is_counted is not waits

    async def test_a_gift_in_another_currency_is_measured_by_its_worth(self) -> None:
        await exchange_rates.set_rate(OPERATOR, USD)
        campaign = await make_campaign(dual_approval_from="150000")
        small = await make_gift(campaign, amount="9.99", currency="USD")
        large = await make_gift(campaign, amount="10", currency="USD")
        assert (small.is_counted, large.is_counted) == (True, False)

    async def test_another_amount_needs_both_again(self) -> None:
        gift, ana, budi = await large(), await make_admin("Ana"), await make_admin("Budi")
        await donations.approve(ana, gift.id)
        await donations.update_donation(ana, gift.id, {"amount": "90000000"})
        assert standing(await donations.approve(budi, gift.id)) == ("pending", None, 0, budi.caller)
        assert (await donations.approve(ana, gift.id)).counted_amount == 90_000_000

    async def test_another_message_leaves_what_the_first_has_approved(self) -> None:
        gift, ana, budi = await large(), await make_admin("Ana"), await make_admin("Budi")
        await donations.approve(ana, gift.id)
        await donations.update_donation(budi, gift.id, {"message": "x"})
        assert (await donations.approve(budi, gift.id)).is_counted

    async def test_either_may_still_reject_it(self) -> None:
        gift, ana = await large(), await make_admin("Ana")
        await donations.approve(ana, gift.id)
        rejected = await donations.reject(ana, gift.id, WHY)
        assert standing(rejected) == ("rejected", None, 0, None)
        assert standing(await donations.undo(ana, gift.id)) == ("pending", None, 0, ana.caller)

    async def test_each_takes_back_what_they_have_done_themselves(self) -> None:
        gift, ana, budi = await large(), await make_admin("Ana"), await make_admin("Budi")
        await donations.approve(ana, gift.id)
        await refused(Conflict, donations.undo(budi, gift.id))
        await donations.approve(budi, gift.id)
        await refused(Conflict, donations.undo(ana, gift.id))
        assert standing(await donations.undo(budi, gift.id)) == ("pending", None, 0, ana.caller)
        assert await totals(gift.campaign) == (0, 0)

    async def test_the_first_word_is_taken_back(self) -> None:
        gift, ana = await large(), await make_admin("Ana")
        await donations.approve(ana, gift.id)
        assert standing(await donations.undo(ana, gift.id)) == ("pending", None, 0, None)


@pytest.mark.usefixtures("database", "quick_hashes")
class TestReject:
    async def test_it_will_not_count(self) -> None:
        gift = await waiting()
        before = len(await events())
        rejected = await donations.reject(OPERATOR, gift.id, WHY)
        assert standing(rejected) == ("rejected", None, 0, None)
        assert await totals(gift.campaign) == (0, 0)
        [(name, _, data)] = await events(before)
        assert (name, data["donation"]) == ("donation_rejected", donations.row(rejected))
        await refused(Conflict, donations.approve(OPERATOR, gift.id))

    @pytest.mark.parametrize("reason", [None, "", " ", 5, "x" * 501, "a\x00"])
    async def test_needs_a_reason(self, reason: object) -> None:
        gift = await waiting()
        error = await refused(Invalid, donations.reject(OPERATOR, gift.id, {"reason": reason}))
        assert error.fields.keys() == {"reason"}
        assert (await reload(gift)).status == "pending"

    async def test_lets_the_donor_give_again_where_one_gift_is_allowed(self) -> None:
        gift = await waiting(one_gift_per_donor=True)
        await refused(Invalid, make_gift(gift.campaign))
        await donations.reject(OPERATOR, gift.id, WHY)
        assert (await make_gift(gift.campaign)).status == "pending"


@pytest.mark.usefixtures("database", "quick_hashes")
class TestRefund:
    async def test_is_whole_where_no_amount_is_named(self) -> None:
        gift = await make_gift(await make_campaign())
        before = len(await events())
        refunded = await donations.refund(OPERATOR, gift.id, WHY)
        assert standing(refunded) == ("refunded", 50_000, 50_000, None)
        # It was given once, so it stays one of the counted gifts.
        assert await totals(gift.campaign) == (0, 1)
        [(name, _, data)] = await events(before)
        assert (name, data["donation"]) == ("donation_refunded", donations.row(refunded))

    async def test_parts_are_given_back_until_nothing_is_left(self) -> None:
        gift = await make_gift(await make_campaign(), amount="100")
        for number, part in enumerate(["33.33", "33.33", "33.34"], start=1):
            refunded = await donations.refund(OPERATOR, gift.id, WHY | {"amount": part})
            assert refunded.status == ("refunded" if number == 3 else "approved")
        assert await totals(gift.campaign) == (0, 1)
        error = await refused(Conflict, donations.refund(OPERATOR, gift.id, WHY))
        assert "given back already" in error.message

    @pytest.mark.parametrize("part", ["0.01", "9999999999999.98"])
    async def test_is_exact_at_the_bounds(self, part: str) -> None:
        gift = await make_gift(await make_campaign(), amount=str(MAX_AMOUNT))
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": part})
        assert await totals(gift.campaign) == (MAX_AMOUNT - Decimal(part), 1)
        await donations.refund(OPERATOR, gift.id, WHY)
        assert await totals(gift.campaign) == (0, 1)

    async def test_gives_back_no_more_than_is_left(self) -> None:
        gift = await make_gift(await make_campaign())
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "20000"})
        call = donations.refund(OPERATOR, gift.id, WHY | {"amount": "30000.01"})
        error = await refused(Invalid, call)
        assert error.fields == {
            "amount": ["must be at most Rp\u00a030.000, which is what is left of the gift"]
        }
        assert await totals(gift.campaign) == (30_000, 1)

    @pytest.mark.parametrize("amount", ["0", "-1", "1e3", 0.1, "x", "0.001"])
    async def test_needs_an_amount_that_is_one(self, amount: object) -> None:
        gift = await make_gift(await make_campaign())
        call = donations.refund(OPERATOR, gift.id, WHY | {"amount": amount})
        assert (await refused(Invalid, call)).fields.keys() == {"amount"}

    async def test_what_does_not_count_is_not_given_back(self) -> None:
        gift = await waiting()
        await refused(Conflict, donations.refund(OPERATOR, gift.id, WHY))
        await donations.reject(OPERATOR, gift.id, WHY)
        error = await refused(Conflict, donations.refund(OPERATOR, gift.id, WHY))
        assert error.message == "This gift is rejected, so there is nothing to give back."


@pytest.mark.usefixtures("database", "quick_hashes")
class TestUndo:
    async def test_an_approval(self) -> None:
        gift = await waiting()
        await donations.approve(OPERATOR, gift.id)
        before = len(await events())
        undone = await donations.undo(OPERATOR, gift.id)
        assert standing(undone) == standing(gift)
        assert await totals(gift.campaign) == (0, 0)
        [(name, _, data)] = await events(before)
        assert (name, data["donation"]) == ("donation_undone", donations.row(undone))

    async def test_a_refund_leaves_what_was_refunded_before(self) -> None:
        gift = await make_gift(await make_campaign())
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "20000"})
        await donations.refund(OPERATOR, gift.id, WHY)
        undone = await donations.undo(OPERATOR, gift.id)
        assert standing(undone) == ("approved", 50_000, 20_000, None)
        assert await totals(gift.campaign) == (30_000, 1)

    async def test_a_rejection_unless_the_donor_has_given_again(self) -> None:
        gift = await waiting(one_gift_per_donor=True)
        await donations.reject(OPERATOR, gift.id, WHY)
        again = await make_gift(gift.campaign)
        error = await refused(Invalid, donations.undo(OPERATOR, gift.id))
        assert error.fields == {"donor_email": ["has already been taken"]}
        assert (await reload(gift)).status == "rejected"
        await donations.delete_donation(OPERATOR, again.id)
        assert (await donations.undo(OPERATOR, gift.id)).status == "pending"

    async def test_only_by_who_did_it(self) -> None:
        gift, ana, budi = await waiting(), await make_admin("Ana"), await make_admin("Budi")
        await donations.approve(ana, gift.id)
        error = await refused(Conflict, donations.undo(budi, gift.id))
        assert error.message.startswith("Only Ana can undo this: they acted last, at ")

    async def test_only_within_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gift = await waiting()
        await donations.approve(OPERATOR, gift.id)
        [done] = await donations.history(OPERATOR, gift.id)
        moment = done.at
        late = moment + donations.UNDO_WITHIN + timedelta(seconds=1)
        monkeypatch.setattr(columns, "now", lambda: late)
        error = await refused(Conflict, donations.undo(OPERATOR, gift.id))
        assert error.message.startswith("It is too late to undo this")
        assert await totals(gift.campaign) == (50_000, 1)
        monkeypatch.setattr(columns, "now", lambda: moment + donations.UNDO_WITHIN)
        assert (await donations.undo(OPERATOR, gift.id)).status == "pending"

    async def test_hiding_between_is_beside_it(self) -> None:
        gift, ana, budi = await waiting(), await make_admin("Ana"), await make_admin("Budi")
        await donations.approve(ana, gift.id)
        await donations.hide(budi, gift.id)
        undone = await donations.undo(ana, gift.id)
        assert (undone.status, undone.is_hidden) == ("pending", True)

    async def test_nothing_twice_and_nothing_that_nobody_did(self) -> None:
        gift = await waiting()
        await refused(Conflict, donations.undo(OPERATOR, gift.id))
        await donations.approve(OPERATOR, gift.id)
        await donations.undo(OPERATOR, gift.id)
        await refused(Conflict, donations.undo(OPERATOR, gift.id))
        assert await totals(gift.campaign) == (0, 0)

    async def test_what_was_undone_is_reviewed_like_any_other(self) -> None:
        gift = await waiting()
        for _ in range(3):
            await donations.approve(OPERATOR, gift.id)
            await donations.undo(OPERATOR, gift.id)
        await donations.reject(OPERATOR, gift.id, WHY)
        error = await refused(Conflict, donations.delete_donation(OPERATOR, gift.id))
        assert "in the ledger" in error.message


@pytest.mark.usefixtures("database", "quick_hashes")
class TestReviewMany:
    async def test_each_by_itself_in_their_order(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        gifts = [await make_gift(campaign) for _ in range(3)]
        await donations.reject(OPERATOR, gifts[1].id, WHY)
        ids: list[UUID | str] = [gifts[0].id, gifts[1].id, str(gifts[2].id), "x", gifts[0].id]
        found = await donations.review_many(OPERATOR, "approve", ids)
        kinds = [type(one) for one in found]
        assert kinds == [Donation, Conflict, Donation, NotFound, Conflict]
        assert await totals(campaign) == (100_000, 2)

    async def test_every_act_with_what_it_needs(self) -> None:
        gift = await waiting()
        for act, status in (
            ("approve", "approved"),
            ("hide", "approved"),
            ("show", "approved"),
            ("undo", "pending"),
            ("reject", "rejected"),
            ("undo", "pending"),
            ("approve", "approved"),
            ("refund", "refunded"),
        ):
            [one] = await donations.review_many(OPERATOR, act, [gift.id], WHY)
            assert isinstance(one, Donation)
            assert one.status == status
        assert await totals(gift.campaign) == (0, 1)

    async def test_what_an_act_lacks_is_said_for_each(self) -> None:
        gifts = [await waiting(), await waiting()]
        found = await donations.review_many(OPERATOR, "reject", [one.id for one in gifts])
        assert [one.fields for one in found if isinstance(one, Invalid)] == [
            {"reason": ["can't be blank"]}
        ] * 2

    @pytest.mark.parametrize(
        ("act", "count", "wrong"),
        [("approve", 0, {"ids"}), ("approve", 101, {"ids"}), ("endorse", 0, {"act", "ids"})],
    )
    async def test_is_for_one_to_a_hundred_and_for_these_acts(
        self, act: str, count: int, wrong: set[str]
    ) -> None:
        call = donations.review_many(OPERATOR, act, ["x"] * count)
        assert (await refused(Invalid, call)).fields.keys() == wrong


@pytest.mark.usefixtures("own_database", "quick_hashes")
class TestAtOnce:
    """Whoever acts at the same time: one is first, the others are told, and the rows agree."""

    async def test_one_of_many_who_approve_and_reject_is_first(self) -> None:
        admins = [await make_admin(f"Admin{number}") for number in range(4)]
        gifts = [await waiting() for _ in range(5)]
        for gift in gifts:
            found = await asyncio.gather(
                *(donations.approve(one, gift.id) for one in admins),
                *(donations.reject(one, gift.id, WHY) for one in admins),
                return_exceptions=True,
            )
            assert sum(isinstance(one, Donation) for one in found) == 1
            assert sum(type(one) is Conflict for one in found) == 7
        assert (await donations.check(OPERATOR)).problems == []

    async def test_two_who_approve_a_large_one_are_two_however_often_they_ask(self) -> None:
        ana, budi = await make_admin("Ana"), await make_admin("Budi")
        for _ in range(5):
            gift = await large()
            alone = await asyncio.gather(
                *(donations.approve(ana, gift.id) for _ in range(4)), return_exceptions=True
            )
            assert sum(isinstance(one, Donation) for one in alone) == 1
            assert not (await reload(gift)).is_counted
            await donations.undo(ana, gift.id)
            both = await asyncio.gather(
                *(donations.approve(one, gift.id) for one in (ana, budi) * 3),
                return_exceptions=True,
            )
            assert sum(isinstance(one, Donation) for one in both) == 2
            assert await totals(gift.campaign) == (50_000, 1)

    async def test_review_edit_move_and_delete_leave_the_rows_in_agreement(self) -> None:
        target = await make_campaign(review_policy="manual", dual_approval_from="70000")
        await matches.create_challenge(
            OPERATOR, target.id, {"sponsor_name": "PT Maju", "ratio": "0.5", "cap": "60000"}
        )
        gifts = [await waiting() for _ in range(8)]
        ana, budi = await make_admin("Ana"), await make_admin("Budi")

        def acts(gift: Donation) -> list[Awaitable[Donation]]:
            move = {"campaign_id": target.id}
            return [
                donations.approve(ana, gift.id),
                donations.update_donation(budi, gift.id, {"amount": "70000"}),
                donations.update_donation(budi, gift.id, move),
                donations.delete_donation(ana, gift.id),
                donations.reject(budi, gift.id, WHY),
                donations.undo(ana, gift.id),
                donations.refund(budi, gift.id, WHY | {"amount": "33.33"}),
                donations.hide(ana, gift.id),
            ]

        found = await asyncio.gather(
            *(act for gift in gifts for act in acts(gift)), return_exceptions=True
        )
        assert {type(one) for one in found} <= {Donation, Conflict, NotFound}
        assert (await donations.check(OPERATOR)).problems == []

    async def test_parts_of_one_gift_never_make_more_than_it(self) -> None:
        gift = await make_gift(await make_campaign(), amount="100")
        found = await asyncio.gather(
            *(donations.refund(OPERATOR, gift.id, WHY | {"amount": "33.34"}) for _ in range(8)),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in found) == ["Donation"] * 2 + ["Invalid"] * 6
        assert await totals(gift.campaign) == (Decimal("33.32"), 1)
        assert (await donations.check(OPERATOR)).problems == []


USD = {
    "base_currency": "USD",
    "quote_currency": "IDR",
    "rate": "15000",
    "as_of": "2026-01-01",
    "source": "the treasurer",
}
