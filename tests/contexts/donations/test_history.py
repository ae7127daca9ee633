"""What was done to a gift: who, what, when, from where and why; for its team."""

from uuid import UUID

import pytest

from financial_live.contexts import donations
from financial_live.contexts.donations import Donation
from financial_live.errors import Forbidden, NotFound, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign, make_gift
from tests.contexts.people import make_user, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("quick_hashes", "database")


@pytest.fixture
async def sari() -> Scope:
    """Return the scope of an admin called Sari, who comes from home."""
    user = await make_user("sari@example.org", name="Sari Dewi", role="admin")
    return Scope.user(user.id, role=Role.ADMIN).at("203.0.113.7")


async def waiting() -> Donation:
    return await make_gift(await make_campaign(review_policy="manual"))


class TestHistory:
    async def test_says_who_did_what_when_and_from_where(self, sari: Scope) -> None:
        gift = await waiting()
        await donations.approve(sari, gift.id)
        changed = await donations.refund(OPERATOR, gift.id, {"reason": "Bounced", "amount": "100"})
        first, second = await donations.history(sari, gift.id)
        assert (first.act, first.name, first.address) == ("approve", "Sari Dewi", "203.0.113.7")
        assert (second.act, second.name, second.address) == ("refund", "operator", "")
        assert (second.details["reason"], second.details["amount"]) == ("Bounced", "100.00")
        assert first.at < second.at <= changed.updated_at

    async def test_says_what_was_edited_but_no_address(self, sari: Scope) -> None:
        gift = await waiting()
        edits = {"donor_name": "Budi", "donor_email": "budi@example.org", "show_name": False}
        await donations.update_donation(sari, gift.id, edits)
        [done] = await donations.history(sari, gift.id)
        assert done.details["changed"] == {
            "donor_name": ["Siti Nurhaliza", "Budi"],
            "show_name": [True, False],
            "donor_email": None,
        }

    async def test_says_what_was_undone(self, sari: Scope) -> None:
        gift = await waiting()
        await donations.reject(sari, gift.id, {"reason": "Rude"})
        await donations.undo(sari, gift.id)
        assert [
            (d.act, d.details.get("undone")) for d in await donations.history(sari, gift.id)
        ] == [
            ("reject", None),
            ("undo", "reject"),
        ]

    async def test_an_act_that_was_refused_is_not_in_it(self, sari: Scope) -> None:
        gift = await waiting()
        with pytest.raises(Unauthorized):
            await donations.approve(VISITOR, (await make_gift(await make_campaign())).id)
        assert await donations.history(sari, gift.id) == []

    async def test_is_for_the_team(self, sari: Scope) -> None:
        shown, hidden = await make_gift(await make_campaign()), await waiting()
        stranger = Scope.user(UUID(int=1), role=Role.MANAGER)
        with pytest.raises(Forbidden):
            await donations.history(stranger, shown.id)
        with pytest.raises(NotFound):
            await donations.history(stranger, hidden.id)
