import pytest

from financial_live.contexts import donations
from financial_live.errors import Forbidden, NotFound, Unauthorized
from financial_live.scope import Scope
from tests.contexts.factories import OPERATOR, VISITOR, execute, make_campaign, make_gift, refused
from tests.contexts.people import make_admin, make_user, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")

WHY = {"reason": "Given twice"}


class TestHistory:
    async def test_says_who_did_what_and_from_where_the_first_act_first(self) -> None:
        ana, budi = await make_admin("Ana"), await make_admin("Budi")
        gift = await make_gift(await make_campaign(dual_approval_from="1"))
        await donations.approve(ana.at("203.0.113.7"), gift.id)
        await donations.approve(budi, gift.id)
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "5"})
        found = await donations.history(OPERATOR, gift.id)
        assert [(one.act, one.name, one.address) for one in found] == [
            ("endorse", "Ana", "203.0.113.7"),
            ("approve", "Budi", ""),
            ("refund", "operator", ""),
        ]
        assert found[2].details == WHY | {
            "amount": "5.00",
            "before": {
                "status": "approved",
                "counted_amount": "50000.00",
                "refunded_amount": "0.00",
                "first_approver": None,
            },
        }

    async def test_keeps_the_reason_of_a_rejection(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await donations.reject(OPERATOR, gift.id, WHY)
        [done] = await donations.history(OPERATOR, gift.id)
        assert done.details["reason"] == WHY["reason"]

    async def test_outlives_the_account_of_who_did_it(self) -> None:
        ana = await make_admin("Ana")
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await donations.approve(ana, gift.id)
        await execute("DELETE FROM user_account WHERE id = %s", ana.user_id)
        [done] = await donations.history(OPERATOR, gift.id)
        assert done.name == ana.caller

    async def test_of_a_gift_that_nobody_has_touched_is_empty(self) -> None:
        gift = await make_gift(await make_campaign())
        assert await donations.history(OPERATOR, gift.id) == []

    async def test_is_for_the_team(self) -> None:
        gift = await make_gift(await make_campaign())
        await refused(Unauthorized, donations.history(VISITOR, gift.id))
        rini = Scope.user((await make_user("rini@example.org")).id)
        await refused(Forbidden, donations.history(rini, gift.id))
        waiting = await make_gift(await make_campaign(review_policy="manual"))
        await refused(NotFound, donations.history(rini, waiting.id))
