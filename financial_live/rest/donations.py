"""Donations for programs: everybody gives, and reads what is public; teams see and edit theirs.

What the public gets holds no e-mail address, not even the giver's own.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from pydantic import WithJsonSchema

from financial_live import routes
from financial_live.contexts import campaigns, donations
from financial_live.contexts.donations import (
    Audience,
    Donation,
    DonationRow,
    DonationStatus,
    PublicGift,
)
from financial_live.rest import describing, examples
from financial_live.rest.asking import AskedQuery, BesideQuery, one_of
from financial_live.rest.campaigns import CampaignKey
from financial_live.rest.conditions import IfMatch, KnownTags, Precondition, content_tag, fresh
from financial_live.rest.describing import Answer, described, ref
from financial_live.rest.dispatch import Json, new_router, template
from financial_live.rest.parsing import (
    Caller,
    IdempotencyKey,
    Member,
    body_of,
    require_json_accepted,
)
from financial_live.rest.rendering import page_of, stretch_of
from financial_live.scope import Scope

router = new_router(Depends(require_json_accepted), tag="donations")

DonationBody = Annotated[dict[str, Any], Depends(body_of("donation"))]
DonationId = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "uuid"}),
    Path(description="The gift's id."),
]
Status = Annotated[str | None, one_of(DonationStatus), Query()]


class TeamGift(DonationRow):
    """A gift as the team of its campaign sees it."""

    donor_email: str | None
    """The donor's address; null for viewers, and where none is known."""


def team_gift(donation: Donation) -> TeamGift:
    """Return what the team of its campaign sees of a gift."""
    return TeamGift(**donations.row(donation), donor_email=donation.donor_email)


_PUBLIC = donations.public_gift(examples.GIFT)
_TEAM = team_gift(examples.GIFT)
_LIST = {"anyOf": [ref("DonationPage"), ref("DonationCursorPage")]}
_PAGE = {"page": 1, "per_page": 20, "total": 1}
_MADE = Answer(
    201,
    "The gift, as everybody may see it.",
    describing.data(ref("PublicGift")),
    {"data": _PUBLIC},
    ("Location",),
    ("show_donation", "replace_donation", "update_donation", "delete_donation"),
)
_SHOWN = describing.data(ref("Donation"))
_CHANGED = described(
    Answer(200, "The gift, as its team sees it.", _SHOWN, {"data": _TEAM}, ("ETag",)),
    errors=describing.CHANGING,
    takes=("donation", "DonationChanges", examples.GIFT_CHANGES),
)


@router.get(
    routes.API_DONATIONS,
    **described(
        Answer(
            200,
            "A page of gifts, or those beside a cursor.",
            _LIST,
            {"data": [_TEAM], **_PAGE},
            ("ETag", "Link"),
        ),
        errors=describing.LISTING,
    ),
)
async def list_managed(
    request: Request,
    scope: Member,
    *,
    asked: AskedQuery,
    beside: BesideQuery,
    known: KnownTags,
    status: Status = None,
) -> Response:
    """List the gifts to all campaigns in whose teams the caller is; for managers."""
    filters = asked.filters | {"status": status}
    if beside.is_given:
        found = await donations.scroll(scope, **filters, after=beside.after, before=beside.before)
        return fresh(stretch_of(request, found, team_gift), known)
    page = await donations.list_managed(scope, **filters, page=asked.page)
    return fresh(page_of(request, page, team_gift), known)


@router.get(
    template(routes.api_campaign_donations),
    **described(
        Answer(
            200,
            "A page of gifts, or those beside a cursor.",
            _LIST,
            {"data": [_PUBLIC], **_PAGE},
            ("ETag", "Link"),
        ),
        errors=describing.LISTING_OF_ONE,
        is_public=True,
    ),
)
async def list_donations(
    request: Request,
    scope: Caller,
    id: CampaignKey,
    *,
    asked: AskedQuery,
    beside: BesideQuery,
    known: KnownTags,
    status: Status = None,
) -> Response:
    """List the gifts to a campaign, the newest first: the public ones, or all for its team."""
    campaign = await campaigns.get_campaign(scope, id)
    filters = asked.filters | {"status": status, "campaign_id": campaign.id}
    render = _rendering(await donations.audience(scope, campaign.id))
    if beside.is_given:
        found = await donations.scroll(scope, **filters, after=beside.after, before=beside.before)
        return fresh(stretch_of(request, found, render), known)
    page = await donations.list_donations(scope, **filters, page=asked.page)
    return fresh(page_of(request, page, render), known)


