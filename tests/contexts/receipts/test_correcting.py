"""A receipt that is not true any more is replaced by another; it never changes itself."""

from decimal import Decimal
from uuid import UUID

import pytest

from financial_live import db
from financial_live.contexts import donations, exchange_rates, receipts
from financial_live.contexts.donations import Donation
from financial_live.contexts.receipts import Receipt
from financial_live.errors import Conflict
from financial_live.scope import Scope
from tests.contexts.factories import OPERATOR, make_campaign, make_gift
from tests.contexts.people import EMAIL, make_user, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("quick_hashes", "database")
WHY = {"reason": "Asked for it back"}


@pytest.fixture
async def donor() -> Scope:
    """Return the scope of somebody whose address is proven."""
    return Scope.user((await make_user(EMAIL)).id, is_verified=True)


async def corrected() -> int:
    """Give the events their places, as the relay does, and replace what is due."""
    async with db.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("UPDATE outbox SET position = id WHERE position IS NULL")
    return await receipts.correct()


async def last(donor: Scope, gift: Donation) -> Receipt:
    return await receipts.issue_receipt(donor, gift.id)


async def chain(donor: Scope, id: UUID) -> tuple[Receipt | None, Receipt | None]:
    paper = await receipts.get_receipt(donor, id)
    return paper.replaces, paper.replaced_by


class TestCorrect:
    async def test_a_refund_in_parts_makes_a_receipt_for_each(self, donor: Scope) -> None:
        gift = await make_gift(await make_campaign(), amount="90000")
        first = await last(donor, gift)
        amounts = []
        for amount in ("30000", "60000"):
            await donations.refund(OPERATOR, gift.id, WHY | {"amount": amount})
            assert await corrected() == 1
            amounts.append((await last(donor, gift)).amount)
        assert (first.amount, amounts) == (Decimal("90000.00"), [Decimal(60000), Decimal(0)])

    async def test_each_says_which_it_replaces_and_by_which_it_is_replaced(
        self, donor: Scope
    ) -> None:
        gift = await make_gift(await make_campaign())
        first = await last(donor, gift)
        await donations.refund(OPERATOR, gift.id, WHY)
        await corrected()
        second = await last(donor, gift)
        assert (second.correction, second.serial) == (1, first.serial + 1)
        before, after = await chain(donor, first.id)
        assert (before, after and after.number) == (None, second.number)
        before, after = await chain(donor, second.id)
        assert (before and before.number, after) == (first.number, None)

    async def test_an_undone_refund_makes_another_one(self, donor: Scope) -> None:
        gift = await make_gift(await make_campaign())
        await last(donor, gift)
        await donations.refund(OPERATOR, gift.id, WHY)
        await corrected()
        await donations.undo(OPERATOR, gift.id)
        assert await corrected() == 1
        assert (await last(donor, gift)).amount == gift.amount

    async def test_an_undone_approval_takes_back_what_was_certified(self, donor: Scope) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await donations.approve(OPERATOR, gift.id)
        await last(donor, gift)
        await donations.undo(OPERATOR, gift.id)
        assert await corrected() == 1
        assert (await last(donor, gift)).amount == 0
        await donations.approve(OPERATOR, gift.id)
        assert await corrected() == 1
        assert (await last(donor, gift)).amount == gift.amount

    async def test_what_was_undone_before_it_is_looked_at_needs_none(self, donor: Scope) -> None:
        gift = await make_gift(await make_campaign())
        await last(donor, gift)
        await donations.refund(OPERATOR, gift.id, WHY)
        await donations.undo(OPERATOR, gift.id)
        assert await corrected() == 0

    async def test_is_done_once(self, donor: Scope) -> None:
        gift = await make_gift(await make_campaign())
        await last(donor, gift)
        await donations.refund(OPERATOR, gift.id, WHY)
        assert [await corrected(), await corrected()] == [1, 0]

    async def test_who_has_no_receipt_gets_none(self, donor: Scope) -> None:
        gift = await make_gift(await make_campaign())
        await donations.refund(OPERATOR, gift.id, WHY)
        assert await corrected() == 0
        with pytest.raises(Conflict, match="given back"):
            await last(donor, gift)

    async def test_a_first_receipt_after_a_part_was_given_back_certifies_the_rest(
        self, donor: Scope
    ) -> None:
        gift = await make_gift(await make_campaign(), amount="50000")
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "20000"})
        assert (await last(donor, gift)).amount == Decimal("30000.00")

    async def test_another_currency_is_certified_as_it_was_given(self, donor: Scope) -> None:
        await exchange_rates.set_rate(
            OPERATOR,
            {
                "base_currency": "EUR",
                "quote_currency": "IDR",
                "rate": "17000",
                "as_of": "2026-11-30",
                "source": "Bank",
            },
        )
        gift = await make_gift(await make_campaign(), amount="50", currency="EUR")
        assert (await last(donor, gift)).amount == Decimal("50.00")
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "212500"})
        await corrected()
        issued = await last(donor, gift)
        assert (issued.amount, issued.currency) == (Decimal("37.50"), "EUR")
