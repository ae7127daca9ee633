import asyncio
from decimal import Decimal
from typing import Any

import pytest

from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation
from financial_live.errors import Conflict, Invalid, Unauthorized
from tests.contexts.factories import (
    OPERATOR,
    VISITOR,
    events,
    make_campaign,
    make_gift,
    refused,
    rows,
)
from tests.contexts.people import make_admin, quick_hashes

__all__ = ["quick_hashes"]


def box(amount: str = "1000", **attrs: Any) -> dict[str, Any]:
    """Return what somebody has dropped into a box, of whom nothing is known."""
    return {"donor_name": "Kotak amal", "amount": amount, "currency": "IDR"} | attrs


async def record(campaign: Campaign, *amounts: str, total: str, **attrs: Any) -> list[Donation]:
    gifts = [box(amount) for amount in amounts]
    given = {"control_total": total} | attrs
    return await donations.record_batch(OPERATOR, campaign.id, gifts, given)


async def raised(campaign: Campaign) -> tuple[Any, int]:
    found = await campaigns.get_campaign(VISITOR, campaign.id)
    return found.total_raised, found.gift_count


@pytest.mark.usefixtures("database", "quick_hashes")
class TestOne:
    async def test_counts_like_any_other_gift(self) -> None:
        campaign = await make_campaign()
        gift = await donations.give(OPERATOR, box(), campaign=campaign.id, source="offline")
        assert (str(gift.source), gift.donor_email, gift.counted_amount) == (
            "offline",
            None,
            Decimal(1000),
        )
        assert await raised(campaign) == (1000, 1)

    async def test_is_not_a_gift_of_who_enters_it(self) -> None:
        campaign, ana = await make_campaign(), await make_admin("Ana")
        one = await donations.give(ana, box(), campaign=campaign.id, source="offline")
        [other] = await donations.record_batch(ana, campaign.id, [box()], {"control_total": 1000})
        assert (one.user_id, other.user_id) == (None, None)
        assert (await make_gift(campaign, ana)).user_id == ana.user_id


