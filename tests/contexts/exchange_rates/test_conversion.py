"""Which rate counts, and what an amount is worth by it."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from financial_live.contexts.exchange_rates.conversion import (
    Conversion,
    Pair,
    Rate,
    converted,
    rate_between,
)
from financial_live.errors import Invalid

MONDAY, TUESDAY = date(2026, 11, 30), date(2026, 12, 1)
amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10) ** 9, places=2)
rates = st.decimals(min_value=Decimal("0.00001"), max_value=Decimal(99_999), places=10)


def rate(text: str | Decimal, *, day: date = MONDAY, source: str = "ECB") -> Rate:
    return Rate(Fraction(text), day, source)


def between(newest: dict[Pair, Rate], base: str, quote: str) -> tuple[Fraction, date, str]:
    found = rate_between(newest, base, quote)
    assert found is not None
    return found.exact, found.as_of, found.source


class TestRateBetween:
    def test_is_the_one_for_the_two(self) -> None:
        assert between({("EUR", "USD"): rate("1.25")}, "EUR", "USD")[0] == Fraction(5, 4)

    def test_is_the_reverse_of_the_other_way_round(self) -> None:
        assert between({("EUR", "USD"): rate("1.25")}, "USD", "EUR")[0] == Fraction(4, 5)

    def test_goes_over_the_euro_and_is_as_old_as_the_older_half(self) -> None:
        newest = {
            ("EUR", "USD"): rate("1.25", day=TUESDAY),
            ("EUR", "IDR"): rate("20000", source="Bank"),
        }
        assert between(newest, "USD", "IDR") == (Fraction(16_000), MONDAY, "ECB, Bank")

    def test_the_newest_counts_whichever_it_is(self) -> None:
        newest = {("EUR", "USD"): rate("2"), ("USD", "EUR"): rate("0.8", day=TUESDAY)}
        assert between(newest, "EUR", "USD")[0] == Fraction(5, 4)

    def test_of_one_day_the_straightest_counts(self) -> None:
        newest = {
            ("USD", "IDR"): rate("16000"),
            ("IDR", "USD"): rate("0.0001"),
            ("EUR", "USD"): rate("1"),
            ("EUR", "IDR"): rate("17000"),
        }
        assert between(newest, "USD", "IDR")[0] == 16_000
        del newest["USD", "IDR"]
        assert between(newest, "USD", "IDR")[0] == 10_000

    def test_is_none_where_nothing_leads_there(self) -> None:
        assert rate_between({("EUR", "USD"): rate("1.25")}, "USD", "IDR") is None


class TestConverted:
    def test_half_a_cent_is_rounded_up(self) -> None:
        assert converted(Decimal("0.10"), rate("0.25"), to="USD").amount == Decimal("0.03")

    @given(amounts, rates)
    def test_is_the_amount_times_the_rate_that_is_kept(self, amount: Decimal, by: Decimal) -> None:
        try:
            found: Conversion = converted(amount, rate(by), to="IDR")
        except Invalid:
            assert amount * by < Decimal("0.005") or amount * by > Decimal(10) ** 13 - 1
            return
        assert abs(found.amount - amount * found.rate) <= Decimal("0.005")

    @given(amounts, rates)
    def test_the_way_back_is_as_exact_as_its_fourteen_decimals(
        self, amount: Decimal, by: Decimal
    ) -> None:
        back = rate_between({("EUR", "USD"): rate(by)}, "USD", "EUR")
        assert back is not None
        exact = Fraction(amount) / Fraction(by)
        if Fraction("0.01") <= exact < 10**12:
            found = converted(amount, back, to="EUR").amount
            assert abs(Fraction(found) - exact) <= Fraction("0.005") + Fraction(amount) / 10**14

    @pytest.mark.parametrize(
        ("amount", "by", "words"),
        [("0.01", "0.4", "worth less than 0.01 EUR"), ("9999999999999", "2", "too large")],
    )
    def test_refuses_what_no_column_holds(self, amount: str, by: str, words: str) -> None:
        with pytest.raises(Invalid, match=words):
            converted(Decimal(amount), rate(by), to="EUR")
