from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from financial_live.contexts import campaigns, donations, exchange_rates
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation
from financial_live.errors import Conflict, Invalid
from financial_live.money import MAX_AMOUNT
from tests.contexts.factories import OPERATOR, VISITOR, events, make_campaign, make_gift, refused

pytestmark = pytest.mark.usefixtures("database")


async def rate(rate: str = "15000.5", base: str = "USD", quote: str = "IDR") -> None:
    """Enter what one unit of a currency is worth in another."""
    attrs = {"base_currency": base, "quote_currency": quote, "rate": rate}
    about = {"as_of": "2026-01-01", "source": "the treasurer"}
    await exchange_rates.set_rate(OPERATOR, attrs | about)


async def dollars(campaign: Campaign, amount: str = "10.01", **attrs: Any) -> Donation:
    return await make_gift(campaign, amount=amount, currency="USD", **attrs)


async def total(campaign: Campaign) -> Any:
    return (await campaigns.get_campaign(VISITOR, campaign.id)).total_raised


class TestAnotherCurrency:
    async def test_counts_by_the_rate_which_is_kept_beside_both_amounts(self) -> None:
        await rate()
        campaign = await make_campaign()
        gift = await dollars(campaign)
        assert (gift.amount, gift.currency) == (Decimal("10.01"), "USD")
        assert gift.counted_amount == Decimal("150155.01")  # Half a cent more than 150155.005.
        assert (gift.rate, gift.rate_as_of) == (Decimal("15000.5"), date(2026, 1, 1))
        assert gift.rate_source == "by hand: the treasurer"
        assert await total(campaign) == Decimal("150155.01")

    async def test_is_told_with_both_amounts_and_the_rate(self) -> None:
        await rate()
        gift = await dollars(await make_campaign())
        [*_, (_, _, data)] = await events()
        told = data["donation"]
        assert (told["amount"], told["currency"]) == ("10.01", "USD")
        assert (told["counted_amount"], told["rate"]) == ("150155.01", "15000.5")
        public = donations.public_gift(await donations.get_donation(VISITOR, gift.id))
        assert (public["amount"], public["counted_amount"]) == ("10.01", "150155.01")

    async def test_a_hidden_amount_is_hidden_in_both(self) -> None:
        await rate()
        gift = await dollars(await make_campaign(), show_amount=False)
        public = donations.public_gift(await donations.get_donation(VISITOR, gift.id))
        assert (public["amount"], public["counted_amount"]) == (None, None)

    async def test_a_later_rate_changes_no_gift(self) -> None:
        await rate()
        campaign = await make_campaign(review_policy="manual")
        gift = await dollars(campaign)
        await rate("20000")
        approved = await donations.approve(OPERATOR, gift.id)
        assert approved.counted_amount == Decimal("150155.01")
        assert (await dollars(campaign)).rate == 20_000

    async def test_in_the_campaigns_own_there_is_no_rate(self) -> None:
        await rate()
        gift = await make_gift(await make_campaign())
        assert (gift.rate, gift.rate_as_of, gift.rate_source) == (None, None, None)

    async def test_without_a_rate_it_says_in_which_currency_to_give(self) -> None:
        campaign = await make_campaign()
        error = await refused(Invalid, dollars(campaign))
        assert error.fields == {"currency": ["has no exchange rate to IDR: give in IDR"]}
        assert await total(campaign) == 0

    async def test_is_refunded_in_the_campaigns(self) -> None:
        await rate()
        campaign = await make_campaign()
        gift = await dollars(campaign)
        refund = {"amount": "150155", "reason": "Given twice"}
        assert (await donations.refund(OPERATOR, gift.id, refund)).status == "approved"
        assert await total(campaign) == Decimal("0.01")


