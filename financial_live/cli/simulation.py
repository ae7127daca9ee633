"""``financial-live simulate``: gives to a running server like many donors at once, over HTTP.

Gifts leave evenly spaced, whether or not earlier ones were answered. Each has its own idempotency
key and is repeated with it when the connection breaks, so no break makes one gift two.
"""

import asyncio
import contextlib
import random
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from financial_live import routes
from financial_live.cli.console import Console
from financial_live.cli.donors import Gift, gift
from financial_live.cli.stopping import command_line
from financial_live.config import Settings
from financial_live.embedded import DataFolder
from financial_live.errors import AppError, Unavailable

_MAX_OPEN = 64
_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.2
_TIMEOUT_S = 10.0
_SHOW_EVERY_S = 0.25
_MAX_LATENCIES = 10_000


class SimulationError(AppError):
    """The server does not take these gifts, whatever we repeat."""

    code = "simulation"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to give. ``rate_hz`` is gifts a second; without ``duration_s`` it goes on and on."""

    slug: str
    rate_hz: float
    duration_s: float | None = None

    @property
    def gifts(self) -> int | None:
        """How many gifts this is, if it ends by itself."""
        return None if self.duration_s is None else max(1, round(self.rate_hz * self.duration_s))


@dataclass(slots=True)
class Tally:
    """What came of the gifts so far."""

    currency: str
    given: int = 0
    total: Decimal = Decimal(0)
    refusals: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)

    def accept(self, one: Gift, latency_s: float) -> None:
        """Count a gift that was taken."""
        self.given += 1
        self.total += one.amount
        if len(self.latencies_s) < _MAX_LATENCIES:
            self.latencies_s.append(latency_s)

    def line(self, elapsed_s: float) -> str:
        """Say it in one line."""
        rate = self.given / elapsed_s if elapsed_s else 0.0
        parts = [f"{self.given} gifts", f"{rate:.1f}/s", f"{self.total:,} {self.currency}"]
        if self.latencies_s:
            parts.append(f"median {statistics.median(self.latencies_s[-200:]) * 1000:.0f} ms")
        if refused := self.refusals.total():
            parts.append(f"{refused} refused")
        return " · ".join(parts)


def running_address(settings: Settings) -> str:
    """Return the address of the instance that runs in the data folder. Raises Unavailable."""
    instance = DataFolder(settings.data_dir).running()
    if instance is None:
        raise Unavailable(
            f"Nothing runs in {settings.data_dir}. Start it in another terminal with "
            f"`{command_line()}`, or name a server with --url."
        )
    return instance.address


def simulate(address: str, plan: Plan, console: Console) -> bool:
    """Give until the plan or the user ends it; return whether every gift was taken.

    Raises NotFound for an unknown campaign, Unavailable when nobody answers, SimulationError
    when the server refuses the very first gifts.
    """
    tally = Tally(currency="")
    began = time.monotonic()
    # Ctrl-C is how one without a duration ends, and no failure.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(address, plan, tally=tally, console=console))
    console.end_update()
    console.good(tally.line(time.monotonic() - began))
    for reason, times in tally.refusals.most_common(5):
        console.bad(f"{times} x {reason}")
    return not tally.refusals


async def _run(address: str, plan: Plan, *, tally: Tally, console: Console) -> None:
    limits = httpx.Limits(max_connections=_MAX_OPEN)
    try:
        client = httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S, limits=limits)
    except httpx.InvalidURL as error:
        raise SimulationError(f"{address!r} is not an address: {error}.") from error
    async with client:
        campaign = await find_campaign(client, plan.slug)
        tally.currency = campaign["currency"]
        console.note(f"Giving to {campaign['name']} at {address}. Ctrl-C ends it.")
        await give(client, plan, tally=tally, show=console.update)


async def find_campaign(client: httpx.AsyncClient, slug: str) -> dict[str, Any]:
    """Return the campaign. Raises SimulationError listing the others when it is not there."""
    answer = await _get(client, routes.api_campaign(slug))
    if answer.status_code == httpx.codes.NOT_FOUND:
        listed = _data(await _get(client, routes.API_CAMPAIGNS))
        known = ", ".join(one["slug"] for one in listed) or "none yet"
        raise SimulationError(f"There is no campaign {slug!r}. There are: {known}.")
    campaign: dict[str, Any] = _data(answer)
    return campaign


async def give(
    client: httpx.AsyncClient,
    plan: Plan,
    *,
    tally: Tally,
    show: Callable[[str], None],
    chance: random.Random | None = None,
) -> None:
    """Send the plan's gifts, evenly spaced, at most 64 at once."""
    # Nothing here is secret: a seed repeats a run.
    chance = chance or random.Random()  # noqa: S311
    room, began, shown, number = asyncio.Semaphore(_MAX_OPEN), time.monotonic(), 0.0, 0
    async with asyncio.TaskGroup() as tasks:
        while plan.gifts is None or number < plan.gifts:
            await asyncio.sleep(max(0.0, began + number / plan.rate_hz - time.monotonic()))
            await room.acquire()
            one = gift(chance, tally.currency)
            tasks.create_task(_give_one(client, plan.slug, one, tally=tally, room=room))
            number += 1
            if time.monotonic() - shown > _SHOW_EVERY_S:
                shown = time.monotonic()
                show(tally.line(shown - began))


async def _give_one(
    client: httpx.AsyncClient, slug: str, one: Gift, *, tally: Tally, room: asyncio.Semaphore
) -> None:
    key, began = str(uuid.uuid4()), time.monotonic()
    try:
        answer = await _post(client, slug, one, key=key)
    except httpx.HTTPError as error:
        tally.refusals[f"no answer ({type(error).__name__})"] += 1
    else:
        if answer.is_success:
            tally.accept(one, time.monotonic() - began)
        else:
            tally.refusals[_reason(answer)] += 1
    finally:
        room.release()


async def _post(client: httpx.AsyncClient, slug: str, one: Gift, *, key: str) -> httpx.Response:
    path, headers = routes.api_campaign_donations(slug), {"Idempotency-Key": key}
    for attempt in range(_ATTEMPTS - 1):
        with contextlib.suppress(httpx.TransportError):
            return await client.post(path, json=one.body(), headers=headers)
        await asyncio.sleep(_FIRST_PAUSE_S * 2**attempt)
    return await client.post(path, json=one.body(), headers=headers)


async def _get(client: httpx.AsyncClient, path: str) -> httpx.Response:
    try:
        return await client.get(path)
    except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
        raise Unavailable(
            f"Nothing answers at {client.base_url}. Start it with `{command_line()}`, or correct "
            "--url."
        ) from error


def _data(answer: httpx.Response) -> Any:
    try:
        return answer.raise_for_status().json()["data"]
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
        raise SimulationError(
            f"{answer.url} answered {answer.status_code} and no campaigns. Is it this program?"
        ) from error


def _reason(answer: httpx.Response) -> str:
    try:
        errors = answer.json()["errors"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code}"
    fields = [f"{name} {_words(texts)}" for name, texts in errors.items() if name != "detail"]
    return f"{answer.status_code}: {'; '.join(fields) or errors.get('detail', '')}"


def _words(texts: Any) -> str:
    return ", ".join(map(str, texts)) if isinstance(texts, list) else str(texts)
