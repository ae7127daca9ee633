"""The queue of those who review gifts: whose gifts are in it, which of them, and in which order."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign, CampaignMember, CampaignRole
from financial_live.contexts.donations import Donation
from financial_live.errors import Invalid, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign, make_gift, messages
from tests.contexts.people import make_user, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")


async def make_reviewer(**places: Campaign) -> Scope:
    """Return somebody with a place in the teams of these campaigns."""
    user = await make_user("reviewer@example.org")
    async with db.transaction() as session:
        for role, campaign in places.items():
            session.add(
                CampaignMember(campaign_id=campaign.id, user_id=user.id, role=CampaignRole(role))
            )
    return Scope.user(user.id)


async def make_queue(**attrs: Any) -> Campaign:
    return await make_campaign(review_policy="manual", **attrs)


def names(gifts: Sequence[Donation]) -> list[str]:
    return [gift.donor_name for gift in gifts]


async def listed(scope: Scope = OPERATOR, **asked: Any) -> list[str]:
    return names((await donations.review_queue(scope, **asked)).items)


class TestReviewQueue:
    async def test_holds_what_waits_in_the_campaigns_that_the_caller_reviews(self) -> None:
        viewed, reviewed, owned, other = [await make_queue() for _ in range(4)]
        for name, campaign in zip("ABCD", (viewed, reviewed, owned, other), strict=True):
            await make_gift(campaign, donor_name=name)
        scope = await make_reviewer(viewer=viewed, reviewer=reviewed, owner=owned)

        assert await listed(scope) == ["B", "C"]
        assert await listed(OPERATOR) == ["A", "B", "C", "D"]
        assert await listed(scope, campaign_id=other.id) == []
        assert await listed(scope, campaign_id=owned.id) == ["C"]

    async def test_is_empty_for_who_reviews_nothing_and_closed_to_strangers(self) -> None:
        await make_gift(await make_queue())
        assert await listed(await make_reviewer()) == []
        with pytest.raises(Unauthorized):
            await donations.review_queue(VISITOR)

    async def test_leaves_tests_out_whatever_is_asked_for(self) -> None:
        campaign = await make_queue()
        await make_gift(campaign, OPERATOR, donor_name="Test", is_test=True)
        await make_gift(campaign, donor_name="Real")
        assert await listed() == await listed(status=None) == ["Real"]

    async def test_finds_gifts_of_one_status_or_of_all(self) -> None:
        campaign = await make_queue()
        approved, rejected, _ = [await make_gift(campaign, donor_name=one) for one in "ARP"]
        await donations.approve(OPERATOR, approved.id)
        await donations.reject(OPERATOR, rejected.id, {"reason": "Not a gift"})

        assert await listed() == ["P"]
        assert await listed(status="approved") == ["A"]
        assert await listed(status="rejected") == ["R"]
        assert await listed(status=None) == ["A", "R", "P"]

    async def test_finds_what_one_person_has_approved_and_a_second_must(self) -> None:
        campaign = await make_queue(dual_approval_from="40000")
        first, _ = [await make_gift(campaign, donor_name=one) for one in "AB"]
        await donations.approve(OPERATOR, first.id)
        assert await listed(needs_second=True) == ["A"]

    async def test_finds_what_is_worth_so_much_in_the_campaigns_currency(self) -> None:
        campaign = await make_queue()
        for amount in ("49999.99", "50000", "50000.01"):
            await make_gift(campaign, donor_name=amount, amount=amount)
        assert await listed(least=Decimal(50000)) == ["50000", "50000.01"]

    async def test_orders_by_time_or_by_worth_currency_after_currency(self) -> None:
        rupiah, dollars = await make_queue(), await make_queue(currency="USD")
        for amount in ("100", "300", "200"):
            await make_gift(rupiah, donor_name=f"IDR {amount}", amount=amount)
        await make_gift(dollars, donor_name="USD 250", amount="250", currency="USD")

        oldest = ["IDR 100", "IDR 300", "IDR 200", "USD 250"]
        assert await listed(order="oldest") == oldest
        assert await listed(order="newest") == oldest[::-1]
        assert await listed(order="largest") == ["IDR 300", "IDR 200", "IDR 100", "USD 250"]

    async def test_comes_in_pages_with_the_number_of_all(self) -> None:
        campaign = await make_queue()
        for name in "ABC":
            await make_gift(campaign, donor_name=name)
        page = await donations.review_queue(OPERATOR, order="largest", page=2, per_page=2)
        assert (names(page.items), page.total, page.pages) == (["C"], 3, 2)

    async def test_names_every_parameter_that_is_wrong(self) -> None:
        with pytest.raises(Invalid) as caught:
            await donations.review_queue(OPERATOR, status="x", order="x", page=0, per_page=101)
        assert {*caught.value.fields} == {"status", "order", "page", "per_page"}
        assert messages(caught.value, "order") == ["is invalid: use one of oldest, newest, largest"]


class TestWaiting:
    async def test_counts_what_waits_by_campaign_tests_left_out(self) -> None:
        viewed, reviewed, other = [await make_queue(name=one) for one in ("V", "R", "A")]
        quiet = await make_queue(name="Quiet")
        for campaign in (viewed, reviewed, reviewed, other):
            await make_gift(campaign)
        await make_gift(reviewed, OPERATOR, is_test=True)
        scope = await make_reviewer(viewer=viewed, reviewer=reviewed, owner=quiet)

        [found] = await donations.waiting(scope)
        assert (found.campaign_id, found.slug, found.name) == (reviewed.id, reviewed.slug, "R")
        assert (found.currency, found.gifts) == ("IDR", 2)
        assert [one.name for one in await donations.waiting(OPERATOR)] == ["A", "R", "V"]

    async def test_is_for_who_is_logged_in(self) -> None:
        with pytest.raises(Unauthorized):
            await donations.waiting(VISITOR)


class TestIsReviewer:
    @pytest.mark.parametrize(
        ("role", "reviews"), [("viewer", False), ("reviewer", True), ("owner", True)]
    )
    async def test_is_whoever_may_approve_somewhere(self, role: str, reviews: bool) -> None:
        scope = await make_reviewer(**{role: await make_queue()})
        assert await donations.is_reviewer(scope) is reviews

    async def test_is_every_admin_and_no_stranger(self) -> None:
        admin = await make_user("admin@example.org", role="admin")
        assert await donations.is_reviewer(Scope.user(admin.id, role=Role.ADMIN))
        assert not await donations.is_reviewer(VISITOR)

    async def test_is_nobody_who_has_lost_their_place(self) -> None:
        campaign = await make_queue()
        scope = await make_reviewer(reviewer=campaign)
        assert scope.user_id is not None
        await campaigns.remove_member(OPERATOR, campaign.id, scope.user_id)
        assert not await donations.is_reviewer(scope)
