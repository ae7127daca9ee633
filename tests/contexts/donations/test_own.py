"""Gifts of one's own: which they are, and what their donors hide afterwards."""

from typing import Any

import pytest

from financial_live.contexts import campaigns, donations
from financial_live.contexts.donations import Donation
from financial_live.errors import AppError, Forbidden, Invalid, NotFound, Unauthorized
from financial_live.scope import Scope
from tests.contexts.factories import OPERATOR, VISITOR, events, make_campaign, make_gift, set_status
from tests.contexts.people import EMAIL, make_user, quick_hashes, registered

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")


async def somebody(email: str = EMAIL) -> Scope:
    """Return the scope of somebody whose address is proven."""
    return Scope.user((await make_user(email)).id, is_verified=True)


async def unproven(email: str = EMAIL) -> Scope:
    return Scope.user(await registered(email))


async def hide_name(scope: Scope, gift: Donation) -> Donation:
    return await donations.change_visibility(scope, gift.id, {"show_name": False})


class TestListOwn:
    async def test_is_what_was_given_with_the_address_newest_first(self) -> None:
        mosque, well = await make_campaign(), await make_campaign(review_policy="manual")
        first = await make_gift(mosque, donor_email="Siti@Example.ORG", show_amount=False)
        await make_gift(mosque, donor_email="budi@example.org")
        second = await make_gift(well)
        found = await donations.list_own(await somebody())
        assert [gift.id for gift in found] == [second.id, first.id]
        assert [gift.campaign.name for gift in found] == [well.name, mosque.name]
        assert found[1].amount == first.amount

    async def test_keeps_what_was_rejected_and_leaves_out_tests(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        rejected = await make_gift(campaign)
        await set_status(rejected, "rejected")
        await make_gift(campaign, OPERATOR, is_test=True)
        [found] = await donations.list_own(await somebody())
        assert (found.id, found.status) == (rejected.id, "rejected")

    async def test_has_nothing_for_an_address_that_is_not_proven(self) -> None:
        await make_gift(await make_campaign())
        assert await donations.list_own(await unproven()) == []

    async def test_has_at_most_a_hundred(self) -> None:
        campaign = await make_campaign()
        for _ in range(101):
            newest = await make_gift(campaign)
        found = await donations.list_own(await somebody())
        assert len(found) == 100
        assert found[0].id == newest.id

    async def test_is_for_those_logged_in(self) -> None:
        with pytest.raises(Unauthorized):
            await donations.list_own(VISITOR)
        with pytest.raises(Forbidden):
            await donations.list_own(OPERATOR)


class TestChangeVisibility:
    async def test_changes_what_is_said_and_leaves_the_rest(self) -> None:
        gift = await make_gift(await make_campaign(), show_amount=False)
        scope = await somebody()
        hidden = await hide_name(scope, gift)
        assert (hidden.show_name, hidden.show_amount) == (False, False)
        attrs = {"show_name": "true", "donor_name": "Else", "amount": "1", "status": "pending"}
        shown = await donations.change_visibility(scope, str(gift.id), attrs)
        assert (shown.show_name, shown.show_amount) == (True, False)
        assert (shown.donor_name, shown.amount) == (gift.donor_name, gift.amount)

    @pytest.mark.parametrize("status", ["pending", "rejected", "approved"])
    async def test_is_open_whatever_became_of_the_gift(self, status: str) -> None:
        policy = "automatic" if status == "approved" else "manual"
        gift = await make_gift(await make_campaign(review_policy=policy))
        if status == "rejected":
            await set_status(gift, status)
        changed = await hide_name(await somebody(), gift)
        assert (changed.status, changed.show_name) == (status, False)

    async def test_tells_once_with_the_campaigns_next_version_and_no_other_total(self) -> None:
        campaign = await make_campaign()
        gift = await make_gift(campaign)
        scope = await somebody()
        before = await campaigns.get_campaign(VISITOR, campaign.id)
        version, total = before.version, before.total_raised
        seen = len(await events())
        await hide_name(scope, gift)
        [(name, topics, data)] = await events(after=seen)
        assert name == "donation_updated"
        assert set(topics) == {"donations", "campaigns", f"campaign:{campaign.id}"}
        assert data["donation"]["show_name"] is False
        assert data["donation"]["version"] == data["campaign"]["version"] == version + 1
        after = await campaigns.get_campaign(VISITOR, campaign.id)
        assert (after.version, after.total_raised) == (version + 1, total)

    @pytest.mark.parametrize("attrs", [{}, {"show_name": True}, {"show_amount": "on"}])
    async def test_tells_nothing_where_nothing_differs(self, attrs: dict[str, Any]) -> None:
        gift = await make_gift(await make_campaign())
        scope = await somebody()
        seen = len(await events())
        same = await donations.change_visibility(scope, gift.id, attrs)
        assert same.version == gift.version
        assert await events(after=seen) == []

    @pytest.mark.parametrize("wrong", [None, "maybe", 1, [], {}])
    async def test_refuses_what_is_no_switch_by_its_field(self, wrong: object) -> None:
        gift = await make_gift(await make_campaign())
        with pytest.raises(Invalid) as refusal:
            await donations.change_visibility(
                await somebody(), gift.id, {"show_name": wrong, "show_amount": wrong}
            )
        assert set(refusal.value.fields) == {"show_name", "show_amount"}

    async def test_does_not_find_what_is_somebody_elses(self) -> None:
        gift = await make_gift(await make_campaign(), await somebody("budi@example.org"))
        for scope in (await somebody("budi2@example.org"), await unproven()):
            with pytest.raises(NotFound):
                await hide_name(scope, gift)

    async def test_does_not_find_a_gift_without_an_address(self) -> None:
        campaign = await make_campaign()
        attrs = {"donor_name": "Hat", "amount": "5", "currency": "IDR"}
        gift = await donations.give(OPERATOR, attrs, campaign=campaign.id, source="offline")
        for scope in (await somebody(), await unproven("budi@example.org")):
            with pytest.raises(NotFound):
                await hide_name(scope, gift)

    @pytest.mark.parametrize("id", ["", "1", "00000000-0000-7000-8000-000000000000"])
    async def test_does_not_find_what_is_not_there(self, id: str) -> None:
        with pytest.raises(NotFound):
            await donations.change_visibility(await somebody(), id, {})

    async def test_an_address_that_was_corrected_takes_the_gift_along(self) -> None:
        gift = await make_gift(await make_campaign())
        scope = await somebody()
        await donations.update_donation(OPERATOR, gift.id, {"donor_email": "budi@example.org"})
        with pytest.raises(NotFound):
            await hide_name(scope, gift)

    @pytest.mark.parametrize(
        ("scope", "error"), [(VISITOR, Unauthorized), (OPERATOR, Forbidden)], ids=["nobody", "cli"]
    )
    async def test_is_for_those_logged_in(self, scope: Scope, error: type[AppError]) -> None:
        gift = await make_gift(await make_campaign())
        with pytest.raises(error):
            await hide_name(scope, gift)


class TestWhatOthersSee:
    async def test_a_hidden_name_is_found_and_shown_nowhere(self) -> None:
        campaign = await make_campaign()
        gift = await make_gift(campaign, donor_name="Dewi Rahasia")
        await hide_name(await somebody(), gift)
        for found in (
            await donations.list_donations(VISITOR, campaign_id=campaign.id),
            await donations.list_donations(VISITOR),
        ):
            assert [row.donor_name for row in found.items] == [""]
        assert (await donations.get_donation(VISITOR, gift.id)).donor_name == ""
        assert not (await donations.list_donations(VISITOR, search="rahasia")).total
