"""The use cases of exchange rates. Reading is public; entering them is the admins'.

A rate is never changed: who entered a wrong one enters the right one after it. What was converted
meanwhile keeps the rate that it was converted by.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from financial_live import db, rights
from financial_live.contexts import columns, listing
from financial_live.contexts.exchange_rates import ecb, repo
from financial_live.contexts.exchange_rates.conversion import (
    EURO,
    Conversion,
    Rate,
    converted,
    rate_between,
)
from financial_live.contexts.exchange_rates.models import (
    BY_HAND,
    ExchangeRate,
    RateInput,
    today,
)
from financial_live.contexts.inputs import Errors, checked
from financial_live.errors import Invalid
from financial_live.money import CURRENCIES
from financial_live.rights import Act
from financial_live.scope import Scope

_ECB = "ECB"
_SAME = "same currency"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's rates: stored now, known before, and of currencies not used here."""

    new: int
    known: int
    ignored: int


async def convert(amount: Decimal, from_currency: str, to_currency: str) -> Conversion:
    """Return what ``amount`` is worth in ``to_currency`` by the newest rate; for other contexts.

    It is rounded once, to the cent, half a cent to the even one. In the same currency it is itself,
    at 1. Raises Invalid: on ``currency`` if there is no rate, on ``amount`` for what is worth less
    than a cent or more than a column holds.
    """
    if from_currency == to_currency:
        return converted(amount, Rate(Fraction(1), today(), _SAME), to=to_currency)
    async with db.reading() as session:
        newest = await repo.newest(session, today())
    rate = rate_between(newest, from_currency, to_currency)
    if rate is None:
        words = f"has no exchange rate to {to_currency}: give in {to_currency}"
        raise Invalid({"currency": [words]})
    return converted(amount, rate, to=to_currency)


async def rates_to(scope: Scope, currency: str) -> Mapping[str, Rate]:
    """Return which other currencies can be converted to ``currency`` now, and at which rates.

    A gift given later may count at a newer one. Raises MissingScope.
    """
    rights.require(scope, Act.RATES_TO)
    async with db.reading() as session:
        newest = await repo.newest(session, today())
    others = [other for other in CURRENCIES if other != currency]
    found = {other: rate_between(newest, other, currency) for other in others}
    return {other: rate for other, rate in found.items() if rate is not None}


async def list_rates(
    scope: Scope,
    *,
    search: str | None = None,
    order: str = "desc",
    page: int | str = 1,
    per_page: int | str = 20,
) -> listing.Page[ExchangeRate]:
    """Return one page of the rates ever entered, of the newest day first (``order="asc"``: last).

    ``search`` finds a currency, a pair ("EUR USD"), or a part of the source. ``per_page`` is 1 to
    100. Raises Invalid naming every parameter that is wrong, and MissingScope.
    """
    rights.require(scope, Act.LIST_RATES)
    errors = Errors()
    window = listing.window(errors, page=page, per_page=per_page, order=order)
    pattern = listing.search_pattern(errors, search)
    errors.raise_any()
    async with db.reading() as session:
        rows, total = await repo.page(session, pattern=pattern, window=window)
    return listing.Page(rows, window.page, window.per_page, total)


async def set_rate(scope: Scope, attrs: Mapping[str, Any]) -> ExchangeRate:
    """Enter a rate by hand: one unit of base_currency is worth ``rate`` of quote_currency.

    It counts from now on, until there is one of a later day or entered later. Its source says that
    it was entered by hand, and the row who did. Raises Unauthorized, Forbidden, and Invalid naming
    every wrong field.
    """
    rights.require(scope, Act.SET_RATE)
    given = checked(RateInput, attrs).model_dump()
    given["source"] = f"{BY_HAND}{given['source']}"
    rate = ExchangeRate(**given, entered_by=scope.user_id)
    async with db.transaction() as session:
        await repo.add(session, [rate])
    return rate


async def import_ecb(scope: Scope, data: bytes) -> Imported:
    """Store the euro reference rates of a file of the European Central Bank, XML or CSV.

    What it last said of the same day is not stored again; a corrected rate is, and counts. Raises
    Unauthorized, Forbidden, and Invalid with what is wrong in which line: then nothing is stored.
    """
    rights.require(scope, Act.IMPORT_ECB)
    quoted = await asyncio.to_thread(ecb.read, data)
    days = [one.day for one in quoted.rates.values()]
    async with db.transaction() as session:
        # Of two that import the same file at once, the second one finds everything known.
        await repo.hold(session)
        known = await repo.rates_of(
            session, base=EURO, source=_ECB, since=min(days), until=max(days)
        )
        moment = columns.now()
        new = [
            ExchangeRate(
                base_currency=EURO,
                quote_currency=one.currency,
                rate=one.rate,
                as_of=one.day,
                source=_ECB,
                entered_by=scope.user_id,
                inserted_at=moment,
            )
            for key, one in quoted.rates.items()
            if known.get(key) != one.rate
        ]
        await repo.add(session, new)
    return Imported(len(new), len(quoted.rates) - len(new), quoted.ignored)