class TestBounds:
    async def test_the_limit_is_in_the_campaigns_currency(self) -> None:
        await rate("15000")
        campaign = await make_campaign(max_gift="150000")
        assert (await dollars(campaign, "10")).counted_amount == 150_000
        error = await refused(Invalid, dollars(campaign, "10.01"))
        assert error.fields == {"amount": ["must be at most Rp\u00a0150.000"]}

    async def test_what_is_worth_no_cent_is_refused(self) -> None:
        await rate("15000")
        campaign = await make_campaign(currency="USD")
        error = await refused(Invalid, make_gift(campaign, amount="1", currency="IDR"))
        assert error.fields == {"amount": ["is worth less than 0.01 USD"]}
        gift = await make_gift(campaign, amount="150", currency="IDR")
        assert gift.counted_amount == Decimal("0.01")

    async def test_what_is_worth_more_than_a_column_holds_is_refused(self) -> None:
        await rate("2")
        campaign = await make_campaign()
        error = await refused(Invalid, dollars(campaign, str(MAX_AMOUNT)))
        assert error.fields.keys() == {"amount"}
        gift = await dollars(campaign, "4999999999999.99")
        assert gift.counted_amount == Decimal("9999999999999.98")

    @pytest.mark.parametrize("amount", ["0.01", "9999999999999.99", "123456789.01"])
    async def test_the_database_agrees_with_every_rounding(self, amount: str) -> None:
        await rate("0.9876543211")
        campaign = await make_campaign()
        counted = (await dollars(campaign, amount)).counted_amount
        assert await total(campaign) == counted


class TestEdit:
    async def test_of_what_waits_is_priced_again(self) -> None:
        await rate()
        campaign = await make_campaign(review_policy="manual")
        gift = await dollars(campaign)
        await rate("20000")
        changed = await donations.update_donation(OPERATOR, gift.id, {"amount": "1"})
        assert (changed.rate, changed.counted_amount) == (Decimal(20_000), None)
        assert (await donations.approve(OPERATOR, gift.id)).counted_amount == 20_000

    async def test_of_a_name_leaves_the_rate(self) -> None:
        await rate()
        gift = await dollars(await make_campaign(review_policy="manual"))
        await rate("20000")
        changed = await donations.update_donation(OPERATOR, gift.id, {"donor_name": "Dewi"})
        assert changed.rate == Decimal("15000.5")

    async def test_into_the_campaigns_currency_takes_the_rate_away(self) -> None:
        await rate()
        gift = await dollars(await make_campaign(review_policy="manual"))
        changed = await donations.update_donation(OPERATOR, gift.id, {"currency": "IDR"})
        assert (changed.rate, changed.rate_as_of, changed.rate_source) == (None, None, None)
        counted = (await donations.approve(OPERATOR, gift.id)).counted_amount
        assert counted == Decimal("10.01")

    async def test_of_the_currency_alone_is_held_to_the_limit(self) -> None:
        await rate("15000")
        campaign = await make_campaign(review_policy="manual", max_gift="50000")
        gift = await make_gift(campaign)
        call = donations.update_donation(OPERATOR, gift.id, {"currency": "USD"})
        assert (await refused(Invalid, call)).fields.keys() == {"amount"}

    async def test_of_what_counts_is_refused(self) -> None:
        await rate()
        gift = await dollars(await make_campaign())
        for attrs in ({"currency": "IDR"}, {"amount": "1"}):
            await refused(Conflict, donations.update_donation(OPERATOR, gift.id, attrs))


class TestMove:
    async def test_to_a_campaign_in_another_currency_is_priced_for_that(self) -> None:
        await rate("15000")
        rupiah = await make_campaign(review_policy="manual")
        dollar = await make_campaign(review_policy="manual", currency="USD")
        gift = await make_gift(rupiah, amount="150000")
        moved = await donations.update_donation(OPERATOR, gift.id, {"campaign_id": dollar.id})
        assert moved.rate == Decimal("0.00006666666667")
        assert (await donations.approve(OPERATOR, gift.id)).counted_amount == 10
        assert (await total(rupiah), await total(dollar)) == (0, 10)

    async def test_home_again_takes_the_rate_away(self) -> None:
        await rate("15000")
        rupiah = await make_campaign(review_policy="manual")
        dollar = await make_campaign(review_policy="manual", currency="USD")
        gift = await dollars(rupiah, "10")
        moved = await donations.update_donation(OPERATOR, gift.id, {"campaign_id": dollar.id})
        assert (moved.rate, moved.currency) == (None, "USD")

    async def test_is_refused_where_there_is_no_rate_or_too_low_a_limit(self) -> None:
        rupiah = await make_campaign(review_policy="manual")
        euro = await make_campaign(currency="EUR")
        small = await make_campaign(max_gift="1")
        gift = await make_gift(rupiah)
        for target, wrong in ((euro, "currency"), (small, "amount")):
            call = donations.update_donation(OPERATOR, gift.id, {"campaign_id": target.id})
            assert (await refused(Invalid, call)).fields.keys() == {wrong}
        assert (await donations.get_donation(OPERATOR, gift.id)).campaign_id == rupiah.id
