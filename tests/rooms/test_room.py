"""One room: it follows its topic whatever happens to the messages, and sends what changed."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from financial_live.outbox import Place, Placed
from financial_live.rooms.room import Frame, Room, difference
from financial_live.rooms.views import View


@dataclass
class World:
    """A topic as the database has it."""

    term: int = 0
    seq: int = 0
    total: int = 0
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def give(self, amount: int) -> Placed:
        """Commit a gift and return its message."""
        self.seq += 1
        self.total += amount
        row: dict[str, Any] = {
            "id": f"{self.seq:04}",
            "at": f"{self.seq:04}",
            "amount": amount,
        }
        self.rows = {row["id"]: row, **self.rows}
        return Placed(Place(self.term, self.seq), "given", {"row": row, "total": self.total})

    def beat(self) -> Placed:
        """Return the heartbeat: the last seq again."""
        return Placed(Place(self.term, self.seq), None, {})

    def view(self) -> View:
        """Return what a reader of the database sees now."""
        return View({"total": self.total}, dict(self.rows))


@dataclass(frozen=True)
class Key:
    """A room's key with a view of its own."""

    name: str = "test"
    read_gap_s: float = 0.0

    def apply(self, view: View, name: str, data: dict[str, Any]) -> View | None:
        row = data["row"]
        if row["id"] in view.rows:
            return view
        return View({"total": data["total"]}, {row["id"]: row, **view.rows})


