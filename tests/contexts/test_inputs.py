from decimal import Decimal
from typing import Annotated, Any

import pytest

from financial_live.contexts.inputs import (
    Amount,
    CurrencyCode,
    Email,
    Errors,
    Input,
    Switch,
    checked,
    is_storable_text,
    line_of,
    prose_of,
)
from financial_live.errors import Invalid


class Everything(Input):
    name: Annotated[str, line_of(160)] = "x"
    text: Annotated[str, prose_of(20)] = ""
    email: Email = "a@b.c"
    amount: Amount = Decimal(1)
    currency: CurrencyCode = "IDR"
    switch: Switch = True


class Needed(Input):
    name: Annotated[str, line_of(160)]
    amount: Amount


def wrong(field: str, value: object) -> list[str]:
    with pytest.raises(Invalid) as caught:
        checked(Everything, {field: value})
    return caught.value.fields[field]


class TestChecked:
    def test_reports_every_wrong_field_at_once(self) -> None:
        with pytest.raises(Invalid) as caught:
            checked(Everything, {"name": "", "email": "x", "amount": "-1", "currency": "GBP"})
        assert caught.value.fields.keys() == {"name", "email", "amount", "currency"}

    def test_what_is_missing_is_blank(self) -> None:
        with pytest.raises(Invalid) as caught:
            checked(Needed, {})
        assert caught.value.fields == {"name": ["can't be blank"], "amount": ["can't be blank"]}

    def test_ignores_unknown_fields(self) -> None:
        assert checked(Everything, {"is_admin": True}) == Everything()

    def test_never_repeats_the_input(self) -> None:
        with pytest.raises(Invalid) as caught:
            checked(Everything, {"email": "secret"})
        assert "secret" not in str(caught.value)
        assert caught.value.__suppress_context__


class TestLine:
    def test_keeps_what_was_given_but_surrounding_space(self) -> None:
        assert checked(Everything, {"name": " \u00a0Dewi  Lestari\n"}).name == "Dewi  Lestari"

    @pytest.mark.parametrize(
        "name",
        [
            "فاطمة الزهراء",
            "نועה",
            "می\u200cخواهم",
            "\u202eevil\u202c",
            "e\u0301",
            "👩\u200d🚀",
            "İ",
        ],
    )
    def test_keeps_every_script_as_given(self, name: str) -> None:
        assert checked(Everything, {"name": name}).name == name

    @pytest.mark.parametrize("name", [None, "", " ", "\t\n", "\u200b", "\u202e\u202c"])
    def test_refuses_what_shows_nothing(self, name: object) -> None:
        assert wrong("name", name) == ["can't be blank"]

    @pytest.mark.parametrize("name", ["a\x00b", "a\nb", "a\x1bb", "a\x7fb", "a\u2028b", "a\ud800b"])
    def test_refuses_control_characters(self, name: str) -> None:
        assert wrong("name", name) == ["is invalid: it has control characters"]

    @pytest.mark.parametrize("name", [5, True, ["a"], {"a": 1}, b"a", 1.5])
    def test_refuses_what_is_no_text(self, name: object) -> None:
        assert wrong("name", name) == ["is invalid"]

    def test_refuses_ten_thousand_letters(self) -> None:
        assert wrong("name", "x" * 10_000) == ["should be at most 160 character(s)"]

    def test_counts_characters_not_bytes(self) -> None:
        assert len(checked(Everything, {"name": "字" * 160}).name) == 160


class TestProse:
    def test_may_have_several_lines_or_none(self) -> None:
        assert checked(Everything, {"text": " a\r\n\tb "}).text == "a\r\n\tb"
        assert checked(Everything, {"text": None}).text == checked(Everything, {}).text == ""

    def test_refuses_other_control_characters(self) -> None:
        assert wrong("text", "a\x00") == ["is invalid: it has control characters"]
        assert wrong("text", 5) == ["is invalid"]
        assert wrong("text", "x" * 21) == ["should be at most 20 character(s)"]


