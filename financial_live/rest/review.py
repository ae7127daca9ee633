"""The acts on gifts for programs: approving, rejecting, refunding, undoing, hiding and showing."""

from typing import Annotated, Any, TypedDict

from fastapi import Depends, Response

from financial_live import routes
from financial_live.contexts import donations
from financial_live.contexts.donations import ACTS, MOST_AT_ONCE, Donation, Done
from financial_live.contexts.inputs import INVALID, Errors
from financial_live.contexts.wire import time_text
from financial_live.errors import AppError
from financial_live.rest import describing, examples
from financial_live.rest.conditions import IfMatch, KnownTags, fresh
from financial_live.rest.describing import Answer, Schema, described, ref
from financial_live.rest.dispatch import Json, new_router, template
from financial_live.rest.donations import DonationId, team_gift, version_of
from financial_live.rest.parsing import IdempotencyKey, Member, body_of, require_json_accepted

router = new_router(Depends(require_json_accepted), tag="review")

RejectBody = Annotated[dict[str, Any], Depends(body_of("reject"))]
RefundBody = Annotated[dict[str, Any], Depends(body_of("refund"))]
ReviewBody = Annotated[dict[str, Any], Depends(body_of("review"))]

REVIEW_SCHEMA: Schema = {
    "description": "An act on many gifts.",
    "type": "object",
    "required": ["act", "ids"],
    "properties": {
        "act": {"type": "string", "enum": list(ACTS), "description": "What is done to each."},
        "ids": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MOST_AT_ONCE,
            "description": "The gifts.",
        },
        "reason": {"type": "string", "description": "Why, where a reason is needed."},
        "amount": {"type": "string", "description": "How much of each is given back."},
    },
}
OUTCOME_SCHEMA: Schema = {
    "description": "What became of one of many gifts: the gift, or why it stays as it is.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "description": "The gift's id, as it was asked for."},
        "donation": ref("TeamGift"),
        "error": {
            "type": "object",
            "required": ["code", "detail"],
            "properties": {"code": {"type": "string"}, "detail": {"type": "string"}},
        },
    },
}


class DoneAnswer(TypedDict):
    """An act that was done to a gift."""

    act: str
    """record, update, approve, endorse, reject, refund, undo, hide or show."""
    name: str
    """Who did it."""
    address: str
    """From where; empty for a command on the machine."""
    at: str
    """When, UTC to the microsecond."""
    details: dict[str, Any]
    """The reason, the amount, what was changed, and how the gift stood before."""


def _done(one: Done) -> DoneAnswer:
    return DoneAnswer(
        act=one.act,
        name=one.name,
        address=one.address,
        at=time_text(one.at),
        details=dict(one.details),
    )


_TEAM = team_gift(examples.GIFT)
_GIFT = Answer(
    200,
    "The gift, as its team sees it.",
    describing.data(ref("TeamGift")),
    {"data": _TEAM},
    ("ETag",),
)
_ACTED = described(_GIFT, errors=describing.ACTING, callers=describing.SECURITY)


def _act(name: str) -> str:
    return template(lambda gift: routes.api_act(gift, name))


def _shown(donation: Donation) -> Response:
    return fresh(Json({"data": team_gift(donation)}), frozenset())


@router.post(
    routes.API_REVIEWS,
    **described(
        Answer(
            200,
            "What became of each gift, in their order.",
            describing.data({"type": "array", "items": ref("ReviewOutcome")}),
            {"data": [{"id": _TEAM["id"], "donation": _TEAM}]},
        ),
        errors=describing.ENTERING,
        takes=("review", "Review", {"act": "approve", "ids": [_TEAM["id"]]}),
    ),
)
async def review_many(scope: Member, body: ReviewBody) -> Response:
    """Do one act to many gifts, each by itself: one that is refused keeps no other back."""
    act, ids = _asked(body)
    attrs: dict[str, Any] = {n: body[n] for n in ("reason", "amount") if n in body}
    outcomes = await donations.review_many(scope, act, ids, attrs)
    found = [_outcome(gift, one) for gift, one in zip(ids, outcomes, strict=True)]
    return Json({"data": found})


def _asked(body: dict[str, Any]) -> tuple[str, list[str]]:
    errors = Errors()
    act, ids = body.get("act"), body.get("ids")
    if not isinstance(act, str):
        errors.add("act", f"is invalid: use one of {', '.join(ACTS)}")
    for name in ("reason", "amount"):
        if not isinstance(body.get(name, ""), str):
            errors.add(name, INVALID)
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        errors.add("ids", f"must be 1 to {MOST_AT_ONCE} ids of gifts")
    errors.raise_any()
    assert isinstance(act, str)
    assert isinstance(ids, list)
    return act, ids


def _outcome(id: str, one: Donation | AppError) -> dict[str, Any]:
    if isinstance(one, AppError):
        return {"id": id, "error": {"code": one.code, "detail": one.message}}
    return {"id": id, "donation": team_gift(one)}


@router.post(_act("approve"), **_ACTED)
async def approve_donation(scope: Member, id: DonationId, if_match: IfMatch) -> Response:
    """Let a gift that waits count. A large one counts when a second person approves it."""
    version = await version_of(scope, id, if_match)
    return _shown(await donations.approve(scope, id, version=version))


@router.post(
    _act("reject"),
    **described(
        _GIFT, errors=describing.CHANGING, takes=("reject", "Rejection", {"reason": "Bounced"})
    ),
)
async def reject_donation(
    scope: Member, id: DonationId, body: RejectBody, if_match: IfMatch
) -> Response:
    """Keep a gift that waits from counting."""
    version = await version_of(scope, id, if_match)
    return _shown(await donations.reject(scope, id, body, version=version))


@router.post(
    _act("refund"),
    **described(
        _GIFT,
        errors=describing.CHANGING,
        takes=("refund", "Refund", {"amount": "50000", "reason": "Asked for it back"}),
    ),
)
async def refund_donation(
    scope: Member,
    id: DonationId,
    body: RefundBody,
    if_match: IfMatch,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Write down that a gift was given back, whole or in part. Repeated with its key it is one."""
    version = await version_of(scope, id, if_match)
    return _shown(
        await donations.refund(scope, id, body, version=version, idempotency_key=idempotency_key)
    )


@router.post(_act("undo"), **_ACTED)
async def undo_donation(scope: Member, id: DonationId) -> Response:
    """Take back one's own last act on a gift, within a minute."""
    return _shown(await donations.undo(scope, id))


@router.post(_act("hide"), **_ACTED)
async def hide_donation(scope: Member, id: DonationId) -> Response:
    """Hide the donor's name and message from everybody."""
    return _shown(await donations.hide(scope, id))


@router.post(_act("show"), **_ACTED)
async def unhide_donation(scope: Member, id: DonationId) -> Response:
    """Show the donor's name and message again."""
    return _shown(await donations.show(scope, id))


_EXAMPLE = DoneAnswer(
    act="reject",
    name="Sari Lestari",
    address="203.0.113.7",
    at=_TEAM["updated_at"],
    details={"reason": "Bounced"},
)


@router.get(
    template(routes.api_history),
    **described(
        Answer(
            200,
            "What was done to the gift, the first act first.",
            describing.data({"type": "array", "items": ref("Done")}),
            {"data": [_EXAMPLE]},
            ("ETag",),
        ),
        errors=describing.SHOWING,
    ),
)
async def show_history(scope: Member, id: DonationId, known: KnownTags) -> Response:
    """Show what was done to a gift, by whom, when and from where; for its team."""
    found = await donations.history(scope, id)
    return fresh(Json({"data": [_done(one) for one in found]}), known)
