"""The rooms of a worker: opened once, fed by topic, kept right in silence, closed when left."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from financial_live.outbox import Place, Placed
from financial_live.rooms import Frame, Rooms, View, registry


@dataclass(frozen=True)
class Key:
    """A room's key whose view counts how often it was read."""

    name: str
    view: str = "test"
    read_gap_s: float = 0.0
    reads: list[int] = field(default_factory=list, hash=False, compare=False)

    @property
    def topic(self) -> str:
        return f"topic:{self.name[0]}"

    async def load(self) -> tuple[Place, View]:
        self.reads.append(1)
        return Place(0, 0), View({"reads": len(self.reads)}, {})

    def apply(self, view: View, name: str, data: dict[str, Any]) -> View:
        return View({**view.fields, **data}, view.rows)


class Bus:
    """The bus, as far as the rooms use it."""

    def __init__(self) -> None:
        self.watched: list[str] = []

    async def watch(self, topic: str, *, by: str) -> None:
        self.watched.append(topic)

    async def unwatch(self, topic: str, *, by: str) -> None:
        self.watched.remove(topic)


class Door:
    """A door with watchers that keep what they are shown."""

    def __init__(self) -> None:
        self.watched: set[Any] = set()
        self.shown: asyncio.Queue[tuple[Any, Frame]] = asyncio.Queue()

    def is_watched(self, key: Any) -> bool:
        return key in self.watched

    async def deliver(self, key: Any, frame: Frame) -> None:
        self.shown.put_nowait((key, frame))


class Stage:
    def __init__(self) -> None:
        self.bus, self.door = Bus(), Door()
        self.rooms: Any = Rooms(self.bus)  # type: ignore[arg-type]
        self.rooms.attach(self.door)

    async def join(self, key: Key) -> Frame:
        frames: list[Frame] = []

        async def enter(frame: Frame) -> None:
            frames.append(frame)

        await self.rooms.join(key, enter)
        self.door.watched.add(key)
        return frames[0]

    async def shown(self) -> dict[str, Any]:
        while True:
            _, frame = await asyncio.wait_for(self.door.shown.get(), 5)
            if frame.fields:
                return frame.fields


class TestJoin:
    async def test_subscribes_before_it_reads_and_reads_once_for_all(self) -> None:
        stage, key = Stage(), Key("a")
        assert (await stage.join(key)).fields["reads"] == 1
        assert (await stage.join(key)).fields["reads"] == 1
        assert stage.bus.watched == ["topic:a"]

    async def test_a_room_stays_open_under_those_who_wait_for_its_first_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "_TICK_S", 0)
        monkeypatch.setattr(registry, "_LINGER_S", -1)
        stage, key, gate = Stage(), Key("a"), asyncio.Event()

        async def load(key: Key) -> tuple[Place, View]:
            await gate.wait()
            return await key.load()

        monkeypatch.setattr(registry, "_load", load)
        joining = asyncio.create_task(stage.join(key))
        looking = asyncio.create_task(stage.rooms.run())
        for _ in range(10):
            await asyncio.sleep(0)
        gate.set()
        assert (await joining).fields["reads"] == 1
        looking.cancel()


class TestReadSoon:
    async def test_reads_a_room_that_is_open_and_opens_none(self) -> None:
        stage, key = Stage(), Key("a")
        await stage.join(key)
        stage.rooms.read_soon(key)
        assert (await stage.shown())["reads"] == 2
        stage.rooms.read_soon(Key("b"))
        assert len(stage.rooms) == 1


class TestReceived:
    async def test_reaches_the_rooms_of_the_topic_alone(self) -> None:
        stage, first, second, other = Stage(), Key("a1"), Key("a2"), Key("b1")
        for key in (first, second, other):
            await stage.join(key)
        stage.rooms.received("topic:a", Placed(Place(0, 1), "happened", {"news": 7}).encode())
        told: set[Key] = set()
        while len(told) < 2:
            key, frame = await asyncio.wait_for(stage.door.shown.get(), 5)
            if "news" in frame.fields:
                told.add(key)
        assert told == {first, second}
        stage.rooms.received("topic:nobody", b"not even json")

    @pytest.mark.parametrize(
        "payload",
        [
            b"not json",
            b"7",
            b"[1]",
            b"{}",
            b'["1","happened",{}]',
            b"[1,2,{}]",
            b'[1,"happened",[]]',
        ],
    )
    async def test_a_message_nobody_can_read_is_read_from_the_rows_instead(
        self, payload: bytes
    ) -> None:
        stage, key = Stage(), Key("a")
        await stage.join(key)
        stage.rooms.received("topic:a", payload)
        while (await stage.shown()).get("reads") != 2:
            pass


class TestSubscribed:
    async def test_reads_what_may_have_been_missed(self) -> None:
        stage, key = Stage(), Key("a")
        await stage.join(key)
        stage.rooms.subscribed("topic:a")
        while (await stage.shown()).get("reads") != 2:
            pass


class TestLookingAfter:
    @pytest.fixture
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "_TICK_S", 0.01)
        monkeypatch.setattr(registry, "REREAD_S", 0.02)
        monkeypatch.setattr(registry, "_LINGER_S", 0.05)

    @pytest.mark.usefixtures("_quick")
    async def test_a_silent_room_says_so_and_reads_again_and_again(self) -> None:
        stage, key = Stage(), Key("a")
        await stage.join(key)
        stage.rooms._rooms[key].last_heard -= 60
        looking = asyncio.create_task(stage.rooms.run())
        said_stale = 0
        while len(key.reads) < 3 or not said_stale:
            said_stale = (await stage.shown()).get("stale", said_stale)
        looking.cancel()

    @pytest.mark.usefixtures("_quick")
    async def test_a_room_that_everybody_has_left_is_closed_after_a_while(self) -> None:
        stage, left, watched = Stage(), Key("a1"), Key("a2")
        await stage.join(left)
        await stage.join(watched)
        stage.door.watched.discard(left)
        looking = asyncio.create_task(stage.rooms.run())
        while len(stage.rooms) > 1:  # noqa: ASYNC110  Nothing tells that a room was closed.
            await asyncio.sleep(0.01)
        assert stage.bus.watched == ["topic:a", "topic:a"]
        stage.door.watched.clear()
        while len(stage.rooms):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        looking.cancel()
        stage.rooms.received("topic:a", Placed(Place(0, 1), "happened", {}).encode())
