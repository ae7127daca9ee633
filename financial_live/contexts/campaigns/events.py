"""What campaigns tell. Each event goes to the topics ``campaigns`` and ``campaign:{id}``.

- ``campaign_created``: a campaign was made.
- ``campaign_updated``: its settings were edited, or a gift was moved away from it. The topic
  ``donations`` hears it too, because lists of gifts name their campaigns.
- ``campaign_deleted``: it is gone; it never had a gift.
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

from financial_live.contexts.campaigns.models import Campaign
from financial_live.contexts.wire import amount_text
from financial_live.event import Event
from financial_live.rights import CampaignRole


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
