"""What a challenge may be made of."""

import pytest

from financial_live.contexts.inputs import checked
from financial_live.contexts.matches import ChallengeInput
from financial_live.errors import Invalid

GIVEN = {"sponsor_name": "Yayasan Harapan", "ratio": "1", "cap": "1000"}
EARLY, LATE = "2026-12-24T18:00:00Z", "2026-12-24T20:00:00Z"


class TestChallengeInput:
    @pytest.mark.parametrize("ends_at", [EARLY, "2026-12-24T17:00:00Z"])
    def test_ends_after_it_starts(self, ends_at: str) -> None:
        with pytest.raises(Invalid) as refused:
            checked(ChallengeInput, GIVEN | {"starts_at": EARLY, "ends_at": ends_at})
        assert refused.value.fields == {"ends_at": ["must be after starts_at"]}

    def test_may_say_either_moment_or_none(self) -> None:
        for moments in ({}, {"starts_at": EARLY}, {"ends_at": LATE}):
            assert checked(ChallengeInput, GIVEN | moments).sponsor_name == "Yayasan Harapan"
