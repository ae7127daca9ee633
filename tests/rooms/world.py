"""Models of what stands around the rooms: the time, the database with its relay, and the bus.

Only this they do not do, because what they stand for does not: events of one campaign keep their
order, because its row is locked until they are committed.
"""

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from financial_live.contexts import donations
from financial_live.contexts.donations import Audience
from financial_live.contexts.wire import amount_text
from financial_live.outbox import Place, Placed
from financial_live.rooms import (
    RoomKey,
    View,
    campaign_room,
    campaigns_room,
    gifts_room,
    live_campaigns_room,
    views,
)
from financial_live.rooms.room import whole

Data = dict[str, Any]

CAMPAIGN_GIFTS, GIFTS = 3, 4
STAFF, PUBLIC = Audience.STAFF, Audience.PUBLIC
FIRST, SECOND = str(UUID(int=1)), str(UUID(int=2))
KEYS = (
    campaign_room(UUID(FIRST), PUBLIC),
    campaign_room(UUID(FIRST), STAFF),
    campaign_room(UUID(SECOND), STAFF),
    gifts_room(PUBLIC),
    gifts_room(STAFF),
    campaigns_room(1),
    live_campaigns_room(),
)


class Clock:
    """Time that passes only when the machine says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@dataclass(frozen=True)
class Fact:
    """An event as the outbox holds it."""

    name: str
    topics: tuple[str, ...]
    data: Data
    campaigns: frozenset[str]


def moment(fields: Data, rows: list[Data]) -> bytes:
    """Return what a page shows, as something that can be looked up."""
    shown = {k: v for k, v in fields.items() if k != "stale"}
    return orjson.dumps([shown, rows], option=orjson.OPT_SORT_KEYS)


class World:
    """The database and its relay: the rows, the events, and the messages published so far."""

    def __init__(self) -> None:
        self.campaigns: dict[str, Data] = {}
        self.gifts: dict[str, Data] = {}
        self.waiting: list[Fact] = []
        self.placed: list[Fact] = []
        self.term = 1
        self.seq = Counter[str]()
        self.published: list[tuple[str, bytes]] = []
        self.next_to_arrive = 0
        self.moments: dict[RoomKey, set[bytes]] = {key: set() for key in KEYS}
        self._ids = 100
        for campaign_id in (FIRST, SECOND):
            self.start_campaign(campaign_id)

    def _id(self) -> str:
        self._ids += 1
        return str(UUID(int=self._ids))

    def start_campaign(self, campaign_id: str | None = None) -> None:
        new = campaign_id or self._id()
        self.campaigns[new] = {
            "id": new,
            "slug": f"c-{new[-3:]}",
            "name": "Night",
            "goal_amount": "100",
            "currency": "USD",
            "status": "active",
            "total_raised": "0",
            "gift_count": 0,
            "version": 1,
            "revision": 1,
        }
        self._commit("campaign_created", new)

    def end_campaign(self, campaign_id: str) -> None:
        self._touch(campaign_id)
        summary = dict(self.campaigns.pop(campaign_id))
        self._tell("campaign_deleted", summary, {})

    def edit_campaign(self, campaign_id: str, name: str, status: str) -> None:
        self._touch(campaign_id, name=name, status=status)
        self._commit("campaign_updated", campaign_id, also=("donations",))

    def change_as_tomorrow(self, campaign_id: str, name: str, *, knows_campaign: bool) -> None:
        """Commit a change that only a newer version of the program makes, and understands."""
        self._touch(campaign_id, name=name)
        self._commit("campaign_of_tomorrow", campaign_id, also=("donations",))
        fact = self.waiting.pop()
        data = {"campaign": {"id": campaign_id}} if knows_campaign else {"renamed": name}
        self.waiting.append(replace(fact, data=data))

    def give(self, campaign_id: str, gifts: list[Data]) -> None:
        """Commit one gift, or several at once."""
        version = self.campaigns[campaign_id]["version"] + 1
        rows = [self._gift(campaign_id, version, gift) for gift in gifts]
        self.gifts |= {row["id"]: row for row in rows}
        self._touch(campaign_id)
        data = {"donation": rows[0]} if len(rows) == 1 else {"donations": rows}
        name = "donation_created" if len(rows) == 1 else "donations_created"
        self._commit(name, campaign_id, data, also=("donations",))

    def _gift(self, campaign_id: str, version: int, given: Data) -> Data:
        new = self._id()
        # Gifts of one moment are ordered by their ids.
        second = self._ids // 2 % 60
        return {
            "id": new,
            "campaign_id": campaign_id,
            "donor_name": "Sari",
            "currency": "USD",
            "refunded_amount": "0",
            "is_test": False,
            "show_name": True,
            "show_amount": True,
            "message": "",
            "version": version,
            "inserted_at": f"2026-11-23T20:{self._ids // 120:02}:{second:02}.000001+00:00",
            **given,
            "counted_amount": given["amount"] if given["status"] == "approved" else None,
        }

    def edit_gift(self, gift_id: str, change: Data) -> None:
        campaign_id = self.gifts[gift_id]["campaign_id"]
        self._touch(campaign_id)
        version = self.campaigns[campaign_id]["version"]
        self.gifts[gift_id] = self.gifts[gift_id] | change | {"version": version}
        gift = {"donation": self.gifts[gift_id]}
        self._commit("donation_updated", campaign_id, gift, also=("donations",))

    def move_gift(self, gift_id: str, target: str) -> None:
        left = self.gifts[gift_id]["campaign_id"]
        self._touch(target)
        version = self.campaigns[target]["version"]
        moved = {"campaign_id": target, "version": version}
        self.gifts[gift_id] = self.gifts[gift_id] | moved
        self._touch(left)
        self._commit("campaign_updated", left, also=("donations",))
        also = ("donations", f"campaign:{left}")
        self._commit("donation_updated", target, {"donation": self.gifts[gift_id]}, also=also)

    def delete_gift(self, gift_id: str) -> None:
        gift = self.gifts.pop(gift_id)
        self._touch(gift["campaign_id"])
        gift = gift | {"version": self.campaigns[gift["campaign_id"]]["version"]}
        data = {"donation": gift}
        self._commit("donation_deleted", gift["campaign_id"], data, also=("donations",))

    def _touch(self, campaign_id: str, **change: Any) -> None:
        campaign = self.campaigns[campaign_id]
        counted = [
            Decimal(gift["counted_amount"])
            for gift in self.gifts.values()
            if gift["campaign_id"] == campaign_id and gift["counted_amount"] is not None
        ]
        self.campaigns[campaign_id] = {
            **campaign,
            **change,
            "version": campaign["version"] + 1,
            "total_raised": amount_text(sum(counted, Decimal(0))),
            "gift_count": len(counted),
        }

    def _commit(
        self, name: str, campaign_id: str, data: Data | None = None, also: tuple[str, ...] = ()
    ) -> None:
        self._tell(name, self.campaigns[campaign_id], data or {}, also=also)

    def _tell(self, name: str, summary: Data, data: Data, also: tuple[str, ...] = ()) -> None:
        topics = ("campaigns", f"campaign:{summary['id']}", *also)
        concerned = frozenset({summary["id"], *(t[9:] for t in also if t.startswith("campaign:"))})
        self.waiting.append(Fact(name, topics, {**data, "campaign": summary}, concerned))
        for key, moments in self.moments.items():
            shown = whole(self.view(key))
            moments.add(moment(shown.fields, list(shown.rows.values())))

    # The relay

    def place(self, count: int) -> None:
        """Give the next ``count`` events their places, and publish them."""
        facts, self.waiting = self.waiting[:count], self.waiting[count:]
        for fact in facts:
            self.placed.append(fact)
            for topic in fact.topics:
                self.seq[topic] += 1
                message = Placed(Place(self.term, self.seq[topic]), fact.name, fact.data).encode()
                self.published.append((topic, message))

    def take_back(self, count: int, *, gives_to_others: bool) -> None:
        """Forget the last ``count`` places, as a crash does; the next relay gives new ones.

        What was published of them stays on its way.
        """
        self.term += 1
        kept = len(self.placed) - min(count, len(self.placed))
        taken, self.placed = self.placed[kept:], self.placed[:kept]
        for fact in taken:
            for topic in fact.topics:
                self.seq[topic] -= 1
        self.waiting = taken + self.waiting
        if gives_to_others and all(len(fact.campaigns) == 1 for fact in self.waiting):
            self.waiting.sort(key=lambda fact: sorted(fact.campaigns), reverse=True)

    def beats(self) -> list[tuple[str, bytes]]:
        """Return the last ``seq`` of every topic, as the relay repeats it."""
        topics = {key.topic for key in KEYS}
        return [
            (topic, Placed(Place(self.term, self.seq[topic]), None, {}).encode())
            for topic in topics
        ]

    # The database, as the rooms read it

    def view(self, key: RoomKey) -> View:
        """Return what a reader sees now: the last gifts, or the campaigns."""
        if key.view == "campaigns":
            return self._campaigns(key)
        gifts = sorted(self.gifts.values(), key=lambda g: (g["inserted_at"], g["id"]), reverse=True)
        shown = [g for g in gifts if key.audience == Audience.STAFF or donations.is_public(g)]
        if key.view == "donations":
            named = [views._named_row(g, self.campaigns[g["campaign_id"]]) for g in shown[:GIFTS]]
            return views._with_campaigns({row["id"]: row for row in named})
        if key.subject not in self.campaigns:
            return View({"missing": True}, {})
        own = [g for g in shown if g["campaign_id"] == key.subject]
        fields = {**views._campaign_fields(self.campaigns[key.subject]), "description": ""}
        rows = {g["id"]: views._gift_row(g) for g in own[:CAMPAIGN_GIFTS]}
        return View({**fields, "largest": self._largest(key.subject), "missing": False}, rows)

    def _largest(self, campaign_id: str) -> str:
        amounts = [
            Decimal(gift["counted_amount"])
            for gift in self.gifts.values()
            if gift["campaign_id"] == campaign_id
            and donations.is_public(gift)
            and gift["show_amount"]
        ]
        return amount_text(max(amounts)) if amounts else ""

    def _campaigns(self, key: RoomKey) -> View:
        found = [
            campaign
            for campaign in sorted(self.campaigns.values(), key=lambda c: c["id"], reverse=True)
            if key.subject != "live" or campaign["status"] == "active"
        ]
        rows = {c["id"]: views._campaign_row(c, UUID(c["id"]).int // 2) for c in found}
        fields = {"loaded": True, "page": 1, "pages": 1, "total": len(rows)}
        return View({**fields, "subject": key.subject}, rows)


class Bus:
    """The bus, as far as the rooms use it: it takes note of what they listen to."""

    def __init__(self) -> None:
        self.wanted: set[str] = set()

    async def watch(self, topic: str, *, by: str) -> None:
        self.wanted.add(topic)

    async def unwatch(self, topic: str, *, by: str) -> None:
        self.wanted.discard(topic)
