import pytest

from financial_live.contexts.campaigns import CampaignStatus
from financial_live.contexts.inputs import Errors
from financial_live.contexts.listing import Page, Window, choice, search_pattern, window


class TestPage:
    def test_counts_its_pages(self) -> None:
        assert Page([], 1, 20, 0).pages == 1
        assert Page([], 1, 20, 20).pages == 1
        assert Page([], 1, 20, 21).pages == 2


class TestWindow:
    def test_reads_numbers_and_text(self) -> None:
        errors = Errors()
        found = window(errors, page="3", per_page=10, order="asc")
        assert found == Window(3, 10, newest_first=False)
        assert found.offset == 20
        assert not errors.fields

    @pytest.mark.parametrize(
        "page", [0, -1, "x", "", "1.5", True, "٣", 10**30, "9" * 5000, "1\x00"]
    )
    def test_refuses_what_is_no_page(self, page: int | str) -> None:
        errors = Errors()
        window(errors, page=page, per_page=101, order="up")
        assert errors.fields == {
            "page": ["must be a whole number from 1 to 1000000"],
            "per_page": ["must be a whole number from 1 to 100"],
            "order": ["is invalid: use asc or desc"],
        }


class TestChoice:
    def test_is_one_of_the_values_or_none(self) -> None:
        errors = Errors()
        assert choice(errors, "status", None, CampaignStatus) is None
        assert choice(errors, "status", "paused", CampaignStatus) == CampaignStatus.PAUSED
        assert not errors.fields
        choice(errors, "status", "ACTIVE", CampaignStatus)
        assert errors.fields == {"status": ["is invalid: use one of active, paused, closed"]}


class TestSearchPattern:
    def test_takes_wildcards_literally(self) -> None:
        assert search_pattern(Errors(), " 100%_\\ ") == "%100\\%\\_\\\\%"

    def test_is_nothing_for_nothing(self) -> None:
        assert search_pattern(Errors(), None) is search_pattern(Errors(), "  ") is None

    @pytest.mark.parametrize("search", ["\x00", "a\ud800", "x" * 201])
    def test_refuses_what_cannot_be_stored(self, search: str) -> None:
        errors = Errors()
        assert search_pattern(errors, search) is None
        assert errors.fields == {"search": ["is invalid"]}
