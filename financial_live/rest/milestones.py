"""Milestones for programs: everybody reads them, a campaign's owners set them."""

from typing import Annotated, Any

from fastapi import Depends, Path, Response
from pydantic import WithJsonSchema

from financial_live import routes
from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import MilestoneRow
from financial_live.rest import describing
from financial_live.rest.campaigns import CampaignKey
from financial_live.rest.conditions import KnownTags, fresh
from financial_live.rest.describing import Answer, described, ref
from financial_live.rest.dispatch import Json, new_router, template
from financial_live.rest.parsing import Caller, Member, body_of, require_json_accepted

router = new_router(Depends(require_json_accepted), tag="milestones")

MilestoneBody = Annotated[dict[str, Any], Depends(body_of("milestone"))]
MilestoneId = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "uuid"}),
    Path(description="The milestone's id."),
]
_EXAMPLE = MilestoneRow(
    id="019cc8a1-7f00-7000-8000-000000000008",
    amount="50000000.00",
    label="The walls stand",
    reached_at=None,
)


@router.get(
    template(routes.api_milestones),
    **described(
        Answer(
            200,
            "The campaign's milestones, the lowest first.",
            describing.data({"type": "array", "items": ref("Milestone")}),
            {"data": [_EXAMPLE]},
            ("ETag",),
        ),
        errors=describing.SHOWING,
        is_public=True,
    ),
)
async def list_milestones(scope: Caller, id: CampaignKey, known: KnownTags) -> Response:
    """List the milestones of a campaign, and when they were reached."""
    found = await campaigns.list_milestones(scope, id)
    return fresh(Json({"data": [campaigns.milestone_row(one) for one in found]}), known)


@router.post(
    template(routes.api_milestones),
    **described(
        Answer(
            201,
            "The milestone, as it was set.",
            describing.data(ref("Milestone")),
            {"data": _EXAMPLE},
        ),
        errors=describing.MAKING_IN_ONE,
        takes=("milestone", "NewMilestone", {"amount": "50000000", "label": "The walls stand"}),
    ),
)
async def create_milestone(scope: Member, id: CampaignKey, body: MilestoneBody) -> Response:
    """Set a milestone of a campaign."""
    made = await campaigns.create_milestone(scope, id, body)
    return Json({"data": campaigns.milestone_row(made)}, status_code=201)


@router.delete(
    template(routes.api_milestone, "milestone_id"),
    **described(Answer(204, "It is gone."), errors=describing.DELETING),
)
async def delete_milestone(scope: Member, id: CampaignKey, milestone_id: MilestoneId) -> Response:
    """Take a milestone back."""
    await campaigns.delete_milestone(scope, id, milestone_id)
    return Response(status_code=204)
