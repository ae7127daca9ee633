from decimal import Decimal
from typing import Any

import pytest

from financial_live.contexts import campaigns, donations
from financial_live.contexts.donations import Donation
from financial_live.errors import NotFound, Unauthorized
from tests.contexts.factories import OPERATOR, VISITOR, events, make_campaign, make_gift, refused

pytestmark = pytest.mark.usefixtures("database")

RUDE: dict[str, Any] = {"donor_name": "Rudolf Rude", "message": "Something rude"}
HIDDEN = ("", "")


async def rude() -> Donation:
    return await make_gift(await make_campaign(), **RUDE)


def words(gift: Donation) -> tuple[str, str]:
    return gift.donor_name, gift.message


class TestHide:
    async def test_is_told_with_another_version_and_changes_no_total(self) -> None:
        gift = await rude()
        before = len(await events())
        hidden = await donations.hide(OPERATOR, gift.id)
        [(name, topics, data)] = await events(before)
        assert name == "donation_moderated"
        assert topics == ["donations", "campaigns", f"campaign:{gift.campaign_id}"]
        assert data["donation"] == donations.row(hidden)
        after = await campaigns.get_campaign(VISITOR, gift.campaign_id)
        assert hidden.version == after.version == gift.version + 1
        assert (after.total_raised, after.gift_count) == (Decimal(50_000), 1)

    async def test_nobody_outside_the_team_reads_it_anywhere(self) -> None:
        gift = await rude()
        await donations.hide(OPERATOR, gift.id)
        one = await donations.get_donation(VISITOR, gift.id)
        [listed] = (await donations.list_donations(VISITOR)).items
        [of_one] = (await donations.list_donations(VISITOR, campaign_id=gift.campaign_id)).items
        [scrolled] = (await donations.scroll(VISITOR, campaign_id=gift.campaign_id)).items
        [latest] = await donations.latest(VISITOR, campaign_id=gift.campaign_id)
        for seen in (one, listed, of_one, scrolled, latest):
            assert seen.id == gift.id
            assert words(seen) == HIDDEN
            public = donations.public_gift(seen)
            assert (public["donor_name"] or "", public["message"]) == HIDDEN

    @pytest.mark.parametrize("search", ["Rudolf", "rude", "Something"])
    async def test_nobody_outside_the_team_finds_it_by_its_words(self, search: str) -> None:
        gift = await rude()
        where: dict[str, Any] = {"campaign_id": gift.campaign_id, "search": search}
        assert (await donations.list_donations(VISITOR, **where)).total == 1
        await donations.hide(OPERATOR, gift.id)
        assert (await donations.list_donations(VISITOR, **where)).total == 0
        assert (await donations.scroll(VISITOR, **where)).items == []
        assert (await donations.list_donations(OPERATOR, **where)).total == 1

    async def test_what_is_told_again_is_told_without_it(self) -> None:
        gift = await rude()
        [(_, _, told)] = (await events())[-1:]
        assert donations.public_gift(told["donation"])["message"] == RUDE["message"]
        await donations.hide(OPERATOR, gift.id)
        again = (await donations.public_gifts([gift.id]))[str(gift.id)]
        assert (again["donor_name"], again["message"]) == (None, "")

    async def test_the_team_reads_it_still(self) -> None:
        gift = await rude()
        await donations.hide(OPERATOR, gift.id)
        seen = await donations.get_donation(OPERATOR, gift.id)
        assert (words(seen), seen.is_hidden) == (tuple(RUDE.values()), True)

    async def test_the_amount_is_shown_as_before(self) -> None:
        gift = await rude()
        await donations.hide(OPERATOR, gift.id)
        public = donations.public_gift(await donations.get_donation(VISITOR, gift.id))
        assert (public["amount"], public["counted_amount"]) == ("50000.00", "50000.00")

    async def test_again_does_nothing(self) -> None:
        gift = await rude()
        hidden = await donations.hide(OPERATOR, gift.id)
        before = len(await events())
        assert (await donations.hide(OPERATOR, gift.id)).version == hidden.version
        assert await events(before) == []

    @pytest.mark.parametrize("status", ["pending", "rejected", "refunded"])
    async def test_a_gift_of_any_status(self, status: str) -> None:
        policy = "automatic" if status == "refunded" else "manual"
        gift = await make_gift(await make_campaign(review_policy=policy), **RUDE)
        if status == "rejected":
            await donations.reject(OPERATOR, gift.id, {"reason": "Rude"})
        if status == "refunded":
            await donations.refund(OPERATOR, gift.id, {"reason": "Rude"})
        hidden = await donations.hide(OPERATOR, gift.id)
        assert (hidden.status, hidden.is_hidden) == (status, True)

    async def test_is_for_the_team(self) -> None:
        gift = await rude()
        await refused(Unauthorized, donations.hide(VISITOR, gift.id))
        waiting = await make_gift(await make_campaign(review_policy="manual"))
        await refused(NotFound, donations.hide(VISITOR, waiting.id))


class TestShow:
    async def test_brings_back_what_was_hidden(self) -> None:
        gift = await rude()
        await donations.hide(OPERATOR, gift.id)
        await donations.show(OPERATOR, gift.id)
        assert words(await donations.get_donation(VISITOR, gift.id)) == tuple(RUDE.values())

    async def test_what_the_donor_hides_stays_hidden(self) -> None:
        gift = await make_gift(await make_campaign(), **RUDE, show_name=False)
        await donations.hide(OPERATOR, gift.id)
        await donations.show(OPERATOR, gift.id)
        seen = await donations.get_donation(VISITOR, gift.id)
        assert words(seen) == ("", RUDE["message"])
        assert donations.public_gift(seen)["donor_name"] is None

    async def test_does_nothing_where_nothing_is_hidden(self) -> None:
        gift = await rude()
        before = len(await events())
        assert (await donations.show(OPERATOR, gift.id)).version == gift.version
        assert await events(before) == []
