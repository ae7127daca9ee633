"""What an account is told, for programs that act for it."""

from typing import TypedDict

from fastapi import Depends, Response

from financial_live import routes
from financial_live.contexts import notifications
from financial_live.contexts.notifications import Notification
from financial_live.contexts.wire import time_text
from financial_live.rest import describing, examples
from financial_live.rest.conditions import KnownTags, fresh
from financial_live.rest.describing import Answer, described, ref
from financial_live.rest.dispatch import Json, new_router
from financial_live.rest.parsing import Member, require_json_accepted

router = new_router(Depends(require_json_accepted), tag="notifications")


class NotificationAnswer(TypedDict):
    """Something that an account is told."""

    id: str
    """Its id."""
    kind: str
    """donation_approved, donation_rejected, donation_refunded or donation_undone."""
    message: str
    """What it says."""
    donation_id: str
    """The gift that it is about."""
    read_at: str | None
    """When it was read, UTC; null while it was not."""
    inserted_at: str
    """When it was told, UTC to the microsecond."""


def _rendered(one: Notification) -> NotificationAnswer:
    return NotificationAnswer(
        id=str(one.id),
        kind=str(one.kind),
        message=one.message,
        donation_id=str(one.donation_id),
        read_at=time_text(one.read_at) if one.read_at else None,
        inserted_at=time_text(one.inserted_at),
    )


_EXAMPLE = NotificationAnswer(
    id="019cc8a1-7f00-7000-8000-000000000009",
    kind="donation_approved",
    message="Your donation has been approved: Rp 250.000 for A well for Wonosari.",
    donation_id=str(examples.GIFT.id),
    read_at=None,
    inserted_at="2026-03-07T12:00:00.000000Z",
)


@router.get(
    routes.API_NOTIFICATIONS,
    **described(
        Answer(
            200,
            "The last 100, the newest first.",
            describing.data({"type": "array", "items": ref("Notification")}),
            {"data": [_EXAMPLE]},
            ("ETag",),
        ),
        errors=(401, 403, 406, 429, 503),
    ),
)
async def list_notifications(scope: Member, known: KnownTags) -> Response:
    """List what the account is told of its gifts."""
    found = await notifications.list_notifications(scope)
    return fresh(Json({"data": [_rendered(one) for one in found]}), known)
