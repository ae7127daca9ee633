"""What somebody sees of the gifts to a campaign: all or the public ones, addresses or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm.attributes import set_committed_value

from financial_live import rights
from financial_live.contexts import campaigns
from financial_live.contexts.donations.models import Donation
from financial_live.rights import Act
from financial_live.scope import Scope


class Audience(StrEnum):
    """For whom a live view of gifts is: those of the team, and admins, or everybody."""

    STAFF = "staff"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether somebody sees gifts that are not public, hidden names and amounts; and addresses."""

    sees_all: bool
    sees_emails: bool

    def of(self, donation: Donation) -> Donation:
        """Return a gift that was just read, with what is not to be seen taken out of it.

        Hidden words are blank then, and a hidden amount zero. The row in the database stays.
        """
        if not self.sees_emails:
            set_committed_value(donation, "donor_email", None)
        if not self.sees_all:
            for name, value in _hidden(donation).items():
                set_committed_value(donation, name, value)
        return donation


def _hidden(donation: Donation) -> dict[str, object]:
    """Return what takes the place of all that is not public."""
    hidden: dict[str, object] = {"user_id": None, "external_id": None, "first_approver": None}
    if donation.is_hidden or not donation.show_name:
        hidden["donor_name"] = ""
    if donation.is_hidden:
        hidden["message"] = ""
    if not donation.show_amount:
        hidden |= {"amount": Decimal(0), "counted_amount": None, "refunded_amount": Decimal(0)}
    return hidden


async def sight(scope: Scope, campaign_id: UUID | None) -> Sight:
    """Return what the caller sees of the gifts to a campaign; None: to all campaigns."""
    return Sight(
        sees_all=await campaigns.may(scope, Act.SEE_ALL_GIFTS, campaign_id),
        sees_emails=await campaigns.may(scope, Act.SEE_EMAILS, campaign_id),
    )


async def team_sights(scope: Scope) -> Mapping[UUID, Sight]:
    """Return what the caller sees of the gifts to each campaign in whose team they are."""
    sights = {
        campaign_id: Sight(
            sees_all=rights.allows(scope, Act.SEE_ALL_GIFTS, role=role),
            sees_emails=rights.allows(scope, Act.SEE_EMAILS, role=role),
        )
        for campaign_id, role in (await campaigns.roles(scope)).items()
    }
    return {campaign_id: seen for campaign_id, seen in sights.items() if seen.sees_all}


async def audience(scope: Scope, campaign_id: UUID | None = None) -> Audience:
    """Return to which audience of a campaign's gifts the caller belongs; None: of all campaigns'.

    It is true now: a ``member_changed`` of the caller may change it.
    """
    sees_all = await campaigns.may(scope, Act.SEE_ALL_GIFTS, campaign_id)
    return Audience.STAFF if sees_all else Audience.PUBLIC
