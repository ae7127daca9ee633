"""Which rate counts, and what an amount is worth by it, compared with exact arithmetic."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, strategies as st

from financial_live.contexts.exchange_rates.conversion import (
    Conversion,
    Rate,
    converted,
    rate_between,
)
from financial_live.contexts.exchange_rates.models import MAX_RATE, MIN_RATE
from financial_live.errors import Invalid
from financial_live.money import MAX_AMOUNT
from tests.contexts.factories import messages

DAY = date(2026, 11, 30)
BEFORE = DAY - timedelta(days=1)
CENT = Fraction(1, 100)

decimals = st.decimals(min_value=MIN_RATE, max_value=MAX_RATE, places=10)
amounts = st.decimals(min_value=Decimal("0.01"), max_value=MAX_AMOUNT, places=2)


def rate(value: str | Decimal, day: date = DAY, source: str = "ECB") -> Rate:
    return Rate(Fraction(value), day, source)


def worth(amount: Decimal, found: Rate | None, *, to: str = "IDR") -> Conversion:
    """Return the conversion; what no column holds is no example."""
    assert found is not None
    try:
        return converted(amount, found, to=to)
    except Invalid:
        exact = Fraction(amount) * found.exact
        assert exact <= CENT / 2 or exact > Fraction(MAX_AMOUNT)
        assume(False)
        raise


class TestRateBetween:
    def test_is_the_one_that_is_entered(self) -> None:
        assert rate_between({("EUR", "IDR"): rate("19000")}, "EUR", "IDR") == rate("19000")

    def test_is_one_over_the_reverse(self) -> None:
        found = rate_between({("EUR", "IDR"): rate("19000")}, "IDR", "EUR")
        assert found == Rate(Fraction(1, 19000), DAY, "ECB")

    def test_goes_over_the_euro_and_is_as_old_as_its_older_half(self) -> None:
        newest = {("EUR", "USD"): rate("1.25", BEFORE), ("EUR", "IDR"): rate("19000", DAY, "me")}
        assert rate_between(newest, "USD", "IDR") == Rate(Fraction(15200), BEFORE, "ECB, me")
        assert rate_between(newest, "IDR", "USD") == Rate(Fraction(1, 15200), BEFORE, "me, ECB")

    def test_over_the_euro_one_source_is_named_once(self) -> None:
        newest = {("EUR", "USD"): rate("1.25"), ("IDR", "EUR"): rate("0.00005")}
        assert rate_between(newest, "USD", "IDR") == Rate(Fraction(16000), DAY, "ECB")

    @pytest.mark.parametrize("days", [(DAY, BEFORE, BEFORE), (DAY, DAY, BEFORE), (DAY, DAY, DAY)])
    def test_the_newest_counts_and_of_the_same_day_the_straightest(
        self, days: tuple[date, date, date]
    ) -> None:
        names = ("direct", "reverse", "cross")
        for turned in range(3):
            of = dict(zip(names, days[turned:] + days[:turned], strict=True))
            newest = {
                ("USD", "IDR"): rate("2", of["direct"], "direct"),
                ("IDR", "USD"): rate("3", of["reverse"], "reverse"),
                ("EUR", "USD"): rate("4", of["cross"], "cross"),
                ("EUR", "IDR"): rate("5", of["cross"], "cross"),
            }
            found = rate_between(newest, "USD", "IDR")
            assert found is not None
            assert found.source == next(name for name in names if of[name] == DAY)

    @pytest.mark.parametrize(
        "newest", [{}, {("EUR", "USD"): rate("1")}, {("IDR", "EUR"): rate("1")}]
    )
    def test_may_be_none(self, newest: dict[tuple[str, str], Rate]) -> None:
        assert rate_between(newest, "USD", "IDR") is None

    @given(decimals, decimals)
    def test_there_and_back_is_one(self, first: Decimal, second: Decimal) -> None:
        newest = {("EUR", "USD"): rate(first), ("EUR", "IDR"): rate(second)}
        for base, quote in (("EUR", "USD"), ("IDR", "EUR"), ("USD", "IDR")):
            there, back = rate_between(newest, base, quote), rate_between(newest, quote, base)
            assert there is not None
            assert back is not None
            assert there.exact * back.exact == 1

    @given(decimals, decimals)
    def test_every_rate_fits_its_column(self, first: Decimal, second: Decimal) -> None:
        newest = {("EUR", "USD"): rate(first), ("EUR", "IDR"): rate(second)}
        for base, quote in (("EUR", "USD"), ("USD", "EUR"), ("USD", "IDR"), ("IDR", "USD")):
            found = rate_between(newest, base, quote)
            assert found is not None
            assert 0 < found.rate <= Decimal("9999999999.9999999999")
            assert abs(Fraction(found.rate) - found.exact) <= Fraction(1, 2 * 10**10)


class TestConverted:
    @pytest.mark.parametrize(
        ("amount", "by", "worth"),
        [
            ("50.00", "19000", "950000.00"),
            ("0.25", "0.1", "0.02"),
            ("0.35", "0.1", "0.04"),
            ("0.251", "0.1", "0.03"),
            ("9999999999999.99", "1", "9999999999999.99"),
        ],
    )
    def test_rounds_half_a_cent_to_the_even_one(self, amount: str, by: str, worth: str) -> None:
        found = converted(Decimal(amount), rate(by), to="EUR")
        assert str(found.amount) == worth
        assert (found.rate, found.as_of, found.source) == (Decimal(by), DAY, "ECB")

    def test_the_shown_rate_is_rounded_but_the_amount_is_made_by_the_exact_one(self) -> None:
        found = converted(MAX_AMOUNT, Rate(Fraction(1, 17000), DAY, "ECB"), to="EUR")
        assert found.rate == Decimal("0.0000588235")
        assert found.amount == Decimal("588235294.12")
        assert round(MAX_AMOUNT * found.rate, 2) == Decimal("588235000.00")

    @pytest.mark.parametrize("amount", ["0.01", "50.00"])
    def test_refuses_what_is_worth_no_cent(self, amount: str) -> None:
        with pytest.raises(Invalid) as refusal:
            converted(Decimal(amount), rate("0.0001"), to="EUR")
        assert messages(refusal.value, "amount") == ["is worth less than 0.01 EUR"]

    def test_refuses_more_than_a_column_holds(self) -> None:
        with pytest.raises(Invalid) as refusal:
            converted(MAX_AMOUNT, rate("1.0000000001"), to="EUR")
        assert messages(refusal.value, "amount") == ["is too large"]

    @given(amounts, decimals)
    def test_is_the_nearest_cent_of_the_exact_value(self, amount: Decimal, value: Decimal) -> None:
        found = worth(amount, rate(value))
        exact = Fraction(amount) * Fraction(value)
        assert abs(Fraction(found.amount) - exact) <= CENT / 2
        assert found.amount.as_tuple().exponent == -2

    @given(amounts, decimals)
    def test_is_so_in_reverse(self, amount: Decimal, value: Decimal) -> None:
        found = worth(amount, rate_between({("IDR", "USD"): rate(value)}, "USD", "IDR"))
        exact = Fraction(amount) / Fraction(value)
        assert abs(Fraction(found.amount) - exact) <= CENT / 2

    @given(amounts, decimals, decimals)
    def test_is_so_over_the_euro(self, amount: Decimal, usd: Decimal, idr: Decimal) -> None:
        newest = {("EUR", "USD"): rate(usd), ("EUR", "IDR"): rate(idr)}
        found = worth(amount, rate_between(newest, "USD", "IDR"))
        exact = Fraction(amount) / Fraction(usd) * Fraction(idr)
        assert abs(Fraction(found.amount) - exact) <= CENT / 2

    @given(amounts, decimals)
    def test_differs_from_the_shown_rate_only_as_far_as_is_said(
        self, amount: Decimal, value: Decimal
    ) -> None:
        found = worth(amount, Rate(1 / Fraction(value), DAY, "ECB"))
        apart = abs(Fraction(found.amount) - Fraction(amount) * Fraction(found.rate))
        assert apart <= CENT / 2 + Fraction(amount) * Fraction(1, 2 * 10**10)
