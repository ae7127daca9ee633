"""Campaigns for programs: reading what everybody may see."""

from typing import Any

from fastapi import Response

from financial_live import routes
from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.wire import optional_amount_text, time_text
from financial_live.rest.dispatch import Json, new_router, template
from financial_live.rest.parsing import Caller, PagingQuery
from financial_live.rest.rendering import page_of

router = new_router()


@router.get(routes.API_CAMPAIGNS)
async def index(
    scope: Caller,
    paging: PagingQuery,
    search: str | None = None,
    status: str | None = None,
    order: str = "desc",
) -> Response:
    """List campaigns, the newest first."""
    found = await campaigns.list_campaigns(
        scope,
        search=search,
        status=status,
        order=order,
        page=paging.page,
        per_page=paging.per_page,
    )
    return Json(page_of(found, rendered))


@router.get(template(routes.api_campaign))
async def show(scope: Caller, id: str) -> Response:
    """Show one campaign by its id or slug."""
    return Json({"data": rendered(await campaigns.get_campaign(scope, id))})


def rendered(campaign: Campaign) -> dict[str, Any]:
    """Return what programs see of a campaign; all of it is public."""
    return {
        **campaigns.summary(campaign),
        "description": campaign.description,
        "progress": str(campaign.progress),
        "review_policy": str(campaign.review_policy),
        "one_gift_per_donor": campaign.one_gift_per_donor,
        "max_gift": optional_amount_text(campaign.max_gift),
        "inserted_at": time_text(campaign.inserted_at),
        "updated_at": time_text(campaign.updated_at),
    }
