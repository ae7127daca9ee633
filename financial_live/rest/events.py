"""What happens to a campaign, told to programs as it happens (``streams``).

Each event has an id, the mark of its place among all events. Who comes back with the last one it
got is told exactly what followed. Who comes without one, or with one that is forgotten, is told
first what the campaign is like now. What of an event is told to whom is ``rooms.hearing``'s.

How long it goes on, and what is sent meanwhile, is ``listening``'s.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import WithJsonSchema
from starlette.exceptions import HTTPException

from financial_live import routes
from financial_live.contexts import campaigns, donations
from financial_live.outbox import Mark
from financial_live.rest import describing, examples
from financial_live.rest.campaigns import CampaignKey, rendered
from financial_live.rest.describing import Answer, described
from financial_live.rest.dispatch import new_router, template
from financial_live.rest.listening import SNAPSHOT, Written, listening
from financial_live.rest.parsing import (
    EVENT_STREAM,
    Caller,
    client_address,
    require_events_accepted,
)
from financial_live.rest.streams import EventStream, Pieces, Streams, Way, event
from financial_live.rooms import Hearing

_MARK = WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,18}-[0-9]{1,18}$"})


async def _last_event_id(
    header: Annotated[
        str | None,
        _MARK,
        Header(alias="Last-Event-ID", description="The id of the last event that you got."),
    ] = None,
    query: Annotated[
        str | None,
        _MARK,
        Query(alias="last_event_id", description="The same; the header is believed before it."),
    ] = None,
) -> Mark | None:
    """Return the mark to go on from. Raises HTTPException with status 400 for what is none."""
    given = header or query
    mark = Mark.read(given) if given else None
    if given and mark is None:
        raise HTTPException(
            400,
            f"Last-Event-ID is not the id of an event: {given[:40]!r}. Send that of the last one "
            "you got, such as 3-1042, or none.",
        )
    return mark


LastMark = Annotated[Mark | None, Depends(_last_event_id)]

_EXAMPLE = b"".join(
    [
        event(id=Mark(3, 1041), name=SNAPSHOT, data={"campaign": rendered(examples.CAMPAIGN)}),
        event(
            id=Mark(3, 1042),
            name="donation_created",
            data={
                "donation": donations.public_gift(examples.GIFT),
                "campaign": campaigns.summary(examples.CAMPAIGN),
            },
        ),
    ]
).decode()


def create_router(streams: Streams) -> APIRouter:
    """Return the route that tells events, to so many as ``streams`` has places for."""
    router = new_router(Depends(require_events_accepted), tag="campaigns")
    written = Written()

    @router.get(
        template(routes.api_campaign_events),
        response_class=EventStream,
        **described(
            Answer(
                200,
                "What happens, event after event; it does not end by itself.",
                {"type": "string"},
                _EXAMPLE,
                media_type=EVENT_STREAM,
            ),
            errors=describing.FOLLOWING,
            is_public=True,
        ),
    )
    async def follow_campaign(
        request: Request, scope: Caller, id: CampaignKey, after: LastMark
    ) -> Response:
        """Tell what happens to a campaign, as it happens: to everybody, or more to its team."""
        campaign = await campaigns.get_campaign(scope, id)
        hearing = await Hearing.of(scope, campaign.id)

        @asynccontextmanager
        async def listen() -> AsyncIterator[tuple[Pieces, Way]]:
            async with listening(request, scope, hearing, streams.feeds(), after) as listener:
                yield listener.pieces(written), listener.over

        return EventStream(streams, address=client_address(request), listen=listen)

    return router
