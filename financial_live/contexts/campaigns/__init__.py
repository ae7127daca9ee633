"""Campaigns: what is raised for, with its goal, its rules and its totals."""

from financial_live.contexts.campaigns.events import (
    CampaignSummary,
    campaign_created,
    campaign_deleted,
    campaign_updated,
    summary,
    topics,
)
from financial_live.contexts.campaigns.models import (
    Campaign,
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
from financial_live.contexts.listing import Page

__all__ = [
    "Campaign",
    "CampaignStatus",
    "CampaignSummary",
    "Page",
    "ReviewPolicy",
    "campaign_created",
    "campaign_deleted",
    "campaign_updated",
    "counted",
    "create_campaign",
    "delete_campaign",
    "find_campaign",
    "get_campaign",
    "is_campaign_id",
    "list_campaigns",
    "locked",
    "locked_all",
    "mask_email",
    "summary",
    "topics",
    "update_campaign",
]
