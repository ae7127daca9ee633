"""What a campaign should have after each act, by books that know the rules and nothing of the code.

Nothing here is kept that can be added up: a total is the sum of its gifts each time it is asked
for. An act that the rules refuse raises Refused, and may leave the books half changed: whoever
tries an act tries it on a copy.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from financial_live.errors import AppError, Conflict, Invalid

CENT, ZERO = Decimal("0.01"), Decimal(0)
RATES = {
    ("EUR", "IDR"): Decimal(16_000),
    ("IDR", "EUR"): Decimal("0.0000625"),
    ("USD", "EUR"): Decimal("0.925"),
    ("USD", "IDR"): Decimal(14_800),
}
PLACES = ("IDR", "IDR", "EUR")
"""The currencies of the campaigns, which are known by their place here."""
_UNDOABLE = ("approve", "endorse", "reject", "refund")
_MINUTE = timedelta(minutes=1)


class Refused(Exception):
    """The rules refuse an act: with which error, and some of the words it is told in."""

    def __init__(self, error: type[AppError], words: str = "") -> None:
        super().__init__(words)
        self.error = error
        self.words = words


@dataclass
class Deed:
    """Somebody's act on a gift, and the gift's standing before."""

    act: str
    who: str
    at: datetime
    before: tuple[str, Decimal | None, Decimal, str | None]


@dataclass
class Gift:
    """A gift; ``worth`` is in the currency of its campaign, as are ``counted`` and ``refunded``."""

    place: int
    email: str | None
    amount: Decimal
    currency: str
    is_test: bool
    given_at: datetime
    worth: Decimal = ZERO
    status: str = "pending"
    counted: Decimal | None = None
    refunded: Decimal = ZERO
    endorsed_by: str | None = None
    is_hidden: bool = False
    was_counted: bool = False
    version: int = 0
    last: Deed | None = None
    decided: Deed | None = None

    @property
    def kept(self) -> Decimal:
        return (self.counted or ZERO) - self.refunded

    @property
    def standing(self) -> tuple[str, Decimal | None, Decimal, str | None]:
        return self.status, self.counted, self.refunded, self.endorsed_by

    @property
    def is_counted(self) -> bool:
        return self.status in ("approved", "refunded") and not self.is_test

    @property
    def takes_place(self) -> bool:
        """Whether its donor has given the one gift with it."""
        return self.email is not None and not self.is_test and self.status != "rejected"


@dataclass
class Grant:
    """What a challenge granted a gift when it came to count, and what of that it adds now."""

    granted: Decimal
    amount: Decimal


@dataclass
class Challenge:
    """A sponsor's word; ``grants`` are by gift."""

    place: int
    ratio: Decimal
    cap: Decimal
    starts_at: datetime
    ends_at: datetime | None
    is_cancelled: bool = False
    grants: dict[int, Grant] = field(default_factory=dict)

    @property
    def matched(self) -> Decimal:
        return sum((grant.amount for grant in self.grants.values()), ZERO)

    @property
    def remaining(self) -> Decimal:
        return ZERO if self.is_cancelled else self.cap - self.matched

    def takes(self, gift: Gift) -> bool:
        is_over = self.ends_at is not None and gift.given_at >= self.ends_at
        return not self.is_cancelled and self.starts_at <= gift.given_at and not is_over


@dataclass
class Milestone:
    """A total worth telling of; one that was passed before it was set is reached and not told."""

    place: int
    amount: Decimal
    is_reached: bool
    is_told: bool = False


@dataclass
class Campaign:
    """The settings of a campaign, and what only its history says."""

    is_automatic: bool = True
    is_open: bool = True
    one_gift: bool = False
    two_from: Decimal | None = None
    transferred: Decimal = ZERO
    version: int = 1


