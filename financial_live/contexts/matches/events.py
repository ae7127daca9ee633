"""What matches tell: that a campaign's challenges have changed.

- ``challenge_created``: a sponsor adds to gifts from now on, or from a later moment.
- ``challenge_cancelled``: a sponsor adds to no more gifts; what was added stays.

The data of each is ``{"campaign": summary, "challenge": row}``; all of it is public. Gifts change
what remains of a challenge; their own events say so beside the gift.
"""

from typing import TypedDict

from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.matches.models import MatchChallenge
from financial_live.contexts.wire import amount_text, time_text
from financial_live.event import Event


class ChallengeRow(TypedDict):
    """A challenge in an event and in answers. All of it is public."""

    id: str
    """The challenge's UUID."""
    campaign_id: str
    """The UUID of its campaign."""
    sponsor_name: str
    """Who adds to the gifts."""
    ratio: str
    """What is added to one unit given, decimal text."""
    cap: str
    """The most that is added in all, decimal text in the campaign's currency."""
    matched_amount: str
    """What was added so far, after refunds."""
    remaining: str
    """What may still be added; 0.00 once it was cancelled."""
    starts_at: str
    """The first moment of gifts that are matched, UTC."""
    ends_at: str | None
    """The first moment of gifts that no longer are; None if it is open-ended."""
    cancelled_at: str | None
    """When it was cancelled; None if it was not."""


def challenge_row(challenge: MatchChallenge) -> ChallengeRow:
    """Return what events and answers say of a challenge."""
    return ChallengeRow(
        id=str(challenge.id),
        campaign_id=str(challenge.campaign_id),
        sponsor_name=challenge.sponsor_name,
        ratio=amount_text(challenge.ratio),
        cap=amount_text(challenge.cap),
        matched_amount=amount_text(challenge.matched_amount),
        remaining=amount_text(challenge.remaining),
        starts_at=time_text(challenge.starts_at),
        ends_at=time_text(challenge.ends_at) if challenge.ends_at else None,
        cancelled_at=time_text(challenge.cancelled_at) if challenge.cancelled_at else None,
    )


def challenge_created(challenge: MatchChallenge, campaign: Campaign) -> Event:
    """Tell that somebody matches gifts."""
    return _event("challenge_created", challenge, campaign)


def challenge_cancelled(challenge: MatchChallenge, campaign: Campaign) -> Event:
    """Tell that somebody matches no more gifts."""
    return _event("challenge_cancelled", challenge, campaign)


def _event(name: str, challenge: MatchChallenge, campaign: Campaign) -> Event:
    data = {"campaign": campaigns.summary(campaign), "challenge": challenge_row(challenge)}
    return Event(name, (*campaigns.topics(campaign), "donations"), data)
