"""When something that died is started again."""

import pytest

from financial_live.cli.guard import HEALTHY_AFTER_S, Guard, ending, pause_s
from financial_live.errors import ConfigError


class Fragile:
    """A process that dies when told to, and may refuse to start."""

    title = "Fragile"

    def __init__(self) -> None:
        self.code: int | None = None
        self.starts = 0
        self.refuses = False

    def start(self) -> None:
        self.starts += 1
        if self.refuses:
            raise ConfigError("the disk is full")
        self.code = None

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.code = -9


class Clock:
    """A time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Story:
    """A guarded process with its clock and what was said about it."""

    def __init__(self) -> None:
        self.process, self.clock, self.said = Fragile(), Clock(), list[str]()
        self.guard = Guard(self.process, self.said.append, clock=self.clock)

    def after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.guard.look()

    def dies(self, code: int = -9) -> None:
        self.process.code = code
        self.guard.look()


@pytest.fixture
def story() -> Story:
    return Story()


class TestLook:
    def test_leaves_what_runs_alone(self, story: Story) -> None:
        story.after(100)
        assert story.process.starts == 0
        assert not story.said

    def test_starts_what_died_when_its_pause_is_over(self, story: Story) -> None:
        story.dies()
        assert story.process.starts == 0
        story.after(pause_s(1))
        assert story.process.starts == 1

    def test_says_how_it_died_and_that_it_runs_again(self, story: Story) -> None:
        story.dies()
        story.after(pause_s(1))
        assert story.said == [
            "Fragile was ended by SIGKILL. Starting it again in 0.5 s.",
            "Fragile is running again.",
        ]

    def test_waits_longer_the_more_often_it_dies(self, story: Story) -> None:
        story.dies()
        story.after(pause_s(1))
        story.dies()
        story.after(pause_s(1))
        assert story.process.starts == 1
        story.after(pause_s(2) - pause_s(1))
        assert story.process.starts == 2

    def test_forgets_the_deaths_of_what_then_ran_well(self, story: Story) -> None:
        for _ in range(5):
            story.dies()
            story.after(pause_s(10))
        story.after(HEALTHY_AFTER_S + 1)
        story.dies()
        story.after(pause_s(1))
        assert story.process.starts == 6

    def test_goes_on_trying_what_refuses_to_start(self, story: Story) -> None:
        story.process.refuses = True
        story.dies()
        story.after(pause_s(1))
        assert "did not start: the disk is full" in story.said[-1]
        story.process.refuses = False
        story.after(pause_s(2))
        assert story.said[-1] == "Fragile is running again."


class TestPause:
    def test_doubles_up_to_a_bound(self) -> None:
        assert [pause_s(deaths) for deaths in (1, 2, 3, 4, 5, 6, 50)] == [0.5, 1, 2, 4, 8, 10, 10]


class TestEnding:
    def test_names_the_signal_or_the_code(self) -> None:
        assert ending(-15) == "was ended by SIGTERM"
        assert ending(3) == "ended with code 3"
