"""Donations for programs: giving, and reading what everybody may see.

No answer holds an e-mail address, not even the giver's own.
"""

from typing import Annotated, Any

from fastapi import Depends, Response

from financial_live import routes
from financial_live.contexts import campaigns, donations
from financial_live.rest.dispatch import Json, new_router, template
from financial_live.rest.parsing import Caller, IdempotencyKey, PagingQuery, body_of
from financial_live.rest.rendering import page_of

router = new_router()

DonationBody = Annotated[dict[str, Any], Depends(body_of("donation"))]


@router.get(template(routes.api_campaign_donations))
async def index(scope: Caller, id: str, paging: PagingQuery, order: str = "desc") -> Response:
    """List the public gifts to a campaign, the newest first."""
    campaign = await campaigns.get_campaign(scope, id)
    found = await donations.list_donations(
        scope,
        campaign_id=campaign.id,
        order=order,
        page=paging.page,
        per_page=paging.per_page,
    )
    return Json(page_of(found, donations.public_gift))


@router.post(template(routes.api_campaign_donations))
async def create(
    scope: Caller, id: str, body: DonationBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Give to a campaign. A request repeated with its Idempotency-Key is one gift."""
    donation = await donations.give(
        scope, body, campaign=id, idempotency_key=idempotency_key, source="api"
    )
    location = routes.api_donation(str(donation.id))
    return Json(
        {"data": donations.public_gift(donation)}, status_code=201, headers={"Location": location}
    )


@router.get(template(routes.api_donation))
async def show(scope: Caller, id: str) -> Response:
    """Show one public gift."""
    return Json({"data": donations.public_gift(await donations.get_donation(scope, id))})
