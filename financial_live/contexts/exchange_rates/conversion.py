"""Which rate counts, and what an amount is worth by it: pure, and exact until the last rounding.

A rate between two currencies is the one entered for them, or else one over that for the reverse, or
else the way over the euro, which banks quote all others in. The newest of these counts, whichever
it is; of the same day the straightest. A way over the euro is as old as its older half.

What is worth 1/17000 has no end as a decimal. So rates are fractions here: an amount is rounded
once, to the cent, and never by a rate that was rounded before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from financial_live.contexts.inputs import TOO_LARGE
from financial_live.errors import Invalid
from financial_live.money import MAX_AMOUNT

EURO = "EUR"
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in another, on which day, and who says so."""

    exact: Fraction
    as_of: date
    source: str

    @property
    def rate(self) -> Decimal:
        """The rate to ten decimals, as it is shown and kept."""
        return Decimal(round(self.exact * 10**10)).scaleb(-10)


@dataclass(frozen=True, slots=True)
class Conversion:
    """An amount in the currency it was asked for in, and by which rate.

    ``amount`` is to the cent. ``rate`` is how many units of that currency one unit of the first one
    is worth, rounded to ten decimals; the amount was made by the exact one. So it differs from the
    first amount times ``rate`` by up to half a cent and 5e-11 of the first amount.
    """

    amount: Decimal
    rate: Decimal
    as_of: date
    source: str


def rate_between(newest: Mapping[Pair, Rate], base: str, quote: str) -> Rate | None:
    """Return what one unit of ``base`` is worth in ``quote`` by the newest rate of each pair."""
    ways = [*_straight(newest, base, quote), *_over_euro(newest, base, quote)]
    return _latest(ways)


def _latest(ways: list[Rate]) -> Rate | None:
    """Return the newest; of the same day the first."""
    return max(ways, key=lambda way: way.as_of, default=None)


def _straight(newest: Mapping[Pair, Rate], base: str, quote: str) -> Iterator[Rate]:
    if (direct := newest.get((base, quote))) is not None:
        yield direct
    if (reverse := newest.get((quote, base))) is not None:
        yield Rate(1 / reverse.exact, reverse.as_of, reverse.source)


def _over_euro(newest: Mapping[Pair, Rate], base: str, quote: str) -> Iterator[Rate]:
    if EURO in (base, quote):
        return
    first = _latest([*_straight(newest, base, EURO)])
    second = _latest([*_straight(newest, EURO, quote)])
    if first is not None and second is not None:
        sources = dict.fromkeys((first.source, second.source))
        yield Rate(first.exact * second.exact, min(first.as_of, second.as_of), ", ".join(sources))


def converted(amount: Decimal, rate: Rate, *, to: str) -> Conversion:
    """Return what ``amount`` is worth, half a cent going to the even one.

    Raises Invalid for what is worth no cent of ``to``, or more than a column holds.
    """
    cents = round(Fraction(amount) * rate.exact * 100)
    if cents <= 0:
        raise Invalid({"amount": [f"is worth less than 0.01 {to}"]})
    if cents > MAX_AMOUNT * 100:
        raise Invalid({"amount": [TOO_LARGE]})
    return Conversion(Decimal(cents).scaleb(-2), rate.rate, rate.as_of, rate.source)
