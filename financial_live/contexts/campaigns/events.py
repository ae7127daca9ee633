"""What campaigns tell. Each event goes to the topics ``campaigns`` and ``campaign:{id}``.

- ``campaign_created``: a campaign was made.
- ``campaign_updated``: its settings were edited, or a gift was moved away from it. The topic
  ``donations`` hears it too, because lists of gifts name their campaigns.
- ``campaign_deleted``: it is gone; it never had a gift.
- ``milestone_reached``: the total has reached a milestone for the first time; told once each. Its
  data has ``milestone`` beside the campaign.
- ``milestone_created`` and ``milestone_deleted``: a milestone was set, or taken back.
- ``member_invited``: an address was invited into its team. Goes to ``campaign:{id}`` alone, and
  makes a mail: who sends it looks the address up, and makes the link's token then.
- ``invitation_cancelled``: an invitation was taken back. Goes to ``campaign:{id}`` alone.
- ``member_changed``: somebody joined its team, has another place in it (``role``), or is no longer
  in it (None). Goes to ``campaign:{id}`` and ``user:{id}``: whoever shows that person more than
  the public sees must look again.

Gifts change a campaign too; then the donation's own event carries the campaign as it is after.
The data of each is ``{"campaign": summary}``; of those about the team, ids and the role only.
"""

from typing import TypedDict
from uuid import UUID

from financial_live.contexts.campaigns.models import Campaign, Milestone
from financial_live.contexts.wire import amount_text, time_text
from financial_live.event import Event
from financial_live.rights import CampaignRole


class MilestoneRow(TypedDict):
    """A milestone in an event and in answers. All of it is public."""

    id: str
    """The milestone's UUID."""
    amount: str
    """The total at which it is reached, decimal text in the campaign's currency."""
    label: str
    """What it is called."""
    reached_at: str | None
    """When the total reached it first, UTC; None if it has not yet."""


class CampaignSummary(TypedDict):
    """A campaign in an event. All of it is public."""

    id: str
    """The campaign's UUID."""
    slug: str
    """Its address below /campaigns/."""
    name: str
    """Its name, as given."""
    goal_amount: str
    """The goal, decimal text in ``currency``."""
    currency: str
    """IDR, USD or EUR."""
    status: str
    """active, paused or closed."""
    total_raised: str
    """The sum of its counted gifts less what was refunded, decimal text."""
    matched_total: str
    """What sponsors added to its gifts, decimal text."""
    transferred_total: str
    """What came from other campaigns less what went to them, decimal text; may be below zero."""
    total: str
    """The sum of the three: what the campaign has."""
    gift_count: int
    """How many gifts were counted."""
    version: int
    """Grows with every change, gifts included: of two summaries the higher one is newer."""
    revision: int
    """Grows with every edit of the settings."""


def summary(campaign: Campaign) -> CampaignSummary:
    """Return what every event about ``campaign`` says of it."""
    return CampaignSummary(
        id=str(campaign.id),
        slug=campaign.slug,
        name=campaign.name,
        goal_amount=amount_text(campaign.goal_amount),
        currency=campaign.currency,
        status=str(campaign.status),
        total_raised=amount_text(campaign.total_raised),
        matched_total=amount_text(campaign.matched_total),
        transferred_total=amount_text(campaign.transferred_total),
        total=amount_text(campaign.total),
        gift_count=campaign.gift_count,
        version=campaign.version,
        revision=campaign.revision,
    )


def campaign_created(campaign: Campaign) -> Event:
    """Tell that ``campaign`` was made."""
    return _event("campaign_created", campaign)


def campaign_updated(campaign: Campaign) -> Event:
    """Tell that ``campaign`` was changed, other than by a gift of its own."""
    return Event(
        "campaign_updated", (*topics(campaign), "donations"), {"campaign": summary(campaign)}
    )


def campaign_deleted(campaign: Campaign) -> Event:
    """Tell that ``campaign`` is gone. Its version is one above its last."""
    return _event("campaign_deleted", campaign)


def milestone_row(milestone: Milestone) -> MilestoneRow:
    """Return what events and answers say of a milestone."""
    reached = milestone.reached_at
    return MilestoneRow(
        id=str(milestone.id),
        amount=amount_text(milestone.amount),
        label=milestone.label,
        reached_at=time_text(reached) if reached else None,
    )


def milestone_reached(milestone: Milestone, campaign: Campaign) -> Event:
    """Tell that the total has reached a milestone."""
    return _milestone_event("milestone_reached", milestone, campaign)


def milestone_created(milestone: Milestone, campaign: Campaign) -> Event:
    """Tell that a milestone was set."""
    return _milestone_event("milestone_created", milestone, campaign)


def milestone_deleted(milestone: Milestone, campaign: Campaign) -> Event:
    """Tell that a milestone was taken back."""
    return _milestone_event("milestone_deleted", milestone, campaign)


def _milestone_event(name: str, milestone: Milestone, campaign: Campaign) -> Event:
    data = {"campaign": summary(campaign), "milestone": milestone_row(milestone)}
    return Event(name, topics(campaign), data)


def member_invited(campaign_id: UUID, invitation_id: UUID, role: CampaignRole) -> Event:
    """Tell that somebody was invited into the team."""
    data = {
        "campaign_id": str(campaign_id),
        "invitation_id": str(invitation_id),
        "role": role.value,
    }
    return Event("member_invited", (f"campaign:{campaign_id}",), data)


def invitation_cancelled(campaign_id: UUID, invitation_id: UUID) -> Event:
    """Tell that an invitation was taken back."""
    data = {"campaign_id": str(campaign_id), "invitation_id": str(invitation_id)}
    return Event("invitation_cancelled", (f"campaign:{campaign_id}",), data)


def member_changed(campaign_id: UUID, user_id: UUID, role: CampaignRole | None) -> Event:
    """Tell somebody's place in the team, None for none any more."""
    data = {
        "campaign_id": str(campaign_id),
        "user_id": str(user_id),
        "role": role.value if role is not None else None,
    }
    return Event("member_changed", (f"campaign:{campaign_id}", f"user:{user_id}"), data)


def _event(name: str, campaign: Campaign) -> Event:
    return Event(name, topics(campaign), {"campaign": summary(campaign)})


def topics(campaign: Campaign) -> tuple[str, ...]:
    """Return the topics that hear of any change of ``campaign``."""
    return ("campaigns", f"campaign:{campaign.id}")
