from datetime import timedelta

from financial_live.contexts import columns


class TestNewId:
    def test_later_ids_sort_after_earlier_ones(self) -> None:
        made = [columns.new_id() for _ in range(1000)]
        assert made == sorted(made)
        assert len(set(made)) == 1000
        assert {key.version for key in made} == {7}


class TestNow:
    def test_is_in_utc(self) -> None:
        assert columns.now().utcoffset() == timedelta(0)
