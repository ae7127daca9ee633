from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from financial_live.contexts.inputs import Amount, Input, checked
from financial_live.errors import Invalid
from financial_live.money import (
    CURRENCIES,
    HOME_LOCALES,
    MAX_AMOUNT,
    AmountError,
    format_amount,
    parse_amount,
    progress,
)

NBSP = "\u00a0"
currencies = st.sampled_from(sorted(CURRENCIES))
amounts = st.decimals(min_value=Decimal("0.01"), max_value=MAX_AMOUNT, places=2)
scribbles = st.text(alphabet="0123456789.,' -+eEkjtRp$€N\u00a0", max_size=20)


class Strict(Input):
    amount: Amount


def refusal(text: str, currency: str = "IDR", locale: str | None = None) -> str:
    with pytest.raises(AmountError) as caught:
        parse_amount(text, currency, locale=locale)
    return caught.value.message


class TestParseAmount:
    @pytest.mark.parametrize(
        ("text", "currency", "amount"),
        [
            ("1.000.000", "IDR", "1000000"),
            ("1,000,000", "IDR", "1000000"),
            ("1 000 000", "IDR", "1000000"),
            (f"1{NBSP}000{NBSP}000", "EUR", "1000000"),
            ("1'000'000", "EUR", "1000000"),
            ("1000000", "USD", "1000000"),
            ("Rp 50.000", "IDR", "50000"),
            (f"Rp{NBSP}50.000", "IDR", "50000"),
            ("rp50.000", "IDR", "50000"),
            ("Rp. 50.000", "IDR", "50000"),
            ("50.000 IDR", "IDR", "50000"),
            ("US$ 50.25", "USD", "50.25"),
            ("50 €", "EUR", "50"),
            ("50,5", "EUR", "50.5"),
            ("50.25", "USD", "50.25"),
            ("1.000,50", "EUR", "1000.50"),
            ("1,000.50", "EUR", "1000.50"),
            ("1 000,50", "EUR", "1000.50"),
            ("1.000", "IDR", "1000"),
            ("50.000", "IDR", "50000"),
            ("1.000.000,00", "IDR", "1000000"),
            ("Rp1.000.000", "IDR", "1000000"),
            ("1.000.000", "USD", "1000000"),
            ("1,000", "IDR", "1000"),
            ("1,000", "USD", "1000"),
            ("١٬٠٠٠٬٠٠٠", "IDR", "1000000"),
            ("９００", "USD", "900"),
            ("9999999999999.99", "USD", "9999999999999.99"),
        ],
    )
    def test_reads_what_people_type(self, text: str, currency: str, amount: str) -> None:
        assert parse_amount(text, currency) == Decimal(amount)

    @pytest.mark.parametrize(
        ("text", "currency"), [("1.000", "USD"), ("1.000", "EUR"), ("1,000", "EUR")]
    )
    def test_refuses_what_could_be_read_in_two_ways(self, text: str, currency: str) -> None:
        assert refusal(text, currency) == (
            "could be read in two ways: write 1000, or at most 2 decimals"
        )

    def test_a_locale_decides_between_two_readings(self) -> None:
        assert parse_amount("1.000", "EUR", locale="de-DE") == 1000
        assert parse_amount("1,000", "EUR", locale="en") == 1000
        assert refusal("1,000", "EUR", locale="de-DE") == "must have at most 2 decimal places"

    @pytest.mark.parametrize("currency", sorted(CURRENCIES))
    @pytest.mark.parametrize(
        "text",
        [
            *("1jt", "1JT", "1 juta", "1,5jt", "1.5 juta", "1rb", "10rb", "10 ribu", "1.000k"),
            *("1k", "2k", "2K", "1m", "1 M", "1mio.", "1 million", "1 miliar"),
        ],
    )
    def test_refuses_abbreviations_and_shows_how_to_write_it(
        self, text: str, currency: str
    ) -> None:
        assert refusal(text, currency) == "is invalid: write every digit, such as 1.000.000"

    @pytest.mark.parametrize("text", ["Rp 1jt", "Rp1,5jt", "1jt IDR", "IDR 2k"])
    def test_refuses_them_beside_a_currency_too(self, text: str) -> None:
        assert refusal(text) == "is invalid: write every digit, such as 1.000.000"

    def test_what_the_hint_shows_can_be_written_in_every_currency(self) -> None:
        shown = refusal("1jt").rpartition(" ")[2]
        assert {parse_amount(shown, currency) for currency in CURRENCIES} == {Decimal(1_000_000)}

    @pytest.mark.parametrize("text", ["0", "0.00", "-5", "-1.000", "−7", "Rp -5", "-Rp 5"])
    def test_refuses_what_is_not_positive(self, text: str) -> None:
        assert refusal(text) == "must be greater than 0"

    @pytest.mark.parametrize(
        "text",
        [
            *("NaN", "Infinity", "-Infinity", "1e400", "abc", "1..5", "50.", ".5", "+5", "(5)"),
            *("5%", "0x10", "1_000", "\x00", "5\x00", "٪", "½", "²", "9" * 65),
        ],
    )
    def test_refuses_what_is_no_number(self, text: str) -> None:
        assert refusal(text) == "is invalid"

    @pytest.mark.parametrize("text", ["1.00.000", "1,00,000", "1000.000.000", "1.000 000.000"])
    def test_refuses_groups_that_are_not_of_three(self, text: str) -> None:
        assert refusal(text) == "is invalid: write every digit, such as 1.000.000"

    @pytest.mark.parametrize("text", ["1.2345", "0.500", "1234.567", "1.000,5000"])
    def test_refuses_more_than_two_decimals(self, text: str) -> None:
        assert refusal(text) == "must have at most 2 decimal places"

    def test_refuses_nothing_at_all(self) -> None:
        assert refusal("") == refusal(" \u00a0") == refusal("Rp") == "can't be blank"

    def test_refuses_more_than_a_column_holds(self) -> None:
        assert refusal("10000000000000") == "is too large"

    def test_refuses_the_mark_of_another_currency(self) -> None:
        assert refusal("$50") == "is in USD, but must be in IDR"
        assert refusal("50 Rp", "EUR") == "is in IDR, but must be in EUR"

    def test_refuses_an_unknown_currency(self) -> None:
        assert "none of IDR, USD, EUR" in refusal("50", "GBP")

    @given(scribbles, currencies)
    def test_gives_a_positive_amount_to_the_cent_or_refuses(self, text: str, code: str) -> None:
        try:
            amount = parse_amount(text, code)
        except AmountError as error:
            assert error.message
        else:
            assert 0 < amount <= MAX_AMOUNT
            assert amount == round(amount, 2)

    @given(scribbles, currencies)
    def test_accepts_at_least_what_a_program_may_send(self, text: str, code: str) -> None:
        """A door may hand on what it could not parse, sure that the context refuses it too."""
        try:
            strict = checked(Strict, {"amount": text}).amount
        except Invalid as error:
            assert error.fields["amount"]
        else:
            assert parse_amount(text, code) == strict


