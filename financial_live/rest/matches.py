"""Match challenges for programs: everybody reads them, a campaign's owners make them."""

from typing import Annotated, Any

from fastapi import Depends, Path, Response
from pydantic import WithJsonSchema

from financial_live import routes
from financial_live.contexts import matches
from financial_live.contexts.matches import ChallengeRow
from financial_live.rest import describing, examples
from financial_live.rest.campaigns import CampaignKey
from financial_live.rest.conditions import KnownTags, fresh
from financial_live.rest.describing import Answer, described, ref
from financial_live.rest.dispatch import Json, new_router, template
from financial_live.rest.parsing import Caller, Member, body_of, require_json_accepted

router = new_router(Depends(require_json_accepted), tag="challenges")

ChallengeBody = Annotated[dict[str, Any], Depends(body_of("challenge"))]
ChallengeId = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "uuid"}),
    Path(description="The challenge's id."),
]
_EXAMPLE = ChallengeRow(
    id="019cc8a1-7f00-7000-8000-000000000007",
    campaign_id=str(examples.CAMPAIGN.id),
    sponsor_name="Yayasan Harapan",
    ratio="1.00",
    cap="10000000.00",
    matched_amount="250000.00",
    remaining="9750000.00",
    starts_at="2026-03-07T12:00:00.000000Z",
    ends_at="2026-03-08T12:00:00.000000Z",
    cancelled_at=None,
)


@router.get(
    template(routes.api_challenges),
    **described(
        Answer(
            200,
            "The campaign's challenges, the oldest first.",
            describing.data({"type": "array", "items": ref("Challenge")}),
            {"data": [_EXAMPLE]},
            ("ETag",),
        ),
        errors=describing.SHOWING,
        is_public=True,
    ),
)
async def list_challenges(scope: Caller, id: CampaignKey, known: KnownTags) -> Response:
    """List who matches the gifts to a campaign, and what remains of it."""
    found = await matches.list_challenges(scope, id)
    return fresh(Json({"data": [matches.challenge_row(one) for one in found]}), known)


@router.post(
    template(routes.api_challenges),
    **described(
        Answer(
            201,
            "The challenge, as it was made.",
            describing.data(ref("Challenge")),
            {"data": _EXAMPLE},
        ),
        errors=describing.MAKING_IN_ONE,
        takes=(
            "challenge",
            "NewChallenge",
            {"sponsor_name": "Yayasan Harapan", "ratio": "1", "cap": "10000000"},
        ),
    ),
)
async def create_challenge(scope: Member, id: CampaignKey, body: ChallengeBody) -> Response:
    """Let a sponsor add to the gifts that come to a campaign."""
    made = await matches.create_challenge(scope, id, body)
    return Json({"data": matches.challenge_row(made)}, status_code=201)


@router.delete(
    template(routes.api_challenge, "challenge_id"),
    **described(Answer(204, "It matches no more gifts."), errors=describing.DELETING),
)
async def cancel_challenge(scope: Member, id: CampaignKey, challenge_id: ChallengeId) -> Response:
    """Let a challenge match no more gifts; what it has added stays."""
    await matches.cancel_challenge(scope, id, challenge_id)
    return Response(status_code=204)