@dataclass
class Books:
    """All campaigns with all that belongs to them, and what time it is."""

    clock: datetime = datetime(2026, 3, 1, 18, tzinfo=UTC)
    campaigns: list[Campaign] = field(
        default_factory=lambda: [Campaign(), Campaign(is_automatic=False), Campaign()]
    )
    gifts: dict[int, Gift] = field(default_factory=dict)
    challenges: list[Challenge] = field(default_factory=list)
    milestones: list[Milestone] = field(default_factory=list)
    given: int = 0

    def raised(self, place: int) -> Decimal:
        return sum((g.kept for g in self.gifts.values() if g.place == place), ZERO)

    def matched(self, place: int) -> Decimal:
        return sum((c.matched for c in self.challenges if c.place == place), ZERO)

    def total(self, place: int) -> Decimal:
        return self.raised(place) + self.matched(place) + self.campaigns[place].transferred

    def count(self, place: int) -> int:
        return sum(g.counted is not None for g in self.gifts.values() if g.place == place)

    def donors(self, place: int, *, without: Gift | None = None) -> list[str]:
        """Return who has given, in small letters, as often as they have."""
        gifts = (g for g in self.gifts.values() if g.place == place and g is not without)
        return [gift.email.lower() for gift in gifts if gift.takes_place and gift.email]

    # What happens to gifts

    def give(self, gift: Gift, who: str, *, is_written_down: bool) -> int:
        campaign = self.campaigns[gift.place]
        if not campaign.is_open:
            raise Refused(Invalid, "campaign_id is closed")
        gift.worth = self._worth(gift, gift.place)
        self._refuse_second(gift)
        waits = not gift.is_test and self._needs_two(gift)
        gift.status = "approved" if campaign.is_automatic and not waits else "pending"
        if is_written_down:
            self._write(gift, "record", who)
        self.given += 1
        self.gifts[self.given] = gift
        if gift.status == "approved" and not gift.is_test:
            self._stand(self.given, counted=gift.worth, refunded=ZERO)
        self._touch(gift)
        return self.given

    def approve(self, number: int, who: str) -> None:
        gift = self.gifts[number]
        self._refuse_decided(gift)
        if not gift.is_test and self._needs_two(gift):
            if gift.endorsed_by is None:
                self._write(gift, "endorse", who)
                gift.endorsed_by = who
                return self._touch(gift)
            if gift.endorsed_by == who:
                raise Refused(Conflict, "a second person must approve")
        self._write(gift, "approve", who)
        gift.status, gift.endorsed_by = "approved", None
        if not gift.is_test:
            self._stand(number, counted=gift.worth, refunded=ZERO)
        return self._touch(gift)

    def reject(self, number: int, who: str) -> None:
        gift = self.gifts[number]
        self._refuse_decided(gift)
        self._write(gift, "reject", who)
        gift.status, gift.endorsed_by = "rejected", None
        self._touch(gift)

    def refund(self, number: int, who: str, amount: Decimal | None) -> None:
        gift = self.gifts[number]
        if not gift.is_counted:
            raise Refused(Conflict, f"is {gift.status}, so there is nothing to give back")
        if gift.kept == 0:
            raise Refused(Conflict, f"given back already{_by(gift)}")
        if amount is not None and amount > gift.kept:
            raise Refused(Invalid, "what is left of the gift")
        self._write(gift, "refund", who)
        refunded = gift.refunded + (gift.kept if amount is None else amount)
        self._stand(number, counted=gift.counted, refunded=refunded)
        gift.status = "approved" if gift.kept else "refunded"
        self._touch(gift)

    def undo(self, number: int, who: str) -> None:
        gift = self.gifts[number]
        last = gift.last
        if last is None or last.act not in _UNDOABLE:
            raise Refused(Conflict, "nothing to undo")
        if last.who != who:
            raise Refused(Conflict, f"Only {last.who} can undo this")
        if self.clock - last.at > _MINUTE:
            raise Refused(Conflict, "too late")
        self._write(gift, "undo", who)
        gift.status, counted, refunded, gift.endorsed_by = last.before
        self._refuse_second(gift)
        self._stand(number, counted=counted, refunded=refunded)
        self._touch(gift)

    def moderate(self, number: int, *, is_hidden: bool) -> None:
        gift = self.gifts[number]
        if gift.is_hidden != is_hidden:
            gift.is_hidden = is_hidden
            self._touch(gift)

    def edit(self, number: int, who: str, amount: Decimal) -> None:
        gift = self.gifts[number]
        if amount == gift.amount:
            return
        if gift.is_counted:
            raise Refused(Conflict, "Refund instead")
        self._write(gift, "update", who)
        gift.amount, gift.endorsed_by = amount, None
        gift.worth = self._worth(gift, gift.place)
        self._touch(gift)

    def move(self, number: int, who: str, place: int) -> None:
        gift, target = self.gifts[number], self.campaigns[place]
        if place == gift.place:
            return
        if not target.is_open:
            raise Refused(Invalid, "campaign_id is closed")
        if gift.is_counted:
            raise Refused(Conflict, "Refund instead")
        gift.worth = self._worth(gift, place)
        self._write(gift, "update", who)
        self.campaigns[gift.place].version += 1
        gift.place, gift.endorsed_by = place, None
        self._refuse_second(gift)
        self._touch(gift)

    def delete(self, number: int) -> None:
        gift = self.gifts[number]
        if gift.is_counted:
            raise Refused(Conflict, "Refund instead")
        if gift.was_counted:
            raise Refused(Conflict, "is in the ledger")
        self.campaigns[gift.place].version += 1
        del self.gifts[number]

    # What happens to campaigns

    def transfer(self, giver: int, taker: int, amount: Decimal) -> None:
        if giver == taker:
            raise Refused(Invalid, "must be another campaign")
        if PLACES[giver] != PLACES[taker]:
            raise Refused(Invalid, "but must be in")
        if amount > self.total(giver):
            raise Refused(Conflict, "all that the campaign has")
        for place, change in ((giver, -amount), (taker, amount)):
            self.campaigns[place].transferred += change
            self.campaigns[place].version += 1
            self._reach(place)

    def challenge(self, challenge: Challenge) -> None:
        self.challenges.append(challenge)
        self.campaigns[challenge.place].version += 1

    def cancel(self, number: int) -> None:
        challenge = self.challenges[number]
        if challenge.is_cancelled:
            raise Refused(Conflict, "cancelled before")
        challenge.is_cancelled = True
        self.campaigns[challenge.place].version += 1

    def milestone(self, place: int, amount: Decimal) -> None:
        if any(m.place == place and m.amount == amount for m in self.milestones):
            raise Refused(Invalid, "amount has already been taken")
        self.milestones.append(Milestone(place, amount, self.total(place) >= amount))
        self.campaigns[place].version += 1

    def change(self, place: int, name: str, value: bool | Decimal | None) -> None:
        campaign = self.campaigns[place]
        if getattr(campaign, name) == value:
            return
        donors = self.donors(place)
        if name == "one_gift" and value and len(set(donors)) < len(donors):
            raise Refused(Conflict, "gave more than once")
        setattr(campaign, name, value)
        campaign.version += 1

    # The rules they share

    def _worth(self, gift: Gift, place: int) -> Decimal:
        exact = gift.amount * RATES.get((gift.currency, PLACES[place]), 1)
        # Half a cent of another currency is none yet.
        if gift.currency != PLACES[place] and exact <= CENT / 2:
            raise Refused(Invalid, "amount is worth less than 0.01")
        return exact.quantize(CENT, rounding=ROUND_HALF_UP)

    def _needs_two(self, gift: Gift) -> bool:
        two_from = self.campaigns[gift.place].two_from
        return two_from is not None and gift.worth >= two_from

    def _refuse_second(self, gift: Gift) -> None:
        """Refuse a gift of a donor who has given already, where only one is taken."""
        if not gift.takes_place or not self.campaigns[gift.place].one_gift:
            return
        if gift.email and gift.email.lower() in self.donors(gift.place, without=gift):
            raise Refused(Invalid, "donor_email has already been taken")

    def _refuse_decided(self, gift: Gift) -> None:
        if gift.status != "pending":
            raise Refused(Conflict, f"is {gift.status} already{_by(gift)}")

    def _write(self, gift: Gift, act: str, who: str) -> None:
        gift.last = Deed(act, who, self.clock, gift.standing)
        if act != "update":
            gift.decided = gift.last

    def _stand(self, number: int, *, counted: Decimal | None, refunded: Decimal) -> None:
        """Let so much of a gift count, with what challenges add to it."""
        gift = self.gifts[number]
        was_counted, was_kept = gift.counted, gift.kept
        gift.counted, gift.refunded = counted, refunded
        gift.was_counted |= counted is not None
        for challenge in self.challenges:
            if challenge.place != gift.place or (was_counted, was_kept) == (counted, gift.kept):
                continue
            if was_counted is None and challenge.takes(gift):
                wanted = _down((counted or ZERO) * challenge.ratio)
                granted = min(wanted, challenge.remaining)
                challenge.grants[number] = Grant(granted, granted)
            elif counted is None:
                challenge.grants.pop(number, None)
            elif grant := challenge.grants.get(number):
                part = _down(grant.granted * gift.kept / counted)
                more = challenge.remaining if gift.kept > was_kept else ZERO
                grant.amount = min(part, grant.amount + more)
        if self.total(gift.place) < 0:
            raise Refused(Conflict, "too little left")
        self._reach(gift.place)

    def _reach(self, place: int) -> None:
        for milestone in self.milestones:
            is_there = milestone.place == place and self.total(place) >= milestone.amount
            if is_there and not milestone.is_reached:
                milestone.is_reached = milestone.is_told = True

    def _touch(self, gift: Gift) -> None:
        self.campaigns[gift.place].version += 1
        gift.version = self.campaigns[gift.place].version


def _by(gift: Gift) -> str:
    return f": {gift.decided.who} did it" if gift.decided else ""


def _down(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_DOWN)
