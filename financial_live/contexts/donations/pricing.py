"""What a gift is worth to its campaign: its amount, or by an exchange rate where they differ."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from financial_live.contexts import exchange_rates
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.inputs import NOT_POSITIVE, TOO_LARGE
from financial_live.errors import Invalid
from financial_live.money import MAX_AMOUNT, format_amount


@dataclass(frozen=True, slots=True)
class Price:
    """What a gift is worth in its campaign's currency, and by which rate, from when and whom.

    There is no rate where the currencies are one.
    """

    amount: Decimal
    rate: Decimal | None = None
    rate_as_of: date | None = None
    rate_source: str | None = None


async def price(amount: Decimal, currency: str, campaign: Campaign) -> Price:
    """Return what ``amount`` is worth to ``campaign``, by today's rate.

    Raises Invalid where there is no rate, and for what is too little or too much.
    """
    if currency == campaign.currency:
        found = Price(amount)
    else:
        by = await exchange_rates.convert(amount, currency, campaign.currency)
        found = Price(by.amount, by.rate, by.as_of, by.source)
    if problem := _problem(found.amount, campaign):
        raise Invalid({"amount": [problem]})
    return found


def _problem(amount: Decimal, campaign: Campaign) -> str | None:
    """Return what is wrong with an amount in the campaign's currency."""
    if amount <= 0:
        return NOT_POSITIVE
    if amount > MAX_AMOUNT:
        return TOO_LARGE
    if amount > campaign.gift_limit:
        return f"must be at most {format_amount(campaign.gift_limit, campaign.currency)}"
    return None
