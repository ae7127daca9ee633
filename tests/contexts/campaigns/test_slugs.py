import re
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from financial_live.contexts.campaigns.models import SLUG_LENGTH, SLUG_PATTERN
from financial_live.contexts.campaigns.slugs import free_slug, slug_of

ID = UUID("01a20986-6915-76b1-bec7-a7d114a33699")


class TestSlugOf:
    @pytest.mark.parametrize(
        ("name", "slug"),
        [
            ("Build Mosque", "build-mosque"),
            ("  Bâtir l'école №2! ", "batir-l-ecole-no2"),
            ("Großes Fest in Łódź & Ørsta", "grosses-fest-in-lodz-orsta"),
            ("İstanbul ılıca", "istanbul-ilica"),
            ("Đà Nẵng", "da-nang"),
            ("ｆｕｌｌ width", "full-width"),
            ("2026", "2026"),
        ],
    )
    def test_spells_a_name_in_latin_letters(self, name: str, slug: str) -> None:
        assert slug_of(name, ID) == slug

    @pytest.mark.parametrize("name", ["مسجد", "学校", "!!!", "New", "new!", str(ID)])
    def test_falls_back_to_the_id(self, name: str) -> None:
        assert slug_of(name, ID) == "campaign-14a33699"

    @given(st.text(min_size=1, max_size=200))
    def test_always_makes_a_valid_slug(self, name: str) -> None:
        slug = slug_of(name, ID)
        assert re.fullmatch(SLUG_PATTERN, slug)
        assert len(slug) <= SLUG_LENGTH


class TestFreeSlug:
    def test_takes_the_first_free_number(self) -> None:
        assert free_slug("a", set()) == "a"
        assert free_slug("a", {"a", "a-2", "a-4"}) == "a-3"

    def test_stays_within_the_length(self) -> None:
        base = "x" * (SLUG_LENGTH - 3) + "-yy"
        assert free_slug(base, {base}) == "x" * (SLUG_LENGTH - 3) + "-2"
