"""Campaigns for programs: everybody reads them, who may start and edit them does it here too."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response

from financial_live import routes
from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import Campaign, CampaignStatus, CampaignSummary
from financial_live.contexts.wire import optional_amount_text, time_text
from financial_live.rest import describing, examples
from financial_live.rest.asking import AskedQuery, one_of
from financial_live.rest.conditions import IfMatch, KnownTags, Precondition, campaign_tag, fresh
from financial_live.rest.describing import Answer, described, ref
from financial_live.rest.dispatch import Json, new_router, template
from financial_live.rest.parsing import (
    Caller,
    IdempotencyKey,
    Member,
    body_of,
    require_json_accepted,
)
from financial_live.rest.rendering import page_of
from financial_live.scope import Scope

router = new_router(Depends(require_json_accepted), tag="campaigns")

CampaignBody = Annotated[dict[str, Any], Depends(body_of("campaign"))]
CampaignKey = Annotated[str, Path(description="The campaign's id or slug.")]


class CampaignAnswer(CampaignSummary):
    """A campaign as programs see it; all of it is public."""

    description: str
    """What it is for."""
    progress: str
    """How many percent of the goal are raised, with one decimal; may exceed 100."""
    review_policy: str
    """automatic: gifts count at once; manual: when somebody has approved them."""
    one_gift_per_donor: bool
    """Whether an address may give only once."""
    max_gift: str | None
    """The most that one gift may be, decimal text; null for no limit."""
    dual_approval_from: str | None
    """Gifts of so much or more wait for two people's approval; null for none."""
    inserted_at: str
    """When it was made, UTC to the microsecond."""
    updated_at: str
    """When it or its totals last changed, UTC to the microsecond."""


def rendered(campaign: Campaign) -> CampaignAnswer:
    """Return what programs see of a campaign; all of it is public."""
    return CampaignAnswer(
        **campaigns.summary(campaign),
        description=campaign.description,
        progress=str(campaign.progress),
        review_policy=str(campaign.review_policy),
        one_gift_per_donor=campaign.one_gift_per_donor,
        max_gift=optional_amount_text(campaign.max_gift),
        dual_approval_from=optional_amount_text(campaign.dual_approval_from),
        inserted_at=time_text(campaign.inserted_at),
        updated_at=time_text(campaign.updated_at),
    )


_EXAMPLE = rendered(examples.CAMPAIGN)
_ONE = Answer(200, "The campaign.", describing.data(ref("Campaign")), {"data": _EXAMPLE}, ("ETag",))
_CHANGED = described(
    _ONE,
    errors=describing.CHANGING,
    takes=("campaign", "CampaignChanges", examples.CAMPAIGN_CHANGES),
)


@router.get(
    routes.API_CAMPAIGNS,
    **described(
        Answer(
            200,
            "A page of campaigns.",
            ref("CampaignPage"),
            {"data": [_EXAMPLE], "page": 1, "per_page": 20, "total": 1},
            ("ETag", "Link"),
        ),
        errors=describing.LISTING,
        is_public=True,
    ),
)
async def list_campaigns(
    request: Request,
    scope: Caller,
    asked: AskedQuery,
    known: KnownTags,
    status: Annotated[str | None, one_of(CampaignStatus), Query()] = None,
) -> Response:
    """List campaigns, the newest first; search finds a part of their names."""
    found = await campaigns.list_campaigns(scope, **asked.filters, status=status, page=asked.page)
    return fresh(page_of(request, found, rendered), known)


@router.post(
    routes.API_CAMPAIGNS,
    **described(
        Answer(
            201,
            "The campaign, as it was made.",
            describing.data(ref("Campaign")),
            {"data": _EXAMPLE},
            ("ETag", "Location"),
            ("show_campaign", "replace_campaign", "update_campaign", "delete_campaign"),
        ),
        errors=describing.MAKING,
        takes=("campaign", "NewCampaign", examples.NEW_CAMPAIGN),
    ),
)
async def create_campaign(
    scope: Member, body: CampaignBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Start a campaign, and own it. A request repeated with its Idempotency-Key is one campaign."""
    campaign = await campaigns.create_campaign(scope, body, idempotency_key=idempotency_key)
    return _shown(campaign, status=201, Location=routes.api_campaign(str(campaign.id)))


@router.get(
    template(routes.api_campaign),
    **described(_ONE, errors=describing.SHOWING, is_public=True),
)
async def show_campaign(scope: Caller, id: CampaignKey, known: KnownTags) -> Response:
    """Show one campaign by its id or slug."""
    campaign = await campaigns.get_campaign(scope, id)
    return fresh(Json({"data": rendered(campaign)}), known, tag=campaign_tag(campaign))


@router.put(template(routes.api_campaign), **_CHANGED)
async def replace_campaign(
    scope: Member, id: CampaignKey, body: CampaignBody, if_match: IfMatch
) -> Response:
    """Change the given settings, as PATCH does: what is left out stays as it is."""
    return await _change(scope, id, body, if_match)


@router.patch(template(routes.api_campaign), **_CHANGED)
async def update_campaign(
    scope: Member, id: CampaignKey, body: CampaignBody, if_match: IfMatch
) -> Response:
    """Change the given settings. With If-Match, only if nobody has edited them meanwhile."""
    return await _change(scope, id, body, if_match)


async def _change(scope: Scope, id: str, body: dict[str, Any], if_match: Precondition) -> Response:
    seen = await campaigns.get_campaign(scope, id)
    return _shown(
        await campaigns.update_campaign(scope, seen.id, body, revision=if_match.revision_of(seen))
    )


@router.delete(
    template(routes.api_campaign),
    **described(Answer(204, "It is gone."), errors=describing.DELETING),
)
async def delete_campaign(scope: Member, id: CampaignKey, if_match: IfMatch) -> Response:
    """Delete a campaign that never had a gift."""
    seen = await campaigns.get_campaign(scope, id)
    await campaigns.delete_campaign(scope, seen.id, revision=if_match.revision_of(seen))
    return Response(status_code=204)


def _shown(campaign: Campaign, *, status: int = 200, **headers: str) -> Response:
    headers["ETag"] = campaign_tag(campaign)
    return Json({"data": rendered(campaign)}, status_code=status, headers=headers)
