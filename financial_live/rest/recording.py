"""Gifts that came by other ways than ours, entered by programs of a campaign's team."""

from typing import Annotated, Any

from fastapi import Depends, Response

from financial_live import routes
from financial_live.contexts import donations
from financial_live.contexts.donations import MOST_IN_BATCH
from financial_live.errors import Invalid
from financial_live.rest import describing, examples
from financial_live.rest.campaigns import CampaignKey
from financial_live.rest.describing import Answer, Schema, described, ref
from financial_live.rest.dispatch import Json, new_router, template
from financial_live.rest.donations import DonationBody, team_gift
from financial_live.rest.parsing import IdempotencyKey, Member, body_of, require_json_accepted

router = new_router(Depends(require_json_accepted), tag="recording")

# As long as everything in each of the gifts may be, in JSON.
MAX_BATCH_BYTES = 1024 * 1024
BatchBody = Annotated[dict[str, Any], Depends(body_of("batch", most_bytes=MAX_BATCH_BYTES))]

BATCH_SCHEMA: Schema = {
    "description": "Offline gifts, in the campaign's currency, and what must agree with them.",
    "type": "object",
    "required": ["control_total", "gifts"],
    "properties": {
        "control_total": {
            "type": "string",
            "pattern": r"^\s*[0-9]{1,13}(\.[0-9]{1,2})?\s*$",
            "description": "The sum of all gifts, counted by other means.",
        },
        "control_count": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_IN_BATCH,
            "description": "How many gifts there are.",
        },
        "gifts": {
            "type": "array",
            "items": ref("NewOfflineDonation"),
            "minItems": 1,
            "maxItems": MOST_IN_BATCH,
            "description": "The gifts.",
        },
    },
}
_TEAM = team_gift(examples.GIFT)
_OFFLINE = {name: examples.NEW_GIFT[name] for name in ("donor_name", "amount", "currency")}


@router.post(
    template(routes.api_offline),
    **described(
        Answer(
            201,
            "The gift, as its team sees it.",
            describing.data(ref("TeamGift")),
            {"data": _TEAM},
            ("Location",),
        ),
        errors=describing.MAKING_IN_ONE,
        takes=("donation", "NewOfflineDonation", _OFFLINE),
    ),
)
async def record_donation(
    scope: Member, id: CampaignKey, body: DonationBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Enter a gift that came by other ways; it needs no address."""
    donation = await donations.give(
        scope, body, campaign=id, idempotency_key=idempotency_key, source="offline"
    )
    location = routes.api_donation(str(donation.id))
    return Json({"data": team_gift(donation)}, status_code=201, headers={"Location": location})


@router.post(
    template(routes.api_batch),
    **described(
        Answer(
            201,
            "The gifts, as their team sees them.",
            describing.data({"type": "array", "items": ref("TeamGift")}),
            {"data": [_TEAM]},
        ),
        errors=describing.MAKING_IN_ONE,
        takes=("batch", "Batch", {"control_total": "250000", "gifts": [_OFFLINE]}),
    ),
)
async def record_batch(
    scope: Member, id: CampaignKey, body: BatchBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Enter offline gifts, all or none: their sum must be the control total."""
    found = await donations.record_batch(
        scope, id, _gifts(body), body, idempotency_key=idempotency_key
    )
    return Json({"data": [team_gift(one) for one in found]}, status_code=201)


def _gifts(body: dict[str, Any]) -> list[dict[str, Any]]:
    gifts = body.get("gifts")
    if not isinstance(gifts, list) or not all(isinstance(gift, dict) for gift in gifts):
        raise Invalid({"gifts": [f"must be 1 to {MOST_IN_BATCH} objects"]})
    return gifts