@pytest.mark.usefixtures("database", "quick_hashes")
class TestRecordBatch:
    async def test_counts_all_in_one_version_and_tells_it_once(self) -> None:
        campaign = await make_campaign()
        before = len(await events())
        made = await record(campaign, "1000", "2000.50", total="3000.50", control_count=2)
        assert [one.amount for one in made] == [1000, Decimal("2000.50")]
        assert {str(one.source) for one in made} == {"offline"}
        assert await raised(campaign) == (Decimal("3000.50"), 2)
        [(name, topics, data)] = await events(before)
        assert name == "donations_created"
        assert topics == ["donations", "campaigns", f"campaign:{campaign.id}"]
        assert data["donations"] == [donations.row(one) for one in made]
        assert {one.version for one in made} == {campaign.version + 1}

    @pytest.mark.parametrize(
        ("total", "words"),
        [
            ("2999.99", "is Rp 2.999,99, but the gifts make Rp 3.000: Rp 0,01 too much"),
            ("4000", "is Rp 4.000, but the gifts make Rp 3.000: Rp 1.000 too little"),
        ],
    )
    async def test_a_control_total_that_differs_says_by_how_much(
        self, total: str, words: str
    ) -> None:
        campaign = await make_campaign()
        error = await refused(Invalid, record(campaign, "1000", "2000", total=total))
        assert error.fields == {"control_total": [words.replace("Rp ", "Rp\u00a0")]}
        assert await raised(campaign) == (0, 0)

    async def test_a_count_that_differs_says_so_beside_the_total(self) -> None:
        campaign = await make_campaign()
        call = record(campaign, "1000", total="999", control_count=3)
        error = await refused(Invalid, call)
        assert error.fields["control_count"] == ["is 3, but there are 1"]
        assert error.fields.keys() == {"control_total", "control_count"}

    async def test_names_every_wrong_field_of_every_gift_and_enters_none(self) -> None:
        campaign = await make_campaign()
        gifts = [box("0"), box(), box("x", donor_name="", donor_email="no")]
        before = await events()
        call = donations.record_batch(OPERATOR, campaign.id, gifts, {"control_total": "1000"})
        assert (await refused(Invalid, call)).fields == {
            "gifts.0.amount": ["must be greater than 0"],
            "gifts.2.amount": ["is invalid"],
            "gifts.2.donor_name": ["can't be blank"],
            "gifts.2.donor_email": ["is invalid"],
        }
        assert await raised(campaign) == (0, 0)
        assert await events() == before
        assert await rows("SELECT 1 FROM donation UNION ALL SELECT 1 FROM audit_entry") == []

    async def test_a_donor_who_may_give_once_is_refused_with_the_whole_batch(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        gifts = [box(donor_email="b@x.org"), box(), box(donor_email="B@x.org"), box()]
        call = donations.record_batch(OPERATOR, campaign.id, gifts, {"control_total": "4000"})
        assert (await refused(Invalid, call)).fields == {
            "gifts.2.donor_email": ["has already been taken"]
        }
        assert await rows("SELECT 1 FROM donation") == []

    async def test_is_in_the_campaigns_currency(self) -> None:
        campaign = await make_campaign()
        gifts = [box(), box(currency="USD")]
        call = donations.record_batch(OPERATOR, campaign.id, gifts, {"control_total": "2000"})
        assert (await refused(Invalid, call)).fields.keys() == {"gifts.1.currency"}

    @pytest.mark.parametrize("count", [0, 501])
    async def test_is_of_one_to_five_hundred(self, count: int) -> None:
        campaign = await make_campaign()
        error = await refused(Invalid, record(campaign, *["1"] * count, total="1"))
        assert error.fields == {"gifts": ["must be 1 to 500"]}

    async def test_five_hundred_are_entered(self) -> None:
        campaign = await make_campaign()
        made = await record(campaign, *["0.01"] * 500, total="5")
        assert len({one.id for one in made}) == 500
        assert await raised(campaign) == (5, 500)

    @pytest.mark.parametrize("total", [None, "", "0", "-1", "x", "1e3"])
    async def test_needs_a_control_total(self, total: Any) -> None:
        campaign = await make_campaign()
        error = await refused(Invalid, record(campaign, "1", total=total))
        assert error.fields.keys() == {"control_total"}

    async def test_waits_for_review_like_other_gifts(self) -> None:
        campaign = await make_campaign(dual_approval_from="2000")
        small, large = await record(campaign, "1999.99", "2000", total="3999.99")
        assert (small.status, large.status) == ("approved", "pending")
        assert await raised(campaign) == (Decimal("1999.99"), 1)

    async def test_each_gift_has_an_entry_of_who_and_of_which_batch(self) -> None:
        campaign, ana = await make_campaign(), await make_admin("Ana")
        attrs = {"control_total": "3000"}
        at_home = ana.at("203.0.113.7")
        made = await donations.record_batch(at_home, campaign.id, [box(), box("2000")], attrs)
        histories = [await donations.history(OPERATOR, one.id) for one in made]
        [first], [second] = histories
        assert (first.act, first.name, first.address) == ("record", "Ana", "203.0.113.7")
        assert (first.details["amount"], second.details["amount"]) == ("1000.00", "2000.00")
        assert first.details["batch_id"] == second.details["batch_id"]

    async def test_the_same_key_is_the_same_batch(self) -> None:
        campaign = await make_campaign()

        async def enter(*gifts: dict[str, Any]) -> list[Donation]:
            return await donations.record_batch(
                OPERATOR, campaign.id, gifts, {"control_total": "1000"}, idempotency_key="friday"
            )

        first, again = await enter(box()), await enter(box())
        assert [one.id for one in first] == [one.id for one in again]
        assert await raised(campaign) == (1000, 1)
        await refused(Conflict, enter(box(donor_name="Another")))

    async def test_a_key_of_a_refused_batch_is_free(self) -> None:
        campaign = await make_campaign()
        for total in ("999", "1000"):
            call = donations.record_batch(
                OPERATOR, campaign.id, [box()], {"control_total": total}, idempotency_key="friday"
            )
            if total == "999":
                await refused(Invalid, call)
            else:
                assert len(await call) == 1

    async def test_is_for_the_team(self) -> None:
        campaign = await make_campaign()
        call = donations.record_batch(VISITOR, campaign.id, [box()], {"control_total": "1000"})
        await refused(Unauthorized, call)


@pytest.mark.usefixtures("own_database")
class TestAtOnce:
    async def test_one_key_is_one_batch_and_totals_are_exact(self) -> None:
        campaign = await make_campaign()

        async def enter(key: str) -> list[Donation]:
            return await donations.record_batch(
                OPERATOR, campaign.id, [box()] * 5, {"control_total": "5000"}, idempotency_key=key
            )

        made = await asyncio.gather(
            *(enter(key) for key in ("a", "b") * 4), *(make_gift(campaign) for _ in range(5))
        )
        batches = {tuple(one.id for one in batch) for batch in made if isinstance(batch, list)}
        assert len(batches) == 2
        assert await raised(campaign) == (260_000, 15)
        assert (await donations.check(OPERATOR)).problems == []
