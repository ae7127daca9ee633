"""Streams: a change of one row sends one slot, and slots always hold the right rows."""

from hypothesis import given, strategies as st

from financial_live.ui.live import CampaignLive
from financial_live.ui.stream import Row, Slots, rows_of

SIZE = 5


def row(number: int, amount: int = 1) -> Row:
    return {"id": str(number), "at": f"{number:06}", "amount": amount}


def held(screen: dict[str, Row | None]) -> dict[str, Row]:
    """Return the rows that a browser with these slots shows."""
    return {str(r["id"]): r for r in screen.values() if r is not None}


class TestSlots:
    def test_a_reset_names_every_slot_so_that_nothing_old_stays(self) -> None:
        filled = Slots(SIZE).reset({"1": row(1)})
        assert filled == {"r0": row(1), "r1": None, "r2": None, "r3": None, "r4": None}

    def test_a_new_row_travels_alone(self) -> None:
        slots = Slots(SIZE)
        slots.reset({"1": row(1)})
        assert list(slots.change({"2": row(2)}, ()).values()) == [row(2)]

    def test_a_changed_row_stays_in_its_slot(self) -> None:
        slots = Slots(SIZE)
        slots.reset({"1": row(1), "2": row(2)})
        assert slots.change({"2": row(2, amount=9)}, ()) == {"r1": row(2, amount=9)}

    def test_a_removed_row_empties_its_slot(self) -> None:
        slots = Slots(SIZE)
        slots.reset({"1": row(1), "2": row(2)})
        assert slots.change({}, ("1",)) == {"r0": None}

    def test_in_a_full_list_the_new_row_takes_the_slot_of_the_one_that_leaves(self) -> None:
        slots = Slots(2)
        slots.reset({"2": row(2), "1": row(1)})
        assert slots.change({"3": row(3)}, ("1",)) == {"r1": row(3)}

    def test_a_row_that_nobody_holds_is_removed_without_a_word(self) -> None:
        assert Slots(SIZE).change({}, ("7",)) == {}

    @given(st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(1, 3)), max_size=60))
    def test_a_browser_that_merges_every_change_shows_what_a_new_one_is_sent(
        self, steps: list[tuple[int, bool, int]]
    ) -> None:
        slots, screen, truth = Slots(SIZE), dict[str, Row | None](), dict[str, Row]()
        screen |= slots.reset(truth)
        for number, is_removal, amount in steps:
            key = str(number)
            before = dict(truth)
            if is_removal:
                truth.pop(key, None)
            else:
                truth[key] = row(number, amount)
                if len(truth) > SIZE:
                    truth.pop(min(truth, key=int))
            changed = {k: r for k, r in truth.items() if before.get(k) != r}
            screen |= slots.change(changed, tuple(k for k in before if k not in truth))
            assert held(screen) == truth
        assert held(slots.reset(truth)) == truth


class TestRowsOf:
    def test_reads_the_slots_of_the_state_it_is_given(self) -> None:
        expression = str(rows_of(CampaignLive, size=20))
        assert "streamRows(" in expression
        assert "campaign_live, 20)" in expression