class TestEmail:
    @pytest.mark.parametrize("email", ["a@b", "siti+mosque@sub.example.org", "用户@例子.公司"])
    def test_is_one_at_sign_with_something_on_both_sides(self, email: str) -> None:
        assert checked(Everything, {"email": f" {email} "}).email == email

    @pytest.mark.parametrize(
        "email",
        ["siti", "@b", "a@", "a@@b", "a@b@c", "a b@c", "a@b c", "a@b\x00", "a\n@b", "a@\u00a0", 5],
    )
    def test_refuses_everything_else(self, email: object) -> None:
        assert wrong("email", email) == ["is invalid"]

    def test_refuses_more_than_254_characters(self) -> None:
        assert wrong("email", "a@" + "b" * 253) == ["should be at most 254 character(s)"]


class TestAmount:
    @pytest.mark.parametrize(
        ("given", "amount"),
        [
            ("50", "50"),
            ("50.5", "50.5"),
            (" 50.25 ", "50.25"),
            (50, "50"),
            (Decimal("5E+1"), "50"),
            (Decimal("50.2500"), "50.25"),
            ("9999999999999.99", "9999999999999.99"),
        ],
    )
    def test_is_plain_text_or_a_whole_number_or_decimal(self, given: Any, amount: str) -> None:
        read = checked(Everything, {"amount": given}).amount
        assert read == Decimal(amount)
        assert read.as_tuple().exponent == -2

    @pytest.mark.parametrize("given", [None, "", "  "])
    def test_must_be_there(self, given: object) -> None:
        assert wrong("amount", given) == ["can't be blank"]

    @pytest.mark.parametrize("given", [0, -1, "0", "-0.01", "0.00", Decimal("-5")])
    def test_must_be_positive(self, given: object) -> None:
        assert wrong("amount", given) == ["must be greater than 0"]

    @pytest.mark.parametrize("given", ["0.001", "1.000", "1.2345", Decimal("1E-400")])
    def test_has_at_most_two_decimals(self, given: object) -> None:
        assert wrong("amount", given) == ["must have at most 2 decimal places"]

    @pytest.mark.parametrize("given", ["10000000000000", 10**400, Decimal("1E+400")])
    def test_fits_its_column(self, given: object) -> None:
        assert wrong("amount", given) == ["is too large"]

    @pytest.mark.parametrize(
        "given",
        [
            *("NaN", "Infinity", "-Infinity", "sNaN", "1e400", "1e2", "fifty", "1,5", "1_000"),
            *("٥", "+5", "5\x00", "5\ud800", "9" * 10_000),
            *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")),
            *(1.5, float("nan"), True, [1], {}),
        ],
    )
    def test_refuses_what_is_no_exact_number(self, given: object) -> None:
        assert wrong("amount", given) == ["is invalid"]


class TestCurrency:
    @pytest.mark.parametrize("given", ["GBP", "idr", " IDR", "IDR\x00", 5, ["IDR"]])
    def test_is_one_of_ours(self, given: object) -> None:
        assert wrong("currency", given) == ["is invalid: use one of IDR, USD, EUR"]

    @pytest.mark.parametrize("given", [None, ""])
    def test_must_be_there(self, given: object) -> None:
        assert wrong("currency", given) == ["can't be blank"]


class TestSwitch:
    @pytest.mark.parametrize(
        ("given", "is_on"),
        [
            *((given, True) for given in (True, "on", "TRUE", "1")),
            *((given, False) for given in (False, "off", "", "0")),
        ],
    )
    def test_reads_json_and_forms(self, given: object, is_on: bool) -> None:
        assert checked(Everything, {"switch": given}).switch is is_on

    @pytest.mark.parametrize("given", ["maybe", 2, None, []])
    def test_refuses_everything_else(self, given: object) -> None:
        assert wrong("switch", given) == ["is invalid"]


class TestErrors:
    def test_raises_only_what_was_noted(self) -> None:
        errors = Errors()
        errors.raise_any()
        errors.add("page", "is odd")
        errors.add("page", "is late")
        with pytest.raises(Invalid) as caught:
            errors.raise_any()
        assert caught.value.fields == {"page": ["is odd", "is late"]}


class TestIsStorableText:
    def test_allows_what_it_is_told_to(self) -> None:
        assert not is_storable_text("a\nb")
        assert is_storable_text("a\nb", allowed=frozenset("\n"))
