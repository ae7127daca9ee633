"""Rooms always converge: whatever the messages, the database, the bus and the browsers do.

The machine plays with everything that is real between the bus and the browser: the rooms, their
views, the door, its fan-out and its slots. Around them stand models: a database with its relay, a
bus that loses, repeats and reorders (``world``), and browsers (``browsers``).
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from financial_live.errors import Unavailable
from financial_live.outbox import Place
from financial_live.rooms import (
    Frame,
    RoomKey,
    Rooms,
    View,
    registry,
    room as room_module,
    views,
)
from financial_live.rooms.room import whole
from financial_live.ui import fanout, live
from financial_live.ui.live import LiveDoor
from tests.rooms.browsers import Browser, Namespace
from tests.rooms.world import (
    CAMPAIGN_GIFTS,
    FIRST,
    GIFTS,
    KEYS,
    SECOND,
    Bus,
    Clock,
    Data,
    World,
    moment,
)

CAMPAIGNS = 20
ACTS = ("approve", "endorse", "reject", "refund", "refund a part", "undo", "hide", "show")
UNREADABLE = (b"?", b"[1]", b'["x",null,{}]', b'["x","donation_created",{}]', b"[1,2,3]")


class Faulty:
    """Another door of the same rooms, which may fail for everybody."""

    def __init__(self) -> None:
        self.fails = False

    def is_watched(self, key: RoomKey) -> bool:
        return False

    async def deliver(self, key: RoomKey, frame: Frame) -> None:
        if self.fails:
            raise ConnectionError("this door is broken")


class Site(RuleBasedStateMachine):
    """A worker with its rooms, and all that surrounds it."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        self.clock = Clock()
        self._make_small()
        self.runner = self.patches.enter_context(asyncio.Runner())
        self.world = World()
        self.is_database_away = self.is_bus_away = self.reads_first = False
        self.is_stormy = True
        self.crashes = 0
        self.gate: asyncio.Event | None = None
        self.bus, self.namespace = Bus(), Namespace()
        self.browsers: list[Browser] = []
        self.opened = 0
        self.call(self._start)

    def _make_small(self) -> None:
        """Shorten lists, queues and waits, so that few steps reach their ends."""
        sizes = {"campaign": CAMPAIGN_GIFTS, "donations": GIFTS, "campaigns": CAMPAIGNS}
        states = {view: (live._STATES[view][0], size) for view, size in sizes.items()}
        for target, name, value in (
            (room_module, "time", self.clock),
            (room_module, "_FRAME_GAP_S", 0.0),
            (registry, "time", self.clock),
            (registry, "_TICK_S", 0),
            (registry, "_load", self.load),
            (views, "CAMPAIGN_GIFTS", CAMPAIGN_GIFTS),
            (views, "GIFTS", GIFTS),
            (live, "_STATES", states),
            (live, "_CATCH_UP_S", 0),
            (fanout, "MAX_QUEUED", 2),
        ):
            self.patches.enter_context(patch.object(target, name, value))

    async def _start(self) -> None:
        self.rooms = Rooms(self.bus)  # type: ignore[arg-type]
        self.before, self.after = Faulty(), Faulty()
        self.door = LiveDoor(self.rooms, self.namespace)  # type: ignore[arg-type]
        for door in (self.before, self.door, self.after):
            self.rooms.attach(door)
        self.catching_up = asyncio.create_task(self.door.run())

    def call(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let ``act`` happen in the worker's loop."""
        self.runner.run(act())

    async def load(self, key: RoomKey) -> tuple[Place, View]:
        """Read as a room does: slowly while the gate is closed, and in vain during an outage."""
        crashes, gate = self.crashes, self.gate
        if gate is not None and not self.reads_first:
            await gate.wait()
        if self.is_database_away:
            raise Unavailable("the database is away")
        found = Place(self.world.term, self.world.seq[key.topic]), self.world.view(key)
        if gate is not None and self.reads_first:
            await gate.wait()
        if crashes != self.crashes:
            raise Unavailable("the database went away")
        return found

    # What happens in the database

    @rule(
        side=st.sampled_from([FIRST, SECOND]),
        gifts=st.lists(
            st.fixed_dictionaries(
                {
                    "amount": st.sampled_from(["5", "7"]),
                    "status": st.sampled_from(["approved", "pending"]),
                    "show_amount": st.booleans(),
                    "rate": st.sampled_from([None, "1.5"]),
                }
            ),
            min_size=1,
            max_size=3,
        ),
        is_told=st.booleans(),
    )
    def give(self, side: str, gifts: list[Data], is_told: bool) -> None:
        if side in self.world.campaigns:
            self.world.give(side, gifts)
            self._told(is_told)

    def _told(self, is_told: bool) -> None:
        """Relay what was committed, and let the messages arrive as they should."""
        if is_told:
            self.world.place(10)
            self.call(self._arrive)

    def _some_gift(self, number: int, *, is_pending: bool) -> str | None:
        ids = [
            gift["id"]
            for gift in self.world.gifts.values()
            if not is_pending or gift["status"] == "pending"
        ]
        return ids[-1 - number % len(ids)] if ids else None

    @rule(
        number=st.integers(0, 3),
        name=st.sampled_from(["Budi", "نور"]),
        shows=st.booleans(),
        is_told=st.booleans(),
    )
    def edit_gift(self, number: int, name: str, shows: bool, is_told: bool) -> None:
        if gift := self._some_gift(number, is_pending=False):
            self.world.edit_gift(gift, {"donor_name": name, "show_amount": shows})
            self._told(is_told)

    @rule(number=st.integers(0, 3), is_told=st.booleans())
    def move_gift(self, number: int, is_told: bool) -> None:
        gift = self._some_gift(number, is_pending=True)
        if gift is None:
            return
        left = self.world.gifts[gift]["campaign_id"]
        target = SECOND if left == FIRST else FIRST
        if target in self.world.campaigns:
            self.world.move_gift(gift, target)
            self._told(is_told)

    @rule(number=st.integers(0, 3), is_told=st.booleans())
    def delete_gift(self, number: int, is_told: bool) -> None:
        if gift := self._some_gift(number, is_pending=True):
            self.world.delete_gift(gift)
            self._told(is_told)

    @rule(
        side=st.sampled_from([FIRST, SECOND]),
        name=st.sampled_from(["Night", "Morning"]),
        status=st.sampled_from(["active", "paused"]),
        is_told=st.booleans(),
    )
    def edit_campaign(self, side: str, name: str, status: str, is_told: bool) -> None:
        if side in self.world.campaigns:
            self.world.edit_campaign(side, name, status)
            self._told(is_told)

    @rule(number=st.integers(0, 3), act=st.sampled_from(ACTS), is_told=st.booleans())
    def act_on_gift(self, number: int, act: str, is_told: bool) -> None:
        if gift := self._some_gift(number, is_pending=False):
            self.world.act_on_gift(gift, act)
            self._told(is_told)

    @rule(
        side=st.sampled_from([FIRST, SECOND]),
        act=st.sampled_from(["challenge", "cancel", "milestone", "delete", "transfer"]),
        amount=st.sampled_from(["5.00", "12.00", "20.00"]),
        is_told=st.booleans(),
    )
    def set_beside(self, side: str, act: str, amount: str, is_told: bool) -> None:
        """Make or end what is beside the settings, or move money to the other campaign."""
        if not {FIRST, SECOND} <= self.world.campaigns.keys():
            return
        match act:
            case "challenge":
                self.world.challenge(side, amount)
            case "cancel":
                self.world.cancel_challenge(side)
            case "milestone":
                self.world.milestone(side, amount)
            case "delete":
                self.world.delete_milestone(side)
            case _:
                self.world.transfer(side, SECOND if side == FIRST else FIRST, amount)
        self._told(is_told)

    @rule()
    @precondition(lambda self: len(self.world.campaigns) < 5)
    def start_campaign(self) -> None:
        self.world.start_campaign()

    @rule(number=st.integers(0, 4))
    def end_campaign(self, number: int) -> None:
        given_to = {gift["campaign_id"] for gift in self.world.gifts.values()}
        if empty := sorted(self.world.campaigns.keys() - given_to - {FIRST}):
            self.world.end_campaign(empty[number % len(empty)])

    @rule()
    @precondition(lambda self: self.is_stormy)
    def the_database_goes_away(self) -> None:
        self.is_database_away = True

    @rule()
    @precondition(lambda self: self.is_stormy)
    def the_database_comes_back(self) -> None:
        self.is_database_away = False

    @rule(
        count=st.integers(0, 3),
        gives_to_others=st.booleans(),
        comes_back=st.booleans(),
        beats=st.booleans(),
        placed_then=st.integers(0, 3),
    )
    @precondition(lambda self: self.is_stormy)
    def the_database_crashes(
        self, count: int, gives_to_others: bool, comes_back: bool, beats: bool, placed_then: int
    ) -> None:
        """The relay leads again, while the workers may not yet get through to the database."""
        self.crashes += 1
        self.open_gate()
        if gives_to_others and SECOND in self.world.campaigns:
            # Committed just before, without a place yet.
            gift = {"amount": "5", "status": "approved", "show_amount": True, "rate": None}
            self.world.give(SECOND, [gift])
        self.world.take_back(count, gives_to_others=gives_to_others)
        self.is_database_away = not comes_back
        if beats:
            self.heartbeat()
        self.time_passes(3)
        self.world.place(placed_then)
        self.messages_arrive()

    @rule(reads_first=st.booleans())
    @precondition(lambda self: self.is_stormy)
    def close_gate(self, reads_first: bool) -> None:
        """Reads take long from now on: before they see the rows, or after."""
        if self.gate is None:
            self.gate, self.reads_first = asyncio.Event(), reads_first

    @rule()
    @precondition(lambda self: self.is_stormy)
    def open_gate(self) -> None:
        if self.gate is not None:
            self.gate.set()
            self.gate = None

    # What happens on the bus

    @rule(count=st.integers(1, 4))
    def relay(self, count: int) -> None:
        self.world.place(count)

    async def _arrive(self) -> None:
        while self.world.next_to_arrive < len(self.world.published):
            topic, message = self.world.published[self.world.next_to_arrive]
            self.world.next_to_arrive += 1
            if not self.is_bus_away:
                self.rooms.received(topic, message)

    @rule()
    def messages_arrive(self) -> None:
        self.call(self._arrive)

    @rule(count=st.integers(1, 9))
    @precondition(lambda self: self.is_stormy)
    def messages_are_lost(self, count: int) -> None:
        arrived = min(self.world.next_to_arrive + count, len(self.world.published))
        self.world.next_to_arrive = arrived

    @rule(numbers=st.lists(st.integers(0, 40), max_size=4))
    @precondition(lambda self: self.world.published and not self.is_bus_away)
    def any_messages_arrive(self, numbers: list[int]) -> None:
        """Messages of any age, in any order, again or for the first time."""

        async def arrive() -> None:
            for number in numbers:
                # The youngest first: what is about to happen matters more than what is long past.
                place = -1 - number % len(self.world.published)
                self.rooms.received(*self.world.published[place])

        self.call(arrive)

    @rule(key=st.sampled_from(KEYS), payload=st.sampled_from(UNREADABLE))
    @precondition(lambda self: self.is_stormy and not self.is_bus_away)
    def a_message_that_nobody_can_read_arrives(self, key: RoomKey, payload: bytes) -> None:
        async def arrive() -> None:
            self.rooms.received(key.topic, payload)

        self.call(arrive)

    @rule(
        side=st.sampled_from([FIRST, SECOND]),
        name=st.sampled_from(["Dusk", "Dawn"]),
        knows_campaign=st.booleans(),
        is_told=st.booleans(),
    )
    @precondition(lambda self: self.is_stormy)
    def something_of_a_newer_version_happens(
        self, side: str, name: str, knows_campaign: bool, is_told: bool
    ) -> None:
        if side in self.world.campaigns:
            self.world.change_as_tomorrow(side, name, knows_campaign=knows_campaign)
            self._told(is_told)

    @rule()
    def heartbeat(self) -> None:
        async def beat() -> None:
            if not self.is_bus_away:
                for topic, message in self.world.beats():
                    self.rooms.received(topic, message)

        self.call(beat)

    @rule()
    @precondition(lambda self: self.is_stormy)
    def the_bus_goes_away(self) -> None:
        self.is_bus_away = True

    @rule()
    @precondition(lambda self: self.is_stormy)
    def the_bus_comes_back(self) -> None:
        async def subscribed() -> None:
            for topic in sorted(self.bus.wanted):
                self.rooms.subscribed(topic)

        if self.is_bus_away:
            self.is_bus_away = False
            self.call(subscribed)

    # What happens in the worker

    @rule(laps=st.integers(1, 8))
    def time_passes(self, laps: int) -> None:
        async def pass_by() -> None:
            for _ in range(laps):
                await asyncio.sleep(0)

        self.call(pass_by)

    @rule(silence_s=st.sampled_from([0.0, 2.5, 40.0]))
    def the_rooms_are_looked_after(self, silence_s: float) -> None:
        async def look() -> None:
            looking = asyncio.create_task(self.rooms.run())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            looking.cancel()

        self.clock.now += silence_s
        self.call(look)

    @rule(before=st.booleans(), after=st.booleans())
    @precondition(lambda self: self.is_stormy)
    def doors_break_or_mend(self, before: bool, after: bool) -> None:
        self.before.fails, self.after.fails = before, after

    # What the visitors do

    @initialize(is_stormy=st.booleans())
    def first_visitors(self, is_stormy: bool) -> None:
        self.is_stormy = is_stormy
        for key in KEYS:
            self.visitor_comes(key)

    @rule(key=st.sampled_from(KEYS))
    def visitor_comes(self, key: RoomKey) -> None:
        if len(self.browsers) < 12:
            self.opened += 1
            browser = Browser(f"visitor {self.opened}", key)
            self.browsers.append(browser)
            self.namespace.sockets[browser.session_id] = browser.socket
            self._open(browser, key)

    def _open(self, browser: Browser, key: RoomKey, *, refreshes: bool = False) -> None:
        """Load a page, as Reflex does: never two at once in one session."""
        if browser.loading is not None and not browser.loading.done():
            return

        async def enter() -> None:
            if refreshes:
                await self.door.reread(key)
            await self.door.enter(browser.session_id, key)

        async def load() -> None:
            try:
                await enter()
            except Unavailable:
                self.door.say_stale(browser.session_id, key.view)
                browser.must_load = True

        async def begin() -> None:
            browser.loading = asyncio.create_task(load())

        browser.key, browser.must_load = key, False
        self.call(begin)

    def _browser(self, number: int) -> Browser:
        return self.browsers[number % len(self.browsers)]

    @rule(number=st.integers(0, 11), key=st.sampled_from(KEYS))
    @precondition(lambda self: self.browsers)
    def visitor_goes_elsewhere(self, number: int, key: RoomKey) -> None:
        self._open(self._browser(number), key)

    @rule(number=st.integers(0, 11))
    @precondition(lambda self: self.browsers)
    def visitor_refreshes(self, number: int) -> None:
        browser = self._browser(number)
        if browser.key is not None:
            self._open(browser, browser.key, refreshes=True)

    @rule(number=st.integers(0, 11))
    @precondition(lambda self: self.browsers)
    def visitor_leaves(self, number: int) -> None:
        browser = self._browser(number)
        self.browsers.remove(browser)
        self.namespace.disconnect(browser.session_id)

    @rule(number=st.integers(0, 11), reads=st.booleans())
    @precondition(lambda self: self.browsers)
    def visitor_reads_or_not(self, number: int, reads: bool) -> None:
        browser = self._browser(number)
        browser.reads = reads
        if reads:
            browser.read()

    @rule(number=st.integers(0, 11))
    @precondition(lambda self: self.browsers)
    def visitor_reads_one_update(self, number: int) -> None:
        browser = self._browser(number)
        browser.reads = False
        browser.read(1)

    # What must hold

    @invariant()
    def a_campaign_is_shown_as_it_was_at_one_moment(self) -> None:
        for browser in self.browsers:
            if browser.reads:
                browser.read()
            key, is_there = browser.key, browser.loading is not None and browser.loading.done()
            if key is None or key.view != "campaign" or not is_there or browser.must_load:
                continue
            shown = browser.shown()
            if shown is None or shown[0].get("id") != key.subject or shown[0]["missing"]:
                continue  # Its view waits in the queue, or it has ended.
            assert moment(*shown) in self.world.moments[key]

    @rule(arrive=st.booleans())
    def everything_works_for_a_while(self, arrive: bool) -> None:
        """Whatever was before: a few heartbeats later every page shows the database, in order."""
        self.is_database_away = self.before.fails = self.after.fails = False
        self.open_gate()
        self.the_bus_comes_back()
        self.world.place(1000)
        if arrive:
            self.messages_arrive()
        for _ in range(4):
            self.clock.now += 1
            self.heartbeat()
            self.the_rooms_are_looked_after(0.0)
            for browser in self.browsers:
                browser.reads = True
                if browser.must_load and browser.key is not None:
                    self._open(browser, browser.key)
            self.call(self._idle)
        for browser in self.browsers:
            self._assert_right(browser)

    async def _idle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)
            for browser in self.browsers:
                browser.read()

    def _assert_right(self, browser: Browser) -> None:
        assert browser.key is not None
        truth = whole(self.world.view(browser.key))
        shown = browser.shown()
        assert shown is not None
        fields, rows = shown
        assert {name: fields[name] for name in truth.fields} == truth.fields
        assert rows == list(truth.rows.values())
        assert fields["stale"] == 0

    def teardown(self) -> None:
        try:
            self.everything_works_for_a_while(arrive=False)
        finally:
            self.call(self._stop)
            self.patches.close()

    async def _stop(self) -> None:
        self.catching_up.cancel()
        for browser in self.browsers:
            if browser.loading is not None:
                browser.loading.cancel()


class TestConvergence:
    def test_every_page_shows_the_database_a_few_heartbeats_after_anything(self) -> None:
        run_state_machine_as_test(Site, settings=settings(max_examples=100, stateful_step_count=40))
