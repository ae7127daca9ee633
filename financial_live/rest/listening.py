"""Somebody who listens to a campaign's events, and what is sent to them meanwhile.

They listen as who they were when they asked: it ends when their session or token ends, or when what
they may see changes. A client then asks again, as who it is now.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from fastapi import Request

from financial_live.errors import Unavailable
from financial_live.outbox import Mark
from financial_live.rest.campaigns import rendered
from financial_live.rest.parsing import caller_now
from financial_live.rest.streams import event
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
# So long somebody may be told more than everybody after that has ended without a word of it.
CHECK_S = 1.0
PAUSE_S = 1.0
SNAPSHOT = "campaign"
# All streams of a worker end at once when it stops, so they don't all come back at once.
_RETRY_MS = (1_000, 3_000)
# Events that are kept as they were sent, in case that others hear them a moment later.
_KEPT = 1_000
_KEEP_ALIVE = b": keep-alive\n\n"

Answered = TypeVar("Answered")


class Written:
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
async def listening(
    request: Request, scope: Scope, hearing: Hearing, feeds: Feeds, after: Mark | None
) -> "AsyncIterator[Listener]":
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
            first = event(id=mark, name=SNAPSHOT, data={"campaign": rendered(campaign)})
        yield Listener(request, scope, hearing, follower=follower, notices=notices, first=first)


class Listener:
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

    async def pieces(self, written: Written) -> AsyncIterator[bytes]:
        """Yield what is to be sent, until there will be no more."""
        yield b"retry: %d\n%s" % (random.randint(*_RETRY_MS), self._first or b"\n")  # noqa: S311
        quiet_since = time.monotonic()
        while True:
            try:
                events = await self._some(until=quiet_since + KEEP_ALIVE_S)
            except TooSlow:
                return
            if not await self._may_go_on(is_quiet=not events):
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

    async def _told(self, events: list[Told], written: Written) -> bytes:
        """Return these events as they are sent, as far as they may be heard."""
        old = [told for told in events if told.mark <= self._follower.began]
        if not old or self._hearing.is_whole:
            return b"".join(written.of(self._hearing, told) for told in events)
        now = await _patiently(lambda: public_now(self._hearing.campaign_id, events))
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

    async def _may_go_on(self, *, is_quiet: bool) -> bool:
        """Whether who listens is who they were, as asked a moment ago at most.

        What everybody hears may be told to whoever they are now, so of it nobody is asked often.
        """
        if self._notices is None or not (is_quiet or self._hearing.acts):
            return True
        if time.monotonic() - self._checked_at < CHECK_S:
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
            await asyncio.sleep(PAUSE_S)
