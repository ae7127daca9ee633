"""Somebody who gives without end, by the REST door, and remembers what was answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from e2e.people import eventually
from financial_live import routes

_CREATED = 201
_PATIENCE_S = 5.0


class Giver:
    """Gives to one campaign, in rupiah; no two gifts have the same name or amount.

    ``accepted`` holds the names of the gifts that were answered with 201, each of which must be in
    the database for ever. ``answers`` counts: accepted, refused, and unanswered where the line or
    the server was gone. Whose certificate it is does not matter.
    """

    def __init__(self, address: str, slug: str) -> None:
        # Each gift comes by a connection of its own, so that every worker gets some.
        single = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(
            base_url=address, limits=single, timeout=_PATIENCE_S, trust_env=False, verify=False
        )
        self._path = routes.api_campaign_donations(slug)
        self._number = 0
        self._under_way: set[asyncio.Task[bool]] = set()
        self.accepted: set[str] = set()
        self.answers: Counter[str] = Counter()

    async def give(self) -> bool:
        """Give once; return whether the gift was accepted."""
        self._number += 1
        name = f"Donor {self._number:05}"
        gift = {"donor_name": name, "donor_email": "night@example.org", "currency": "IDR"}
        gift["amount"] = str(10_000 + self._number)
        try:
            answer = await self._client.post(self._path, json={"donation": gift})
        except httpx.TransportError:
            self.answers["unanswered"] += 1
            return False
        if answer.status_code != _CREATED:
            self.answers["refused"] += 1
            return False
        self.answers["accepted"] += 1
        self.accepted.add(name)
        return True

    async def give_until_accepted(self, within_s: float) -> None:
        """Give again and again until one gift is accepted."""
        await eventually(self.give, what="a gift is accepted", within_s=within_s)

    @asynccontextmanager
    async def giving(self, rate_hz: float) -> AsyncIterator[None]:
        """Give ``rate_hz`` times a second meanwhile, whatever becomes of each."""
        pace = asyncio.create_task(self._keep_giving(rate_hz))
        try:
            yield
        finally:
            pace.cancel()

    async def _keep_giving(self, rate_hz: float) -> None:
        while rate_hz:
            gift = asyncio.create_task(self.give())
            self._under_way.add(gift)
            gift.add_done_callback(self._under_way.discard)
            await asyncio.sleep(1 / rate_hz)

    async def settled(self) -> None:
        """Wait until every gift is answered, or given up."""
        await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        """Give no more."""
        await self.settled()
        await self._client.aclose()
