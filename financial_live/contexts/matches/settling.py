"""How much gifts are matched with, to the cent.

When a gift comes to count, each challenge that takes it grants it its amount times the ratio,
rounded down to the cent, as far as the cap still allows. While part of the gift is given back the
same part of the grant is, so that what remains of the grant is rounded down as well; it is free
for later gifts then. Undoing that brings back what is still free; a refund never adds anything. A
gift that counts no more has no grant, and gets another one if it comes to count again. Several
challenges match a gift side by side.

All of it happens while the campaign's row is held, so what remains is exact, however many give.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from math import floor
from uuid import UUID

from financial_live import db
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.matches import repo
from financial_live.contexts.matches.models import GiftMatch, MatchChallenge

_CENT = Decimal("0.01")
_ZERO = Decimal("0.00")
_MOST_KNOWN = 1024
# Whether a campaign of this revision has challenges: one that gets its first is another revision.
_known: dict[tuple[UUID, int], bool] = {}


@dataclass(frozen=True, slots=True)
class Share:
    """A gift to be matched: what counts of it, and what remains of that after refunds.

    ``is_new``: it comes to count now; ``is_gone``: it counts no more; ``is_less``: less remains of
    it than before.
    """

    donation_id: UUID
    given_at: datetime
    counted: Decimal
    kept: Decimal
    is_new: bool = False
    is_gone: bool = False
    is_less: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """By how much what a challenge adds to a gift has changed; below zero for what is returned."""

    donation_id: UUID
    challenge_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Settled:
    """What has changed of gifts, and the challenges that changed it as they are after."""

    changes: Sequence[Change] = ()
    challenges: Sequence[MatchChallenge] = ()


async def concern(campaign: Campaign) -> bool:
    """Whether gifts to the campaign may be matched; known without a query after the first."""
    key = (campaign.id, campaign.revision)
    if key not in _known:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        async with db.reading() as session:
            _known[key] = await repo.has_any(session, campaign.id)
    return _known[key]


async def settle(campaign_id: UUID, shares: Sequence[Share]) -> Settled:
    """Match gifts to one campaign, in their order, and return what has changed.

    Part of the transaction that changes the gifts, which holds the campaign; the caller counts and
    posts the changes.
    """
    async with db.transaction() as session:
        challenges = await repo.of_campaign(session, campaign_id, is_locked=True)
        old = [share.donation_id for share in shares if not share.is_new]
        before = await repo.matches_of(session, old) if old else []
        held = {(one.donation_id, one.challenge_id): one for one in before}
        changes, touched = _settled(challenges, shares, held)
        changed = {change.challenge_id for change in changes}
        settled = Settled(changes, [one for one in challenges if one.id in changed])
        await repo.save(session, settled.challenges, touched)
    return settled


def _settled(
    challenges: Sequence[MatchChallenge],
    shares: Sequence[Share],
    held: dict[tuple[UUID, UUID], GiftMatch],
) -> tuple[list[Change], list[GiftMatch]]:
    changes, touched = [], []
    for share in shares:
        for challenge in challenges:
            match = held.get((share.donation_id, challenge.id))
            granted, amount = (match.granted, match.amount) if match else (_ZERO, _ZERO)
            after = _after(challenge, share, match)
            if after is None or (after.granted, after.amount) == (granted, amount):
                continue
            touched.append(after)
            if after.amount != amount:
                challenge.matched_amount += after.amount - amount
                changes.append(Change(share.donation_id, challenge.id, after.amount - amount))
    return changes, touched


def _after(challenge: MatchChallenge, share: Share, match: GiftMatch | None) -> GiftMatch | None:
    """Return what the challenge adds to the gift from now on; None if it has nothing to do."""
    if share.is_new:
        if not challenge.takes(share.given_at):
            return None
        wanted = (share.counted * challenge.ratio).quantize(_CENT, rounding=ROUND_DOWN)
        granted = min(wanted, challenge.remaining)
        return GiftMatch(
            donation_id=share.donation_id,
            challenge_id=challenge.id,
            granted=granted,
            amount=granted,
        )
    if match is None:
        return None
    if share.is_gone:
        return match.model_copy(update={"granted": _ZERO, "amount": _ZERO})
    # What was free meanwhile may have gone to others; and a cancelled challenge adds nothing more.
    free = _ZERO if share.is_less else challenge.remaining
    return match.model_copy(
        update={"amount": min(_part(match.granted, share), match.amount + free)}
    )


def _part(granted: Decimal, share: Share) -> Decimal:
    """Return the part of ``granted`` that remains, rounded down; exact, however large both are."""
    cents = Fraction(granted) * Fraction(share.kept) / Fraction(share.counted) * 100
    return Decimal(floor(cents)).scaleb(-2)
