"""How a change of gifts changes the totals: one path for every act, whatever it is.

What counts of a gift changes only here. In the transaction that changes the gift the campaign is
held, challenges match what came to count and take back what went, the totals move, and the ledger
gets an entry for each of it. So no act can forget one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from financial_live.contexts import campaigns, ledger, matches
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations.models import Donation
from financial_live.contexts.ledger import EntryKind, Posting, posting
from financial_live.contexts.matches import Change, MatchChallenge, Settled, Share
from financial_live.event import Event

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts of a gift: ``counted`` in the campaign's currency, less ``refunded``."""

    counted: Decimal | None = None
    refunded: Decimal = _ZERO

    @property
    def kept(self) -> Decimal:
        """What the total contains."""
        return (self.counted or _ZERO) - self.refunded


NOTHING = Standing()


@dataclass(frozen=True, slots=True)
class Shift:
    """A gift whose standing changes."""

    donation_id: UUID
    given_at: datetime
    before: Standing
    after: Standing

    @property
    def amount(self) -> Decimal:
        """By how much the total changes."""
        return self.after.kept - self.before.kept

    @property
    def gifts(self) -> int:
        """By how much the number of counted gifts changes."""
        return (self.after.counted is not None) - (self.before.counted is not None)

    @property
    def share(self) -> Share:
        """The gift as it is matched."""
        counted = self.after.counted or self.before.counted or _ZERO
        return Share(
            self.donation_id,
            self.given_at,
            counted,
            self.after.kept,
            is_new=self.gifts > 0,
            is_gone=self.gifts < 0,
            is_less=self.amount < 0,
        )

    def postings(self, campaign_id: UUID, currency: str) -> list[Posting]:
        """Return the ledger's entries of it."""
        moved = (
            (EntryKind.GIFT, _grown(self.before.counted, self.after.counted)),
            (EntryKind.REFUND_UNDONE, _grown(self.after.refunded, self.before.refunded)),
            (EntryKind.REFUND, _grown(self.before.refunded, self.after.refunded)),
            (EntryKind.GIFT_UNDONE, _grown(self.after.counted, self.before.counted)),
        )
        return [
            posting(kind, campaign_id, amount, currency, donation_id=self.donation_id)
            for kind, amount in moved
            if amount > 0
        ]


def _grown(before: Decimal | None, after: Decimal | None) -> Decimal:
    return (after or _ZERO) - (before or _ZERO)


def standing(donation: Donation) -> Standing:
    """Return what counts of a gift now."""
    return Standing(donation.counted_amount, donation.refunded_amount)


@dataclass(frozen=True, slots=True)
class Counted:
    """A campaign as it is after, and what is still to be posted when the gifts are stored."""

    campaign: Campaign
    postings: list[Posting]
    challenges: Sequence[MatchChallenge] = ()
    """The challenges of which something else remains now."""

    def telling(self, event: Event) -> Event:
        """Return the gift's event with what remains of challenges, where that is something else.

        So who shows it need not read it again with every gift.
        """
        if not self.challenges:
            return event
        rows = [matches.challenge_row(challenge) for challenge in self.challenges]
        return replace(event, data={**event.data, "challenges": rows})


async def count(
    campaign: Campaign, shifts: Sequence[Shift], *, is_held: bool = False
) -> Counted | None:
    """Move the totals of ``campaign`` by what changes, and match it; hold its lock.

    Part of the transaction that changes the gifts. None if the campaign is gone or its settings are
    no longer those of ``campaign``, unless it ``is_held``. The caller posts what is to be posted.
    """
    shifts = _moving(shifts)
    if shifts and await matches.concern(campaign) and not is_held:
        held = await campaigns.locked_all([campaign.id])
        if campaign.id not in held or held[campaign.id].revision != campaign.revision:
            return None
    settled = await _settled(campaign, shifts)
    change = _change(shifts, settled)
    after = await campaigns.counted(
        campaign.id,
        amount=change.amount,
        gifts=change.gifts,
        matched=change.matched,
        revision=None if is_held else campaign.revision,
    )
    return _counted(after, shifts, settled) if after is not None else None


async def count_all(moved: Sequence[tuple[Campaign, Sequence[Shift]]]) -> list[Counted]:
    """Move the totals of campaigns that are held as ``count`` does, in one statement.

    Each is named once; what became of them is returned in their order.
    """
    found: list[tuple[UUID, list[Shift], Settled]] = []
    for campaign, given in moved:
        shifts = _moving(given)
        found.append((campaign.id, shifts, await _settled(campaign, shifts)))
    after = await campaigns.counted_all(
        {key: _change(shifts, settled) for key, shifts, settled in found}
    )
    return [_counted(after[key], shifts, settled) for key, shifts, settled in found]


def _moving(shifts: Sequence[Shift]) -> list[Shift]:
    return [shift for shift in shifts if shift.before != shift.after]


async def _settled(campaign: Campaign, shifts: Sequence[Shift]) -> Settled:
    if not shifts or not await matches.concern(campaign):
        return Settled()
    return await matches.settle(campaign.id, [shift.share for shift in shifts])


def _change(shifts: Sequence[Shift], settled: Settled) -> campaigns.Change:
    return campaigns.Change(
        amount=sum((shift.amount for shift in shifts), _ZERO),
        gifts=sum(shift.gifts for shift in shifts),
        matched=sum((change.amount for change in settled.changes), _ZERO),
    )


def _counted(after: Campaign, shifts: Sequence[Shift], settled: Settled) -> Counted:
    posted = [p for shift in shifts for p in shift.postings(after.id, after.currency)]
    posted += [_match_posting(after, change) for change in settled.changes]
    return Counted(after, posted, settled.challenges)


def _match_posting(campaign: Campaign, change: Change) -> Posting:
    kind = EntryKind.MATCH if change.amount > 0 else EntryKind.MATCH_RETURNED
    return posting(
        kind,
        campaign.id,
        abs(change.amount),
        campaign.currency,
        donation_id=change.donation_id,
        challenge_id=change.challenge_id,
    )


async def post(*counted: Counted) -> None:
    """Write the entries of what was counted."""
    await ledger.post([posting for one in counted for posting in one.postings])
