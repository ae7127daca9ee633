from datetime import UTC, datetime
from typing import Any

import pytest

from financial_live import db
from financial_live.contexts import donations
from financial_live.contexts.campaigns import Campaign, CampaignMember, CampaignRole
from financial_live.contexts.donations import DonationSource, Gift
from financial_live.errors import Forbidden, Invalid, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, make_campaign, make_gift
from tests.contexts.people import make_user, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")


async def make_manager(**places: Campaign) -> Scope:
    """Return a manager with a place in the teams of these campaigns."""
    user = await make_user("manager@example.org", role="manager")
    async with db.transaction() as session:
        for role, campaign in places.items():
            session.add(
                CampaignMember(campaign_id=campaign.id, user_id=user.id, role=CampaignRole(role))
            )
    return Scope.user(user.id, role=Role.MANAGER)


def named(gifts: Any) -> list[str]:
    return [gift.donor_name for gift in gifts.items]


class TestListManaged:
    async def test_lists_what_was_given_to_the_campaigns_of_the_team(self) -> None:
        seen, owned, other = [await make_campaign(review_policy="manual") for _ in range(3)]
        for name, campaign in (("Ana", seen), ("Budi", owned), ("Citra", other)):
            await make_gift(campaign, donor_name=name, show_name=False)
        scope = await make_manager(viewer=seen, owner=owned)

        found = await donations.list_managed(scope)

        assert named(found) == ["Budi", "Ana"]
        assert [gift.donor_email for gift in found.items] == [GIFT["donor_email"], None]
        assert named(await donations.scroll(scope)) == ["Budi", "Ana"]

    async def test_finds_addresses_only_where_they_are_seen(self) -> None:
        seen, owned = await make_campaign(), await make_campaign()
        await make_gift(seen, donor_name="Ana")
        await make_gift(owned, donor_name="Budi")
        scope = await make_manager(viewer=seen, owner=owned)

        assert named(await donations.list_managed(scope, search="siti@")) == ["Budi"]
        assert named(await donations.list_managed(scope, search="ana")) == ["Ana"]

    async def test_tests_are_in_no_list_and_shown_by_their_id(self) -> None:
        owned = await make_campaign()
        tried = await make_gift(owned, OPERATOR, is_test=True)
        scope = await make_manager(owner=owned)

        for seen in (scope, OPERATOR):
            assert named(await donations.list_managed(seen)) == []
            assert named(await donations.scroll(seen)) == []
            assert named(await donations.list_donations(seen, campaign_id=owned.id)) == []
            assert named(await donations.scroll(seen, campaign_id=owned.id)) == []
            assert await donations.latest(seen, campaign_id=owned.id) == []
            assert (await donations.statistics(seen, owned.id)).largest is None
            assert (await donations.get_donation(seen, tried.id)).is_test

    async def test_a_manager_of_nothing_sees_nothing(self) -> None:
        await make_gift(await make_campaign())
        scope = await make_manager()

        assert (await donations.list_managed(scope)).total == 0

    async def test_is_for_managers(self) -> None:
        donor = Scope.user((await make_user()).id)
        for call in (donations.list_managed, donations.scroll):
            with pytest.raises(Forbidden):
                await call(donor)
            with pytest.raises(Unauthorized):
                await call(VISITOR)


async def walk(campaign: Campaign, *, order: str, back: bool = False) -> list[str]:
    """Return who gave, found from cursor to cursor."""
    found: list[str] = []
    cursor, is_over = "", False
    while not is_over:
        ends: dict[str, Any] = {"before" if back else "after": cursor}
        stretch = await donations.scroll(
            VISITOR, campaign_id=campaign.id, order=order, per_page=2, **ends
        )
        found = named(stretch) + found if back else found + named(stretch)
        cursor = (stretch.before if back else stretch.after) or ""
        is_over = stretch.is_first if back else stretch.is_last
    return found


class TestScroll:
    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize("count", [0, 1, 2, 5])
    async def test_finds_each_gift_once_in_order_both_ways(self, order: str, count: int) -> None:
        campaign = await make_campaign()
        # Many gifts have the same time: then their ids decide.
        moment = datetime(2026, 3, 7, tzinfo=UTC)
        gifts = [
            Gift({**GIFT, "donor_name": f"{n}"}, DonationSource.QUEUE, campaign.id, given_at=moment)
            for n in range(count)
        ]
        await donations.give_many(VISITOR, gifts)
        listed = await donations.list_donations(VISITOR, campaign_id=campaign.id, order=order)

        assert await walk(campaign, order=order) == named(listed)
        assert await walk(campaign, order=order, back=True) == named(listed)

    async def test_a_cursor_finds_what_has_come_since(self) -> None:
        campaign = await make_campaign()
        first = await donations.scroll(VISITOR, campaign_id=campaign.id, order="asc", after="")
        await make_gift(campaign, donor_name="Ana")
        cursor = first.after or ""
        found = await donations.scroll(VISITOR, campaign_id=campaign.id, order="asc", after=cursor)
        none = await donations.scroll(
            VISITOR, campaign_id=campaign.id, order="asc", after=found.after
        )
        await make_gift(campaign, donor_name="Budi")
        late = await donations.scroll(
            VISITOR, campaign_id=campaign.id, order="asc", after=none.after
        )

        assert (named(found), named(none), named(late)) == (["Ana"], [], ["Budi"])
        assert none.after == found.after

    async def test_shows_no_more_than_the_list_does(self) -> None:
        campaign = await make_campaign()
        hidden = await make_gift(campaign, show_name=False, show_amount=False)
        await make_gift(campaign, OPERATOR, is_test=True)

        [seen] = (await donations.scroll(VISITOR, campaign_id=campaign.id)).items

        assert (seen.id, seen.donor_name, seen.donor_email) == (hidden.id, "", None)
        assert seen.amount == 0

    @pytest.mark.parametrize(
        # The last is a cursor's shape, of a time that no calendar has.
        "cursor",
        ["x", "A" * 31, "A" * 33, "+" * 32, "A" * 31 + "é", "f" + "_" * 31],
    )
    @pytest.mark.parametrize("field", ["after", "before"])
    async def test_refuses_what_is_no_cursor(self, field: str, cursor: str) -> None:
        campaign = await make_campaign()
        ends: dict[str, Any] = {field: cursor}

        with pytest.raises(Invalid) as caught:
            await donations.scroll(VISITOR, campaign_id=campaign.id, **ends)

        assert list(caught.value.fields) == [field]

    async def test_refuses_both_ends_at_once(self) -> None:
        with pytest.raises(Invalid) as caught:
            await donations.scroll(OPERATOR, after="", before="")

        assert list(caught.value.fields) == ["before"]


class TestWhatTheTeamHides:
    async def test_is_found_and_read_by_nobody_else(self) -> None:
        campaign = await make_campaign()
        gift = await make_gift(campaign, donor_name="Rude Name", message="Rude words")
        await donations.hide(OPERATOR, gift.id)
        for words in ("rude name", "rude words"):
            found = await donations.list_donations(VISITOR, campaign_id=campaign.id, search=words)
            assert found.items == []
            seen = await donations.list_donations(OPERATOR, campaign_id=campaign.id, search=words)
            assert named(seen) == ["Rude Name"]
        hidden = await donations.get_donation(VISITOR, gift.id)
        assert (hidden.donor_name, hidden.message) == ("", "")
