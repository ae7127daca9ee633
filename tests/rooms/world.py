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
        self.challenges: dict[str, list[Data]] = {}
        self.milestones: dict[str, list[Data]] = {}
        self.matches: dict[tuple[str, str], Decimal] = {}
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
            "total_raised": "0.00",
            "matched_total": "0.00",
            "transferred_total": "0.00",
            "total": "0.00",
            "gift_count": 0,
            "version": 1,
            "revision": 1,
        }
        self.challenges[new], self.milestones[new] = [], []
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
        data = {"donation": rows[0]} if len(rows) == 1 else {"donations": rows}
        name = "donation_created" if len(rows) == 1 else "donations_created"
        self._count(name, campaign_id, data, changed=rows)

    def _gift(self, campaign_id: str, version: int, given: Data) -> Data:
        new = self._id()
        # Gifts of one moment are ordered by their ids.
        second = self._ids // 2 % 60
        return {
            "id": new,
            "campaign_id": campaign_id,
            "donor_name": "Sari",
            "currency": "EUR" if given["rate"] else "USD",
            "rate_as_of": "2026-11-22" if given["rate"] else None,
            "refunded_amount": "0",
            "is_test": False,
            "is_hidden": False,
            "show_name": True,
            "show_amount": True,
            "message": "Keep going!",
            "version": version,
            "inserted_at": f"2026-11-23T20:{self._ids // 120:02}:{second:02}.000001+00:00",
            **given,
            "counted_amount": self._worth(given) if given["status"] == "approved" else None,
        }

    @staticmethod
    def _worth(gift: Data) -> str:
        return amount_text(Decimal(gift["amount"]) * Decimal(gift["rate"] or 1))

    def act_on_gift(self, gift_id: str, act: str) -> None:
        """Commit what a reviewer does to a gift, if its status lets them."""
        gift = self.gifts[gift_id]
        is_pending, counted = gift["status"] == "pending", gift["counted_amount"]
        changes: dict[tuple[str, bool], Data] = {
            ("approve", is_pending): {"status": "approved", "counted_amount": self._worth(gift)},
            ("endorse", is_pending): {},
            ("reject", is_pending): {"status": "rejected"},
            ("refund", bool(counted)): {"status": "refunded", "refunded_amount": counted},
            ("refund a part", bool(counted)): {"status": "approved", "refunded_amount": "1.00"},
            ("undo", not is_pending): {
                "status": "pending",
                "counted_amount": None,
                "refunded_amount": "0",
            },
            ("hide", True): {"is_hidden": True},
            ("show", True): {"is_hidden": False},
        }
        names = {"refund a part": "refunded", "refund": "refunded", "undo": "undone"}
        names |= {"approve": "approved", "endorse": "endorsed", "reject": "rejected"}
        if (act, True) in changes:
            version = {"version": self.campaigns[gift["campaign_id"]]["version"] + 1}
            changed = self.gifts[gift_id] = gift | changes[act, True] | version
            name = f"donation_{names.get(act, 'moderated')}"
            self._count(name, gift["campaign_id"], {"donation": changed}, changed=[changed])

    # What sponsors add, and what is worth telling

    def _count(self, name: str, campaign_id: str, data: Data, *, changed: list[Data]) -> None:
        """Commit gifts whose standing has changed: match them, and tell of milestones first."""
        before = Decimal(self.campaigns[campaign_id]["total"])
        matched = self._match(campaign_id, changed)
        self._touch(campaign_id)
        self._reach(campaign_id, before)
        beside = {"challenges": matched} if matched else {}
        self._commit(name, campaign_id, data | beside, also=("donations",))

    def _match(self, campaign_id: str, gifts: list[Data]) -> list[Data]:
        """Double gifts as far as challenges allow; return the challenges that have changed."""
        before = list(self.challenges[campaign_id])
        for gift in gifts:
            kept = Decimal(gift["counted_amount"] or 0) - Decimal(gift["refunded_amount"])
            self.challenges[campaign_id] = [
                self._matched(challenge, gift["id"], kept)
                for challenge in self.challenges[campaign_id]
            ]
        after = self.challenges[campaign_id]
        return [one for old, one in zip(before, after, strict=True) if one != old]

    def _matched(self, challenge: Data, gift_id: str, kept: Decimal) -> Data:
        key, remaining = (challenge["id"], gift_id), Decimal(challenge["remaining"])
        added = self.matches.get(key, Decimal(0))
        self.matches[key] = min(kept, added + remaining)
        left = remaining + added - self.matches[key]
        return challenge if challenge["cancelled_at"] else challenge | {"remaining": str(left)}

    def _reach(self, campaign_id: str, before: Decimal) -> None:
        total = Decimal(self.campaigns[campaign_id]["total"])
        for number, milestone in enumerate(self.milestones[campaign_id]):
            if before < Decimal(milestone["amount"]) <= total and not milestone["reached_at"]:
                reached = milestone | {"reached_at": "2026-11-23T21:00:00.000000Z"}
                self.milestones[campaign_id][number] = reached
                self._commit("milestone_reached", campaign_id, {"milestone": reached}, see=False)

    def challenge(self, campaign_id: str, cap: str) -> None:
        """Commit that somebody doubles gifts from now on, up to ``cap`` in all."""
        challenge = {
            "id": self._id(),
            "sponsor_name": "Yayasan Harapan",
            "ratio": "1.00",
            "cap": cap,
            "remaining": cap,
            "starts_at": "2026-11-23T20:00:00.000000Z",
            "ends_at": None,
            "cancelled_at": None,
        }
        self.challenges[campaign_id].append(challenge)
        self._set("challenge_created", campaign_id, {"challenge": challenge})

    def cancel_challenge(self, campaign_id: str) -> None:
        for number, challenge in enumerate(self.challenges[campaign_id]):
            if not challenge["cancelled_at"]:
                over = challenge | {"cancelled_at": "2026-11-23T21:00:00.000000Z"}
                over |= {"remaining": "0.00"}
                self.challenges[campaign_id][number] = over
                self._set("challenge_cancelled", campaign_id, {"challenge": over})
                return

    def milestone(self, campaign_id: str, amount: str) -> None:
        """Commit that a total is worth telling of."""
        is_there = Decimal(self.campaigns[campaign_id]["total"]) >= Decimal(amount)
        milestone = {
            "id": self._id(),
            "amount": amount,
            "label": "The walls stand",
            "reached_at": "2026-11-23T21:00:00.000000Z" if is_there else None,
        }
        self.milestones[campaign_id].append(milestone)
        self._set("milestone_created", campaign_id, {"milestone": milestone})

    def delete_milestone(self, campaign_id: str) -> None:
        if self.milestones[campaign_id]:
            gone = self.milestones[campaign_id].pop()
            self._set("milestone_deleted", campaign_id, {"milestone": gone})

    def _set(self, name: str, campaign_id: str, data: Data) -> None:
        """Commit a change of what is beside the settings: the campaign's own event comes first."""
        self._touch(campaign_id)
        self._commit("campaign_updated", campaign_id, also=("donations",), see=False)
        self._commit(name, campaign_id, data)

    def transfer(self, giver: str, taker: str, amount: str) -> None:
        """Commit that money goes from one campaign to another, if there is so much."""
        if Decimal(self.campaigns[giver]["total"]) < Decimal(amount):
            return
        for campaign_id, change in ((giver, -Decimal(amount)), (taker, Decimal(amount))):
            campaign = self.campaigns[campaign_id]
            before = Decimal(campaign["total"])
            transferred = amount_text(Decimal(campaign["transferred_total"]) + change)
            self._touch(campaign_id, transferred_total=transferred)
            self._reach(campaign_id, before)
            data = {"transfer": {"amount": amount}}
            self._commit("funds_transferred", campaign_id, data, also=("donations",))

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
            Decimal(gift["counted_amount"]) - Decimal(gift["refunded_amount"])
            for gift in self.gifts.values()
            if gift["campaign_id"] == campaign_id and gift["counted_amount"] is not None
        ]
        known = {challenge["id"] for challenge in self.challenges[campaign_id]}
        added = [amount for key, amount in self.matches.items() if key[0] in known]
        after = {
            **campaign,
            **change,
            "version": campaign["version"] + 1,
            "total_raised": amount_text(sum(counted, Decimal(0))),
            "matched_total": amount_text(sum(added, Decimal(0))),
            "gift_count": len(counted),
        }
        parts = [after[name] for name in ("total_raised", "matched_total", "transferred_total")]
        total = amount_text(sum(map(Decimal, parts), Decimal(0)))
        self.campaigns[campaign_id] = after | {"total": total}

    def _commit(
        self,
        name: str,
        campaign_id: str,
        data: Data | None = None,
        also: tuple[str, ...] = (),
        *,
        see: bool = True,
    ) -> None:
        """Tell an event; unless ``see``, more of the same transaction follows."""
        self._tell(name, self.campaigns[campaign_id], data or {}, also=also, see=see)

    def _tell(
        self,
        name: str,
        summary: Data,
        data: Data,
        also: tuple[str, ...] = (),
        *,
        see: bool = True,
    ) -> None:
        topics = ("campaigns", f"campaign:{summary['id']}", *also)
        concerned = frozenset({summary["id"], *(t[9:] for t in also if t.startswith("campaign:"))})
        self.waiting.append(Fact(name, topics, {**data, "campaign": summary}, concerned))
        for key, moments in self.moments.items() if see else ():
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
        lasting = [c for c in self.challenges[key.subject] if not c["cancelled_at"]]
        fields = {
            **views._campaign_fields(self.campaigns[key.subject]),
            "description": "",
            "challenges": [views._challenge(challenge) for challenge in lasting],
            "milestones": list(self.milestones[key.subject]),
        }
        rows = {g["id"]: views._gift_row(g) for g in own[:CAMPAIGN_GIFTS]}
        return View({**fields, "largest": self._largest(key.subject), "missing": False}, rows)

    def _largest(self, campaign_id: str) -> str:
        amounts = [
            Decimal(gift["counted_amount"]) - Decimal(gift["refunded_amount"])
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