def _rendering(audience: Audience) -> Callable[[Donation], PublicGift | TeamGift]:
    return team_gift if audience is Audience.STAFF else donations.public_gift


@router.post(
    routes.API_DONATIONS,
    **described(
        _MADE,
        errors=describing.MAKING,
        takes=("donation", "NewDonation", {"campaign_id": "build-mosque", **examples.NEW_GIFT}),
        is_public=True,
    ),
)
async def create_donation(
    scope: Caller, body: DonationBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Give to a campaign. A request repeated with its Idempotency-Key is one gift."""
    return _given(await donations.give(scope, body, idempotency_key=idempotency_key, source="api"))


@router.post(
    template(routes.api_campaign_donations),
    **described(
        _MADE,
        errors=describing.MAKING_IN_ONE,
        takes=("donation", "NewDonationToOne", examples.NEW_GIFT),
        is_public=True,
    ),
)
async def give_to_campaign(
    scope: Caller, id: CampaignKey, body: DonationBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Give to this campaign. A request repeated with its Idempotency-Key is one gift."""
    return _given(
        await donations.give(
            scope, body, campaign=id, idempotency_key=idempotency_key, source="api"
        )
    )


def _given(donation: Donation) -> Response:
    location = routes.api_donation(str(donation.id))
    content = {"data": donations.public_gift(donation)}
    return Json(content, status_code=201, headers={"Location": location})


@router.get(
    template(routes.api_donation),
    **described(
        Answer(200, "The gift.", _SHOWN, {"data": _PUBLIC}, ("ETag",)),
        errors=describing.SHOWING,
        is_public=True,
    ),
)
async def show_donation(scope: Caller, id: DonationId, known: KnownTags) -> Response:
    """Show one gift: if it is public, or to the team of its campaign."""
    return fresh((await _shown(scope, id))[1], known)


@router.put(template(routes.api_donation), **_CHANGED)
async def replace_donation(
    scope: Member, id: DonationId, body: DonationBody, if_match: IfMatch
) -> Response:
    """Change the given fields, as PATCH does: what is left out stays as it is."""
    return await _change(scope, id, body, if_match)


@router.patch(template(routes.api_donation), **_CHANGED)
async def update_donation(
    scope: Member, id: DonationId, body: DonationBody, if_match: IfMatch
) -> Response:
    """Change the given fields. What a counted gift is made of stays: refund instead."""
    return await _change(scope, id, body, if_match)


async def _change(scope: Scope, id: str, body: dict[str, Any], if_match: Precondition) -> Response:
    version = await version_of(scope, id, if_match)
    changed = await donations.update_donation(scope, id, body, version=version)
    return fresh(Json({"data": team_gift(changed)}), frozenset())


@router.delete(
    template(routes.api_donation),
    **described(Answer(204, "It is gone."), errors=describing.DELETING),
)
async def delete_donation(scope: Member, id: DonationId, if_match: IfMatch) -> Response:
    """Delete a gift that is not counted; one that is: refund instead."""
    await donations.delete_donation(scope, id, version=await version_of(scope, id, if_match))
    return Response(status_code=204)


async def version_of(scope: Scope, id: str, if_match: Precondition) -> int | None:
    """Return the version of a gift that the caller means to change; None for any."""
    if if_match.tags is None:
        return None
    donation, answer = await _shown(scope, id)
    return if_match.version_of(content_tag(bytes(answer.body)), donation.version)


async def _shown(scope: Scope, id: str) -> tuple[Donation, Json]:
    """Return a gift, and the answer that shows the caller what they may see of it."""
    donation = await donations.get_donation(scope, id)
    render = _rendering(await donations.audience(scope, donation.campaign_id))
    return donation, Json({"data": render(donation)})
