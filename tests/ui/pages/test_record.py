"""A list of gifts is read as people paste and type it, and nothing of it is guessed."""

import pytest

from financial_live.ui.pages.record import read_lines


class TestReadLines:
    @pytest.mark.parametrize(
        ("line", "name", "amount", "email"),
        [
            ("Siti, 50.000, siti@example.org", "Siti", "50000", "siti@example.org"),
            ("Siti N\tRp 50.000\tsiti@example.org", "Siti N", "50000", "siti@example.org"),
            ("Siti; 50,000", "Siti", "50000", None),
            ("Smith, John, 50.000", "Smith, John", "50000", None),
            ("Siti\t50.000\t", "Siti", "50000", None),
        ],
    )
    def test_takes_cells_semicolons_and_commas(
        self, line: str, name: str, amount: str, email: str | None
    ) -> None:
        [read] = read_lines(line, "IDR")
        expected = {"donor_name": name, "amount": amount, "currency": "IDR"}
        assert read.attrs == expected | ({"donor_email": email} if email else {})
        assert read.problem == ""

    def test_counts_lines_as_they_stand_and_passes_over_blank_ones(self) -> None:
        read = read_lines("\nSiti, 1\n\nBudi, 2\n", "USD")
        assert [line.number for line in read] == [2, 4]

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("Siti", "needs a name and an amount: Siti, 50.000"),
            ("Siti, twelve", "Amount “twelve” is invalid"),
            ("Siti, 1.000", "could be read in two ways"),
            ("Siti, -5", "must be greater than 0"),
        ],
    )
    def test_says_what_is_wrong_with_a_line(self, line: str, problem: str) -> None:
        [read] = read_lines(line, "EUR")
        assert problem in read.problem
        assert read.attrs == {}
