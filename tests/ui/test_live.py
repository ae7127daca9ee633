"""The live door: frames become deltas that the browser merges, and sessions members of rooms."""

import asyncio
from collections import defaultdict
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import orjson
import pytest
import reflex as rx
from reflex_base.constants.state import FIELD_MARKER
from socketio.packet import Packet as SocketPacket

from financial_live.contexts.donations import Audience
from financial_live.rooms import Frame, campaign_room, gifts_room
from financial_live.ui.fanout import MAX_QUEUED, Fanout
from financial_live.ui.live import CampaignLive, CampaignsLive, DonationsLive, LiveDoor

CAMPAIGN = campaign_room(uuid4(), Audience.PUBLIC)
GIFTS = gifts_room(Audience.PUBLIC)


class Socket:
    """A socket of engine.io: a queue that a writer would empty."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.closed = False

    def read(self) -> list[dict[str, Any]]:
        """Return the deltas that wait, and take them."""
        deltas = []
        while not self.queue.empty():
            text = self.queue.get_nowait().encode()
            deltas.append(orjson.loads(text[text.index("[") :])[1]["delta"])
        return deltas


class Namespace:
    """The event namespace, as far as the door uses it. Each session is a socket of its own id."""

    namespace = "/_event"

    def __init__(self) -> None:
        self.members: dict[str, set[str]] = {}
        self.gone: set[str] = set()
        self.server = Mock()
        self.server.packet_class = SocketPacket
        self.server.manager.get_participants = self._participants
        self.sockets = defaultdict[str, Socket](Socket)
        self.server.eio.sockets.get = self.sockets.__getitem__

    def _participants(self, namespace: str, room: str | None) -> Any:
        if room is None:
            return iter([(sid, sid) for sid in sorted(self.sockets)])
        alone = set() if room.startswith("room:") else {room}
        return iter([(sid, sid) for sid in sorted(self.members.get(room, alone))])

    def rooms(self, sid: str) -> list[str]:
        return [sid, *(room for room, sids in self.members.items() if sid in sids)]

    async def enter_room(self, sid: str, room: str) -> None:
        if sid in self.gone:
            raise ValueError("sid is not connected to requested namespace")
        self.members.setdefault(room, set()).add(sid)

    async def leave_room(self, sid: str, room: str) -> None:
        self.members[room].discard(sid)


class OneView:
    """Rooms that all show the same thing."""

    view = Frame({"total_raised": "5.00"}, {"g": {"id": "g", "at": "1"}}, (), reset=True)

    async def join(self, key: object, enter: Any) -> None:
        await enter(self.view)


def door() -> tuple[LiveDoor, Namespace]:
    namespace = Namespace()
    return LiveDoor(OneView(), namespace), namespace  # type: ignore[arg-type]


class TestEnter:
    async def test_the_whole_view_goes_to_the_newcomer_alone(self) -> None:
        live_door, namespace = door()
        await live_door.enter("old", CAMPAIGN)
        namespace.sockets["old"].read()
        await live_door.enter("new", CAMPAIGN)
        assert namespace.sockets["old"].read() == []
        [delta] = namespace.sockets["new"].read()
        [update] = delta.values()
        assert update["total_raised" + FIELD_MARKER] == "5.00"
        assert [update[f"r{slot}"] for slot in range(20)] == [
            {"id": "g", "at": "1"},
            *[None] * 19,
        ]

    async def test_leaves_the_room_of_the_page_before(self) -> None:
        live_door, _ = door()
        await live_door.enter("sid", CAMPAIGN)
        await live_door.enter("sid", GIFTS)
        assert not live_door.is_watched(CAMPAIGN)
        assert live_door.is_watched(GIFTS)

    async def test_one_who_went_away_meanwhile_is_no_error(self) -> None:
        live_door, namespace = door()
        namespace.gone.add("sid")
        await live_door.enter("sid", CAMPAIGN)
        assert namespace.sockets["sid"].read() == []
        assert not live_door.is_watched(CAMPAIGN)


class TestDeliver:
    async def test_one_frame_serves_the_whole_room_and_is_encoded_once(self) -> None:
        live_door, namespace = door()
        for sid in ("a", "b", "c"):
            await live_door.enter(sid, CAMPAIGN)
            namespace.sockets[sid].read()
        await live_door.deliver(CAMPAIGN, Frame({"gift_count": 2}, {}, ("g",)))
        waiting = [namespace.sockets[sid].queue.get_nowait() for sid in ("a", "b", "c")]
        assert len({id(packet) for packet in waiting}) == 1
        text = waiting[0].encode()
        assert text.startswith("42/_event,")
        assert orjson.loads(text[text.index("[") :]) == [
            "event",
            {"delta": {CampaignLive.get_full_name(): {"gift_count" + FIELD_MARKER: 2, "r0": None}}},
        ]

    async def test_one_who_does_not_read_is_bounded_and_delays_nobody(self) -> None:
        live_door, namespace = door()
        for sid in ("slow", "quick"):
            await live_door.enter(sid, CAMPAIGN)
        for count in range(50):
            await live_door.deliver(CAMPAIGN, Frame({"gift_count": count}, {}, ()))
            namespace.sockets["quick"].read()
        assert namespace.sockets["slow"].queue.qsize() == MAX_QUEUED

    async def test_one_who_reads_again_gets_the_whole_view_instead_of_what_was_missed(self) -> None:
        live_door, namespace = door()
        await live_door.enter("slow", CAMPAIGN)
        for count in range(50):
            await live_door.deliver(CAMPAIGN, Frame({"gift_count": count}, {}, ()))
        catching_up = asyncio.create_task(live_door.run())
        namespace.sockets["slow"].read()
        update = orjson.loads((await self._next(namespace, "slow"))[10:])[1]["delta"]
        assert update[CampaignLive.get_full_name()]["total_raised" + FIELD_MARKER] == "5.00"
        await live_door.deliver(CAMPAIGN, Frame({"gift_count": 51}, {}, ()))
        [delta] = namespace.sockets["slow"].read()
        assert delta[CampaignLive.get_full_name()] == {"gift_count" + FIELD_MARKER: 51}
        catching_up.cancel()

    async def _next(self, namespace: Namespace, sid: str) -> str:
        packet = await asyncio.wait_for(namespace.sockets[sid].queue.get(), 5)
        return str(packet.encode())

    async def test_one_behind_who_goes_to_another_page_gets_that_one_at_once(self) -> None:
        live_door, namespace = door()
        await live_door.enter("slow", CAMPAIGN)
        for count in range(50):
            await live_door.deliver(CAMPAIGN, Frame({"gift_count": count}, {}, ()))
        namespace.sockets["slow"].read()
        await live_door.enter("slow", GIFTS)
        [delta] = namespace.sockets["slow"].read()
        assert list(delta) == [DonationsLive.get_full_name()]

    async def test_one_who_does_not_read_gets_the_page_it_went_to_once_it_does(self) -> None:
        live_door, namespace = door()
        await live_door.enter("slow", CAMPAIGN)
        for count in range(50):
            await live_door.deliver(CAMPAIGN, Frame({"gift_count": count}, {}, ()))
        await live_door.enter("slow", GIFTS)
        assert namespace.sockets["slow"].queue.qsize() == MAX_QUEUED
        catching_up = asyncio.create_task(live_door.run())
        namespace.sockets["slow"].read()
        update = orjson.loads((await self._next(namespace, "slow"))[10:])[1]["delta"]
        assert list(update) == [DonationsLive.get_full_name()]
        catching_up.cancel()

    async def test_a_note_never_makes_one_who_is_behind_look_up_to_date(self) -> None:
        live_door, namespace = door()
        await live_door.enter("slow", CAMPAIGN)
        for count in range(50):
            await live_door.deliver(CAMPAIGN, Frame({"gift_count": count}, {}, ()))
        namespace.sockets["slow"].read()
        live_door.say_stale("slow", "campaign")
        await live_door.deliver(CAMPAIGN, Frame({"gift_count": 51}, {}, ()))
        assert namespace.sockets["slow"].read() == []


class TestBeat:
    """A page that hears nothing knows that its line is dead, so every live line says something."""

    async def heard(self, socket: Socket) -> str:
        packet = await asyncio.wait_for(socket.queue.get(), 20)
        return str(packet.encode())

    async def test_a_quiet_socket_hears_something_again_and_again(self) -> None:
        live_door, namespace = door()
        await live_door.enter("quiet", CAMPAIGN)
        namespace.sockets["quiet"].read()
        running = asyncio.create_task(live_door.run())
        assert [await self.heard(namespace.sockets["quiet"]) for _ in range(2)] == ["6", "6"]
        running.cancel()

    async def test_also_on_a_page_that_shows_nothing_live(self) -> None:
        live_door, namespace = door()
        running = asyncio.create_task(live_door.run())
        assert await self.heard(namespace.sockets["elsewhere"]) == "6"
        running.cancel()

    async def test_one_that_was_just_told_something_is_spared(self) -> None:
        fanout = Fanout(namespace := Namespace())  # type: ignore[arg-type]
        for sid in ("busy", "quiet"):
            await namespace.enter_room(sid, "room:a")
            _ = namespace.sockets[sid]
        namespace.members["room:b"] = {"busy"}
        fanout.send("room:b", {"delta": {}})
        assert fanout.quiet() == ["quiet"]
        fanout.beat(["quiet"])
        assert fanout.quiet() == ["busy"]

    async def test_one_that_has_not_read_is_told_no_more(self) -> None:
        fanout = Fanout(namespace := Namespace())  # type: ignore[arg-type]
        for _ in range(3):
            fanout.beat(["stuck"])
        assert namespace.sockets["stuck"].queue.qsize() == 1


class TestSayStale:
    async def test_tells_one_session_since_when(self) -> None:
        live_door, namespace = door()
        live_door.say_stale("sid", "campaign")
        [delta] = namespace.sockets["sid"].read()
        assert delta[CampaignLive.get_full_name()]["stale" + FIELD_MARKER] > 0


class TestReceivedStates:
    @pytest.mark.parametrize("state", [CampaignLive, CampaignsLive, DonationsLive])
    def test_are_compiled_with_their_defaults(self, state: type[rx.State]) -> None:
        defaults = state(_reflex_internal_init=True).dict(initial=True)  # type: ignore[call-arg]
        assert defaults[state.get_full_name()]["stale" + FIELD_MARKER] == 0

    @pytest.mark.parametrize("state", [CampaignLive, CampaignsLive, DonationsLive])
    def test_are_never_sent_by_a_hydrate(self, state: type[rx.State]) -> None:
        assert state(_reflex_internal_init=True).dict() == {}  # type: ignore[call-arg]
