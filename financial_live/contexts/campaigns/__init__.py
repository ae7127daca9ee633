"""Campaigns: what is raised for, with its goal, its rules, its totals and its team."""

from financial_live.contexts.campaigns.access import may, require, roles
from financial_live.contexts.campaigns.events import (
    CampaignSummary,
    campaign_created,
    campaign_deleted,
    campaign_updated,
    invitation_cancelled,
    member_changed,
    member_invited,
    summary,
    topics,
)
from financial_live.contexts.campaigns.invitations import (
    INVITATION_LIFETIME,
    accept_invitation,
    cancel_invitation,
    invite,
    issue_invitation,
    list_invitations,
)
from financial_live.contexts.campaigns.members import (
    CampaignInvitation,
    CampaignMember,
    Invitation,
    Member,
)
from financial_live.contexts.campaigns.models import (
    Campaign,
    CampaignInput,
    CampaignStatus,
    ReviewPolicy,
    is_campaign_id,
)
from financial_live.contexts.campaigns.service import (
    counted,
    create_campaign,
    delete_campaign,
    find_campaign,
    get_campaign,
    list_campaigns,
    locked,
    locked_all,
    mask_email,
    update_campaign,
)
from financial_live.contexts.campaigns.team import (
    change_member_role,
    leave,
    list_members,
    remove_member,
)
from financial_live.contexts.listing import Page
from financial_live.rights import CampaignRole

__all__ = [
    "INVITATION_LIFETIME",
    "Campaign",
    "CampaignInput",
    "CampaignInvitation",
    "CampaignMember",
    "CampaignRole",
    "CampaignStatus",
    "CampaignSummary",
    "Invitation",
    "Member",
    "Page",
    "ReviewPolicy",
    "accept_invitation",
    "campaign_created",
    "campaign_deleted",
    "campaign_updated",
    "cancel_invitation",
    "change_member_role",
    "counted",
    "create_campaign",
    "delete_campaign",
    "find_campaign",
    "get_campaign",
    "invitation_cancelled",
    "invite",
    "is_campaign_id",
    "issue_invitation",
    "leave",
    "list_campaigns",
    "list_invitations",
    "list_members",
    "locked",
    "locked_all",
    "mask_email",
    "may",
    "member_changed",
    "member_invited",
    "remove_member",
    "require",
    "roles",
    "summary",
    "topics",
    "update_campaign",
]
