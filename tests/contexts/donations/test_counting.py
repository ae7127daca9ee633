from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from financial_live.contexts import campaigns, columns, donations
from financial_live.contexts.donations.counting import NOTHING, Shift, Standing
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign, make_gift, rows

WHY = {"reason": "Given twice"}
ONE = UUID("01a20986-b66c-7571-8e82-8a0d1a76d1f6")

cents = st.integers(min_value=1, max_value=999_999_999_999_999)


@st.composite
def standings(draw: Any) -> Standing:
    if draw(st.booleans()):
        return NOTHING
    counted = draw(cents)
    refunded = draw(st.integers(min_value=0, max_value=counted))
    return Standing(Decimal(counted).scaleb(-2), Decimal(refunded).scaleb(-2))


class TestShift:
    @given(before=standings(), after=standings())
    def test_its_entries_make_what_the_total_changes_by(
        self, before: Standing, after: Standing
    ) -> None:
        shift = Shift(ONE, columns.now(), before, after)
        signs = {"gift": 1, "refund_undone": 1, "refund": -1, "gift_undone": -1}
        postings = shift.postings(ONE, "IDR")
        assert all(one.amount > 0 for one in postings)
        assert sum(signs[one.kind] * one.amount for one in postings) == shift.amount
        assert shift.amount == after.kept - before.kept

    @given(before=standings(), after=standings())
    def test_its_reverse_takes_all_of_it_back(self, before: Standing, after: Standing) -> None:
        there = Shift(ONE, columns.now(), before, after)
        back = Shift(ONE, columns.now(), after, before)
        assert (there.amount + back.amount, there.gifts + back.gifts) == (Decimal(0), 0)

    def test_what_stays_as_it_is_has_no_entry(self) -> None:
        same = Standing(Decimal(10), Decimal(3))
        assert Shift(ONE, columns.now(), same, same).postings(ONE, "IDR") == []


async def entries(donation_id: UUID) -> list[tuple[str, str, str, Any]]:
    return [
        (kind, debit, credit, amount)
        for kind, debit, credit, amount in await rows(
            "SELECT kind, debit_account, credit_account, amount FROM ledger_entry"
            " WHERE donation_id = %s ORDER BY id",
            donation_id,
        )
    ]


@pytest.mark.usefixtures("database")
class TestEntries:
    async def test_a_gift_that_waits_has_none_until_it_counts(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        assert await entries(gift.id) == []
        await donations.approve(OPERATOR, gift.id)
        assert await entries(gift.id) == [("gift", "donors", "gifts", 50_000)]

    async def test_each_act_is_one_and_its_undoing_the_other_way_round(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await donations.approve(OPERATOR, gift.id)
        await donations.undo(OPERATOR, gift.id)
        await donations.approve(OPERATOR, gift.id)
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "0.01"})
        await donations.undo(OPERATOR, gift.id)
        cent = Decimal("0.01")
        assert await entries(gift.id) == [
            ("gift", "donors", "gifts", 50_000),
            ("gift_undone", "gifts", "donors", 50_000),
            ("gift", "donors", "gifts", 50_000),
            ("refund", "gifts", "donors", cent),
            ("refund_undone", "donors", "gifts", cent),
        ]

    async def test_neither_tests_nor_rejected_nor_hidden_ones_add_any(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        tried = await make_gift(campaign, OPERATOR, is_test=True)
        await donations.approve(OPERATOR, tried.id)
        gift = await make_gift(campaign)
        await donations.hide(OPERATOR, gift.id)
        await donations.reject(OPERATOR, gift.id, WHY)
        assert await rows("SELECT 1 FROM ledger_entry") == []
        found = await campaigns.get_campaign(VISITOR, campaign.id)
        assert (found.total_raised, found.gift_count) == (Decimal(0), 0)

    async def test_are_in_the_campaigns_currency(self) -> None:
        campaign = await make_campaign(currency="EUR")
        await make_gift(campaign, currency="EUR")
        assert await rows("SELECT DISTINCT currency FROM ledger_entry") == [("EUR",)]
