"""Made-up gifts."""

import random
from decimal import Decimal

import pytest

from financial_live.cli.donors import gift


class TestGift:
    @pytest.mark.parametrize("currency", ["IDR", "USD", "EUR"])
    def test_is_a_plausible_sum_of_the_currency(self, currency: str) -> None:
        chance = random.Random(1)
        for one in (gift(chance, currency) for _ in range(200)):
            assert one.currency == currency
            least, most = ("25000", "2500000") if currency == "IDR" else ("5", "250")
            assert Decimal(least) <= one.amount <= Decimal(most)

    def test_no_two_come_from_one_address(self) -> None:
        chance = random.Random(1)
        assert len({gift(chance, "USD").donor_email for _ in range(1000)}) == 1000

    def test_names_are_of_many_scripts(self) -> None:
        chance = random.Random(1)
        names = "".join(gift(chance, "USD").donor_name for _ in range(500))
        for letter in ("ا", "ü", "ß", "Ł", "美", "О"):
            assert letter in names

    def test_an_arabic_name_is_arabic_throughout(self) -> None:
        chance = random.Random(1)
        names = [gift(chance, "USD").donor_name for _ in range(500)]
        arabic = [name for name in names if "\u0600" <= name[0] <= "\u06ff"]
        assert arabic
        assert not [name for name in arabic if any("a" <= letter <= "z" for letter in name)]

    def test_the_body_holds_no_message_where_there_is_none(self) -> None:
        chance = random.Random(1)
        for one in (gift(chance, "USD") for _ in range(50)):
            assert ("message" in one.body()["donation"]) == (one.message is not None)