class Screen:
    """A browser: it merges frames, and knows nothing else."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.rows: dict[str, Any] = {}
        self.frames: list[Frame] = []

    async def show(self, frame: Frame) -> None:
        self.frames.append(frame)
        if frame.reset:
            self.rows = {}
        self.fields |= frame.fields
        self.rows |= frame.rows
        for row_id in frame.removed:
            self.rows.pop(row_id)


class Stage:
    """A room on a world, with the screens of those who joined."""

    def __init__(self) -> None:
        self.world = World()
        self.screens: list[Screen] = []
        self.reads = 0
        self.gate: asyncio.Event | None = None
        self.is_away = False
        self.room = Room(Key(), load=self._load, deliver=self._deliver)  # type: ignore[arg-type]

    async def _load(self, key: object) -> tuple[Place, View]:
        self.reads += 1
        if self.is_away:
            raise ConnectionError("the database is away")
        place, view = Place(self.world.term, self.world.seq), self.world.view()
        if self.gate is not None:
            await self.gate.wait()
        return place, view

    async def _deliver(self, key: object, frame: Frame) -> None:
        for screen in self.screens:
            await screen.show(frame)

    async def join(self) -> Screen:
        screen = Screen()

        async def enter(frame: Frame) -> None:
            self.screens.append(screen)
            await screen.show(frame)

        await self.room.join(enter)
        return screen

    async def settle(self) -> None:
        """Wait until the room has nothing left to read or send."""
        while self.room._reader is not None or self.room._sender is not None:
            await asyncio.gather(
                *(t for t in (self.room._reader, self.room._sender) if t is not None),
                return_exceptions=True,  # A read that fails is the room's to make up for.
            )

    def assert_right(self) -> None:
        truth = self.world.view()
        for screen in self.screens:
            assert screen.rows == truth.rows
            assert screen.fields["total"] == truth.fields["total"]


class TestJoin:
    async def test_the_first_frame_is_the_whole_view(self) -> None:
        stage = Stage()
        stage.world.give(5)
        screen = await stage.join()
        assert [frame.reset for frame in screen.frames] == [True]
        stage.assert_right()

    async def test_a_second_watcher_costs_no_second_read(self) -> None:
        stage = Stage()
        await stage.join()
        await stage.settle()
        await stage.join()
        assert stage.reads == 1

    async def test_a_gift_that_is_known_but_not_yet_sent_reaches_the_new_watcher_too(self) -> None:
        stage = Stage()
        await stage.join()
        await stage.settle()
        stage.room.hear(stage.world.give(7))
        await stage.join()
        await stage.settle()
        stage.assert_right()

    async def test_a_failed_read_is_told_to_who_joins(self) -> None:
        async def broken(key: object) -> tuple[Place, View]:
            raise ConnectionError("the database is away")

        room = Room(Key(), load=broken, deliver=Stage()._deliver)  # type: ignore[arg-type]
        with pytest.raises(ConnectionError, match="away"):
            await room.join(Screen().show)


class TestReadGap:
    async def test_a_view_that_keeps_a_gap_is_read_once_for_all_it_hears_meanwhile(self) -> None:
        stage = Stage()
        hour_s = 3600.0
        stage.room.key = Key(read_gap_s=hour_s)  # type: ignore[assignment]
        screen = await stage.join()
        for _ in range(5):
            stage.world.give(5)
            stage.room.read_soon()
        await asyncio.sleep(0)
        assert stage.reads == 1
        assert stage.room._next_read_at > time.monotonic() + hour_s / 2
        stage.room.close()
        assert screen.frames[0].reset

    async def test_after_the_gap_it_is_right(self) -> None:
        stage = Stage()
        stage.room.key = Key(read_gap_s=0.05)  # type: ignore[assignment]
        await stage.join()
        for _ in range(5):
            stage.world.give(5)
            stage.room.read_soon()
        await stage.settle()
        stage.assert_right()
        assert stage.reads <= 3


class TestHear:
    async def test_a_gift_travels_as_one_row_and_the_changed_fields(self) -> None:
        stage = Stage()
        for amount in range(1, 101):
            stage.world.give(amount)
        screen = await stage.join()
        await stage.settle()
        stage.room.hear(stage.world.give(9))
        await stage.settle()
        frame = screen.frames[-1]
        assert (list(frame.rows), frame.removed, frame.reset) == (["0101"], (), False)
        assert list(frame.fields) == ["total"]

    async def test_gifts_of_one_moment_travel_in_one_frame(self) -> None:
        stage = Stage()
        screen = await stage.join()
        await stage.settle()
        for amount in range(1, 51):
            stage.room.hear(stage.world.give(amount))
        await stage.settle()
        assert len(screen.frames) == 2
        stage.assert_right()

    async def test_nothing_is_sent_for_a_message_that_changes_nothing(self) -> None:
        stage = Stage()
        screen = await stage.join()
        message = stage.world.give(3)
        stage.room.hear(message)
        await stage.settle()
        frames = len(screen.frames)
        stage.room.hear(message)
        stage.room.hear(stage.world.beat())
        await stage.settle()
        assert len(screen.frames) == frames
        assert stage.reads == 1

    async def test_a_lost_message_is_found_by_the_next_one(self) -> None:
        stage = Stage()
        await stage.join()
        stage.world.give(3)
        stage.room.hear(stage.world.give(4))
        await stage.settle()
        stage.assert_right()
        assert stage.reads == 2

    async def test_the_loss_of_the_last_message_is_found_by_the_heartbeat(self) -> None:
        stage = Stage()
        await stage.join()
        stage.world.give(3)
        stage.room.hear(stage.world.beat())
        await stage.settle()
        stage.assert_right()

    async def test_what_arrives_during_a_read_is_applied_after_it(self) -> None:
        stage = Stage()
        await stage.join()
        await stage.settle()
        stage.gate = asyncio.Event()
        stage.world.give(3)
        stage.room.hear(stage.world.beat())
        await asyncio.sleep(0)  # The read has now seen the rows, and waits.
        stage.room.hear(stage.world.give(4))
        stage.gate.set()
        await stage.settle()
        stage.assert_right()

    async def test_a_seq_that_went_back_is_read_again(self) -> None:
        stage = Stage()
        stage.world.give(3)
        await stage.join()
        stage.world.seq, stage.world.total, stage.world.rows = 0, 0, {}
        stage.room.hear(stage.world.beat())
        await stage.settle()
        stage.assert_right()

    async def test_after_a_read_that_failed_even_what_seems_to_follow_is_read(self) -> None:
        stage = Stage()
        stage.world.give(3)
        await stage.join()
        # A crash has taken back the place of the gift, and another gift gets it.
        stage.world.seq, stage.world.rows = 0, {}
        stage.is_away = True
        stage.room.hear(stage.world.beat())
        await stage.settle()
        stage.room.hear(stage.world.give(4))
        await stage.settle()
        stage.is_away = False
        stage.room.hear(stage.world.beat())
        await stage.settle()
        stage.assert_right()


class TestDelivery:
    async def test_a_failed_delivery_is_followed_by_the_whole_view(self) -> None:
        stage = Stage()
        screen = await stage.join()
        await stage.settle()

        async def broken(key: object, frame: Frame) -> None:
            raise ConnectionError("the door is broken")

        stage.room._deliver = broken
        stage.room.hear(stage.world.give(1))
        await stage.settle()
        stage.room._deliver = stage._deliver
        stage.room.hear(stage.world.give(2))
        await stage.settle()
        assert screen.frames[-1].reset
        stage.assert_right()

    async def test_who_joins_meanwhile_does_not_keep_the_others_from_it(self) -> None:
        stage = Stage()
        await stage.join()
        await stage.settle()

        async def broken(key: object, frame: Frame) -> None:
            raise ConnectionError("the door is broken")

        stage.room._deliver = broken
        stage.room.hear(stage.world.give(1))
        await stage.settle()
        stage.room._deliver = stage._deliver
        await stage.join()
        stage.room.hear(stage.world.give(2))
        await stage.settle()
        stage.assert_right()


class TestAnEventNobodyKnows:
    async def test_is_read_instead(self) -> None:
        stage = Stage()
        await stage.join()
        await stage.settle()
        stage.world.give(3)
        stage.room.hear(Placed(Place(0, 1), "of_a_newer_version", {}))
        await stage.settle()
        stage.assert_right()
        assert stage.reads == 2


class TestStale:
    async def test_silence_is_shown_and_a_sound_ends_it(self) -> None:
        stage = Stage()
        screen = await stage.join()
        await stage.settle()
        stage.room.last_heard -= 60
        stage.room.send_soon()
        await stage.settle()
        assert screen.fields["stale"] == int(stage.room.right_at // 60)
        stage.room.hear(stage.world.beat())
        await stage.settle()
        assert screen.fields["stale"] == 0

    async def test_what_was_missed_and_cannot_be_read_is_shown_however_much_is_heard(self) -> None:
        stage = Stage()
        screen = await stage.join()
        await stage.settle()

        async def away(key: object) -> tuple[Place, View]:
            raise ConnectionError("this worker's way to the database is cut")

        stage.room._load = away
        stage.world.give(3)
        stage.room.hear(stage.world.beat())
        await stage.settle()
        assert not stage.room.is_stale
        assert stage.room._unsure_since is not None
        stage.room._unsure_since -= 60
        right_at = stage.room.right_at
        stage.room.hear(stage.world.beat())
        stage.room.send_soon()
        await stage.settle()
        assert screen.fields["stale"] == int(right_at // 60)
        stage.room._load = stage._load
        stage.room.hear(stage.world.beat())
        await stage.settle()
        assert screen.fields["stale"] == 0
        stage.assert_right()


class TestDifference:
    def test_names_only_what_changed(self) -> None:
        old = View({"a": 1, "b": 2}, {"x": {"n": 1}, "y": {"n": 2}})
        new = View({"a": 1, "b": 3}, {"y": {"n": 5}, "z": {"n": 3}})
        frame = difference(old, new)
        assert frame == Frame({"b": 3}, {"y": {"n": 5}, "z": {"n": 3}}, ("x",))

    def test_is_empty_between_equal_views(self) -> None:
        view = View({"a": 1}, {"x": {"n": 1}})
        assert not difference(view, View({"a": 1}, {"x": {"n": 1}}))