class TestFormatAmount:
    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("50000", "IDR", f"Rp{NBSP}50.000"),
            ("50000.00", "IDR", f"Rp{NBSP}50.000"),
            ("1000000.00", "IDR", f"Rp{NBSP}1.000.000"),
            ("1234567.5", "IDR", f"Rp{NBSP}1.234.567,50"),
            ("50.25", "USD", "$50.25"),
            ("1000", "USD", "$1,000"),
            ("50", "EUR", "€50"),
            ("0.1", "EUR", "€0.10"),
            ("0", "EUR", "€0"),
            ("999999999999999999.99", "EUR", "€999,999,999,999,999,999.99"),
            ("-50000", "IDR", f"-Rp{NBSP}50.000"),
        ],
    )
    def test_writes_as_the_home_country_does(self, amount: str, currency: str, text: str) -> None:
        assert format_amount(Decimal(amount), currency) == text

    @given(amounts, currencies)
    def test_what_is_written_is_read_back(self, amount: Decimal, currency: str) -> None:
        text = format_amount(amount, currency)
        assert parse_amount(text, currency, locale=HOME_LOCALES[currency]) == amount

    @given(amounts, st.sampled_from(["IDR", "USD"]))
    def test_what_is_written_in_rupiah_or_dollars_needs_no_locale(
        self, amount: Decimal, currency: str
    ) -> None:
        assert parse_amount(format_amount(amount, currency), currency) == amount


class TestProgress:
    def test_is_a_percentage_with_one_decimal(self) -> None:
        assert progress(Decimal(1), Decimal(3)) == Decimal("33.3")

    def test_may_exceed_a_hundred(self) -> None:
        assert progress(Decimal(250), Decimal(100)) == Decimal("250.0")

    def test_reaches_a_hundred_only_with_the_goal(self) -> None:
        assert progress(Decimal("99.99"), Decimal(100)) == Decimal("99.9")
        assert progress(Decimal(100), Decimal(100)) == Decimal("100.0")

    def test_takes_the_largest_total_of_the_smallest_goal(self) -> None:
        assert progress(Decimal("999999999999999999.99"), Decimal("0.01")) > 10**21
