"""Forms: a browser may send anything at all."""

import pytest

from financial_live.errors import Conflict, Invalid
from financial_live.ui import forms

LABELS = {"amount": "Amount", "donor_name": "Name"}


class TestTexts:
    @pytest.mark.parametrize("sent", [None, 7, "text", ["a"], {"a": 1}, {"a": None}, {"a": {}}])
    def test_what_is_no_text_is_left_out(self, sent: object) -> None:
        assert forms.texts(sent) == {}

    def test_texts_stay_as_they_were_typed(self) -> None:
        assert forms.texts({"a": " x ", "b": 1}) == {"a": " x "}


class TestIsOn:
    @pytest.mark.parametrize("value", [True, "on", "true", "True"])
    def test_a_ticked_box(self, value: object) -> None:
        assert forms.is_on({"box": value}, "box")

    @pytest.mark.parametrize("form", [None, "on", {}, {"box": False}, {"box": 1}, {"box": "off"}])
    def test_anything_else_is_not(self, form: object) -> None:
        assert not forms.is_on(form, "box")


class TestReadAmount:
    def test_gives_a_plain_amount(self) -> None:
        assert forms.read_amount("Rp 1.250.000", "IDR") == ("1250000", "")

    def test_or_says_what_is_wrong(self) -> None:
        plain, problem = forms.read_amount("1jt", "IDR")
        assert plain == ""
        assert "1.000.000" in problem

    def test_nothing_is_nothing(self) -> None:
        assert forms.read_amount("  ", "USD") == ("", "")

    @pytest.mark.parametrize("currency", ["", "XXX"])
    def test_an_unknown_currency_is_a_problem_of_its_own_field(self, currency: str) -> None:
        plain, _ = forms.read_amount("5", currency)
        assert plain in ("", "5")


class TestSentences:
    def test_each_wrong_field_gets_one(self) -> None:
        error = Invalid(
            {"amount": ["is invalid", "is too large"], "donor_name": ["can't be blank"]}
        )
        assert forms.sentences(error, LABELS) == {
            "amount": "Amount is invalid; is too large.",
            "donor_name": "Name can't be blank.",
        }

    def test_what_belongs_to_no_field_is_said_for_the_form(self) -> None:
        assert forms.sentences(Conflict("No."), LABELS) == {"form": "No."}
        closed = Invalid({"campaign_id": ["is closed"]})
        assert forms.sentences(closed, LABELS, elsewhere={"campaign_id": "This campaign"}) == {
            "form": "This campaign is closed."
        }
