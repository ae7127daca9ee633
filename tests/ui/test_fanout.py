"""One packet for many sockets; one that does not read gets no more of them, and then the whole."""

import asyncio
from typing import Any
from unittest.mock import Mock

import orjson
import pytest
from socketio.packet import Packet as SocketPacket

from financial_live.ui.fanout import MAX_QUEUED, Fanout

ROOM = "room:test"


class Socket:
    """A socket of engine.io: a queue that a writer would empty."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.closed = False

    def read(self) -> list[Any]:
        """Return the updates that wait, and take them."""
        updates = []
        while not self.queue.empty():
            text = self.queue.get_nowait().encode()
            updates.append(orjson.loads(text[text.index("[") :])[1])
        return updates


class House:
    """A fan-out with members who are all in one room. A session is a socket of its own id."""

    def __init__(self, *names: str) -> None:
        self.sockets = {name: Socket() for name in names}
        self.members = list(names)
        namespace = Mock(namespace="/_event")
        namespace.server.packet_class = SocketPacket
        namespace.server.manager.get_participants = self._participants
        namespace.server.eio.sockets = self.sockets
        self.fanout = Fanout(namespace)

    def _participants(self, namespace: str, room: str) -> list[tuple[str, str]]:
        if room == ROOM:
            return [(name, name) for name in self.members]
        if room in self.sockets:
            return [(room, room)]
        raise KeyError(room)

    def send(self, count: int, *, first: int = 0) -> None:
        for number in range(first, first + count):
            self.fanout.send(ROOM, {"n": number})


class TestSend:
    def test_puts_the_same_packet_into_every_queue(self) -> None:
        house = House("a", "b")
        house.send(1)
        assert house.sockets["a"].queue.get_nowait() is house.sockets["b"].queue.get_nowait()

    def test_keeps_the_order_of_calls(self) -> None:
        house = House("a")
        house.send(3)
        assert house.sockets["a"].read() == [{"n": 0}, {"n": 1}, {"n": 2}]

    def test_to_a_room_without_members_is_no_error(self) -> None:
        House("a").fanout.send("room:nobody", {"n": 1})

    @pytest.mark.parametrize("is_gone", [True, False])
    def test_passes_over_a_socket_that_is_closed_or_gone(self, is_gone: bool) -> None:
        house = House("a", "b")
        socket = house.sockets["a"]
        socket.closed = True
        if is_gone:
            del house.sockets["a"]
        house.send(1)
        assert socket.queue.empty()
        assert house.sockets["b"].read() == [{"n": 0}]


class TestOneThatDoesNotRead:
    def test_has_a_queue_that_does_not_grow(self) -> None:
        house = House("slow", "quick")
        for number in range(10 * MAX_QUEUED):
            house.send(1, first=number)
            house.sockets["quick"].read()
        assert house.sockets["slow"].queue.qsize() == MAX_QUEUED

    def test_gets_nothing_beside_a_frame_that_it_missed_until_it_has_the_whole(self) -> None:
        house = House("slow")
        house.send(MAX_QUEUED + 1)
        house.sockets["slow"].queue.get_nowait()
        house.send(1, first=99)
        house.fanout.tell("slow", {"n": 100})
        assert house.sockets["slow"].read() == [{"n": n} for n in range(1, MAX_QUEUED)]
        assert house.fanout.caught_up() == [("slow", ROOM)]
        house.fanout.send_view("slow", ROOM, {"whole": True})
        house.send(1, first=101)
        assert house.sockets["slow"].read() == [{"whole": True}, {"n": 101}]

    def test_is_not_caught_up_before_it_has_read_everything(self) -> None:
        house = House("slow")
        house.send(MAX_QUEUED + 1)
        house.sockets["slow"].queue.get_nowait()
        assert house.fanout.caught_up() == []

    def test_is_told_of_once(self) -> None:
        house = House("slow")
        house.send(MAX_QUEUED + 1)
        house.sockets["slow"].read()
        assert house.fanout.caught_up() == [("slow", ROOM)]
        assert house.fanout.caught_up() == []

    def test_is_forgotten_when_it_leaves_the_room(self) -> None:
        house = House("slow")
        house.send(MAX_QUEUED + 1)
        house.members.remove("slow")
        house.sockets["slow"].read()
        assert house.fanout.caught_up() == []

    def test_is_behind_in_the_room_whose_view_it_has_no_place_for(self) -> None:
        house = House("slow")
        house.send(MAX_QUEUED)
        house.fanout.send_view("slow", ROOM, {"whole": True})
        assert house.sockets["slow"].queue.qsize() == MAX_QUEUED
        house.sockets["slow"].read()
        assert house.fanout.caught_up() == [("slow", ROOM)]
