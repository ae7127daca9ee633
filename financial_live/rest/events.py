"""What happens to a campaign, told to programs as it happens (``streams``).

Each event has an id, the mark of its place among all events. Who comes back with the last one it
got is told exactly what followed. Who comes without one, or with one that is forgotten, is told
first what the campaign is like now. What of an event is told to whom is ``rooms.hearing``'s.

A stream is told to who asked for it, as they were then: it ends when their session or token ends,
or what they may see changes. A client then asks again, as who it is now.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import WithJsonSchema
from starlette.exceptions import HTTPException

from financial_live import routes
from financial_live.contexts import campaigns, donations
from financial_live.errors import Unavailable
from financial_live.outbox import Mark
from financial_live.rest import describing, examples
from financial_live.rest.campaigns import CampaignKey, rendered
from financial_live.rest.describing import Answer, described
from financial_live.rest.dispatch import new_router, template
from financial_live.rest.parsing import (
    EVENT_STREAM,
    Caller,
    caller_now,
    client_address,
    require_events_accepted,
)
from financial_live.rest.streams import EventStream, Pieces, Streams, Way, event
from financial_live.rooms import (
    Feeds,
    Follower,
    Heard,
    Hearing,
    Told,
    TooSlow,
    beginning,
    public_now,
)
from financial_live.scope import Scope

KEEP_ALIVE_S = 15.0
# So long a stream may go on at most after its reader's rights have ended without a word of it.
_CHECK_S = 1.0
_PAUSE_S = 1.0
# All streams of a worker end at once when it stops, so they don't all come back at once.
_RETRY_MS = (1_000, 3_000)
# Events that are kept as they were sent, in case that others hear them a moment later.
_KEPT = 1_000
_KEEP_ALIVE = b": keep-alive\n\n"
_SNAPSHOT = "campaign"

Answered = TypeVar("Answered")

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
        event(id=Mark(3, 1041), name=_SNAPSHOT, data={"campaign": rendered(examples.CAMPAIGN)}),
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
    written = _Written()

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
            async with _listening(request, scope, hearing, streams.feeds(), after) as listener:
                yield listener.pieces(written), listener.over

        return EventStream(streams, address=client_address(request), listen=listen)

    return router


class _Written:
    """Events as they are sent: many hear the same, so it is written once for all of them."""

    def __init__(self) -> None:
        self._known: dict[tuple[Hearing, Mark], bytes] = {}

    def of(self, hearing: Hearing, told: Told) -> bytes:
        """Return an event that happens now; nothing if it is not to be heard."""
        key = (hearing, told.mark)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _written(hearing.of_event(told))
            if len(self._known) > _KEPT:
                del self._known[next(iter(self._known))]
        return known


def _written(heard: Heard | None) -> bytes:
    return event(id=heard.mark, name=heard.name, data=heard.data) if heard else b""


@asynccontextmanager
async def _listening(
    request: Request, scope: Scope, hearing: Hearing, feeds: Feeds, after: Mark | None
) -> "AsyncIterator[_Listener]":
    """Follow the campaign, and who listens if that is somebody. Raises NotFound, Unavailable."""
    topic = f"campaign:{hearing.campaign_id}"
    async with AsyncExitStack() as stack:
        notices: Follower | None = None
        if scope.user_id is not None:
            # What is told of them while this begins is heard.
            own = feeds.follow(f"user:{scope.user_id}")
            notices, _ = await stack.enter_async_context(own)
        follower, unknown = await stack.enter_async_context(feeds.follow(topic, after))
        first = b""
        if unknown is not None:
            mark, campaign = await beginning(scope, hearing.campaign_id)
            follower.skip(mark)
            first = event(id=mark, name=_SNAPSHOT, data={"campaign": rendered(campaign)})
        yield _Listener(request, scope, hearing, follower=follower, notices=notices, first=first)


class _Listener:
    """Somebody who listens to a campaign, for as long as they are who they were."""

    def __init__(
        self,
        request: Request,
        scope: Scope,
        hearing: Hearing,
        *,
        follower: Follower,
        notices: Follower | None,
        first: bytes,
    ) -> None:
        self._request = request
        self._scope = scope
        self._hearing = hearing
        self._follower = follower
        self._notices = notices
        self._first = first
        self._checked_at = float("-inf")

    async def pieces(self, written: _Written) -> AsyncIterator[bytes]:
        """Yield what is to be sent, until there will be no more."""
        yield b"retry: %d\n%s" % (random.randint(*_RETRY_MS), self._first or b"\n")  # noqa: S311
        quiet_since = time.monotonic()
        while True:
            try:
                events = await self._some(until=quiet_since + KEEP_ALIVE_S)
            except TooSlow:
                return
            if not await self._may_go_on():
                return
            piece = await self._told(events, written) if events else _KEEP_ALIVE
            if piece:
                yield piece
                quiet_since = time.monotonic()
            if any(told.name == "campaign_deleted" for told in events):
                return

    async def _some(self, *, until: float) -> list[Told]:
        """Return the next events; none if there are none ``until`` then."""
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                return await _patiently(self._follower.some)
        except TimeoutError:
            return []

    async def _told(self, events: list[Told], written: _Written) -> bytes:
        """Return these events as they are sent, as far as they may be heard."""
        old = [told for told in events if told.mark <= self._follower.began]
        if not old or self._hearing.is_whole:
            return b"".join(written.of(self._hearing, told) for told in events)
        now = await _patiently(lambda: public_now(events))
        return b"".join(_written(self._hearing.of_event(told, now)) for told in events)

    async def over(self) -> None:
        """Wait until who listens is no longer who they were, as far as that is told."""
        if self._notices is None:
            await asyncio.Event().wait()
            return
        while await self._is_same():
            try:
                await _patiently(self._notices.some)
            except TooSlow:
                return

    async def _may_go_on(self) -> bool:
        """Whether who listens is who they were, as asked so long ago at most."""
        if self._notices is None or time.monotonic() - self._checked_at < _CHECK_S:
            return True
        return await self._is_same()

    async def _is_same(self) -> bool:
        checked_at = time.monotonic()
        is_same = await _patiently(self._ask)
        self._checked_at = checked_at
        return is_same

    async def _ask(self) -> bool:
        scope = await caller_now(self._request)
        if scope != self._scope:
            return False
        return await Hearing.of(scope, self._hearing.campaign_id) == self._hearing


async def _patiently(ask: Callable[[], Awaitable[Answered]]) -> Answered:
    """Return what ``ask`` returns, as soon as the database answers."""
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(_PAUSE_S)
