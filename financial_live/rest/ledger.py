"""Transfers between campaigns, for programs of who owns both."""

from typing import Annotated, Any

from fastapi import Depends, Response

from financial_live import routes
from financial_live.contexts import ledger
from financial_live.contexts.inputs import BLANK, Errors
from financial_live.contexts.ledger import TransferRow
from financial_live.rest import describing, examples
from financial_live.rest.describing import Answer, Schema, described, ref
from financial_live.rest.dispatch import Json, new_router
from financial_live.rest.parsing import IdempotencyKey, Member, body_of, require_json_accepted

router = new_router(Depends(require_json_accepted), tag="transfers")

TransferBody = Annotated[dict[str, Any], Depends(body_of("transfer"))]
TRANSFER_SCHEMA: Schema = {
    "description": "Money to move.",
    "type": "object",
    "required": ["from", "to", "amount"],
    "properties": {
        "from": {"type": "string", "minLength": 1, "description": "The campaign that gives."},
        "to": {"type": "string", "minLength": 1, "description": "The campaign that takes."},
        "amount": {
            "type": "string",
            "pattern": r"^\s*[0-9]{1,13}(\.[0-9]{1,2})?\s*$",
            "description": "How much, decimal text in the currency of both.",
        },
        "note": {"type": ["string", "null"], "maxLength": 500, "description": "Why."},
    },
}
_EXAMPLE = TransferRow(
    id="019cc8a1-7f00-7000-8000-000000000005",
    from_campaign_id=str(examples.CAMPAIGN.id),
    to_campaign_id="019cc8a1-7f00-7000-8000-000000000006",
    amount="100000.00",
    currency="IDR",
    inserted_at="2026-03-07T12:00:00.000000Z",
)


@router.post(
    routes.API_TRANSFERS,
    **described(
        Answer(
            201,
            "The transfer, as it was written into the ledger.",
            describing.data(ref("Transfer")),
            {"data": _EXAMPLE},
        ),
        errors=describing.MAKING_IN_ONE,
        takes=(
            "transfer",
            "NewTransfer",
            {"from": "a-well-for-wonosari", "to": "build-mosque", "amount": "100000"},
        ),
    ),
)
async def transfer(
    scope: Member, body: TransferBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Move money from one campaign to another, both or neither. Repeated with its key it is one."""
    giver, taker = _ends(body)
    attrs: dict[str, Any] = {n: body[n] for n in ("amount", "note") if n in body}
    entry = await ledger.transfer(scope, giver, taker, attrs, idempotency_key=idempotency_key)
    return Json({"data": ledger.transfer_row(entry)}, status_code=201)


def _ends(body: dict[str, Any]) -> tuple[str, str]:
    errors = Errors()
    for name in ("from", "to"):
        if not isinstance(body.get(name), str) or not body[name]:
            errors.add(name, BLANK)
    errors.raise_any()
    return body["from"], body["to"]
