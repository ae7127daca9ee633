"""Rate limits: how often something may be done from one address, or by one API token.

Every use case that costs much, or that somebody could be bothered with, asks here by itself, as it
asks ``rights``: so no door can forget it, and a gift counts the same by a form and by REST. What is
limited for each request, whatever it does, is asked by the door that takes requests.

The counters are on the bus, shared by all workers. While it is away each worker counts by itself:
so many workers, so many times the rate, but never without bounds. Only who comes by the network has
an address; commands of the machine are not limited.
"""

import asyncio
import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from financial_live.bus import Bus, Counted, Counter
from financial_live.config import Rate, Settings, network_of
from financial_live.errors import TooMany, Unavailable
from financial_live.scope import Scope

# A bus that answers later than this is as good as away, and is asked again once a second.
_PATIENCE_S = 0.25
_ASK_AGAIN_S = 1.0
_MAX_COUNTERS = 50_000
_ADDRESS_LENGTH = 64


class Policy(StrEnum):
    """What is limited. Each has a rate of its own, ``RATE_LIMIT_{NAME}`` of the settings."""

    MAILING = "mailing"
    LOGIN = "login"
    GIVING = "giving"
    REQUESTS = "requests"
    TOKEN = "token"  # noqa: S105  It is a name, and no secret.


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted together: a policy, and whose."""

    policy: Policy
    whose: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one bucket: how many are left, in how many seconds all of them will be.

    ``retry_after_s`` is 0 unless it was full: then one more is allowed so many seconds later.
    """

    policy: Policy
    rate: Rate
    remaining: int
    reset_s: int
    retry_after_s: int


def by_address(policy: Policy, address: str) -> Bucket:
    """Return the bucket of an address; of IPv6 the 64 bits that one customer has."""
    return Bucket(policy, network_of(address)[:_ADDRESS_LENGTH])


def by_token(secret: str) -> Bucket:
    """Return the bucket of an API token, which may be none."""
    return Bucket(Policy.TOKEN, hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest())


class Limits:
    """The limits of this worker; without a ``bus`` it counts alone."""

    def __init__(self, bus: Bus | None, rates: dict[Policy, Rate]) -> None:
        self._bus = bus
        self._rates = rates
        self._own: dict[str, int] = {}
        self._is_away = False
        self._ask_at = 0.0

    async def take(self, buckets: Sequence[Bucket]) -> list[Verdict]:
        """Count one more in each bucket, or in none if one is full; return what became of each."""
        counters = [self._counter(bucket) for bucket in buckets]
        counted = await self._counted(counters)
        return [
            self._verdict(bucket.policy, due - counted.now)
            for bucket, due in zip(buckets, counted.due, strict=True)
        ]

    def _counter(self, bucket: Bucket) -> Counter:
        rate = self._rates[bucket.policy]
        return Counter(f"{bucket.policy}:{bucket.whose}", rate.interval_us, rate.burst)

    def _verdict(self, policy: Policy, due_us: int) -> Verdict:
        """Return what becomes of a bucket that was to be empty in ``due_us``."""
        rate = self._rates[policy]
        room_us = rate.window_us - due_us - rate.interval_us
        if room_us < 0:
            return Verdict(policy, rate, 0, _seconds(due_us), _seconds(-room_us))
        return Verdict(
            policy, rate, room_us // rate.interval_us, _seconds(due_us + rate.interval_us), 0
        )

    async def _counted(self, counters: Sequence[Counter]) -> Counted:
        moment = time.monotonic()
        if self._bus is None or (self._is_away and moment < self._ask_at):
            return self._count(counters)
        # Whoever comes while this one asks does not wait for a bus that was away.
        self._ask_at = moment + _ASK_AGAIN_S
        try:
            async with asyncio.timeout(_PATIENCE_S):
                counted = await self._bus.count(counters)
        except (Unavailable, TimeoutError):
            self._is_away = True
            return self._count(counters)
        self._is_away = False
        return counted

    def _count(self, counters: Sequence[Counter]) -> Counted:
        """Count as the bus does, for this worker alone."""
        now = time.time_ns() // 1000
        due = [max(self._own.get(counter.name, now), now) for counter in counters]
        if all(
            at + one.interval_us - now <= one.interval_us * one.burst
            for one, at in zip(counters, due, strict=True)
        ):
            for one, at in zip(counters, due, strict=True):
                self._own.pop(one.name, None)
                self._own[one.name] = at + one.interval_us
            self._forget(now)
        return Counted(now, due)

    def _forget(self, now: int) -> None:
        """Keep no more counters than fit: first those that are empty go, then the oldest."""
        if len(self._own) <= _MAX_COUNTERS:
            return
        self._own = {name: due for name, due in self._own.items() if due > now}
        for name in list(self._own)[: max(0, len(self._own) - _MAX_COUNTERS // 2)]:
            del self._own[name]


def _seconds(us: int) -> int:
    return max(1, math.ceil(us / 1_000_000))


def _rates(settings: Settings | None) -> dict[Policy, Rate]:
    """Return the rate of each policy; without settings the defaults."""
    fields = Settings.model_fields
    return {
        policy: getattr(settings, name) if settings else fields[name].default
        for policy in Policy
        for name in [f"rate_limit_{policy}"]
    }


_limits = Limits(None, _rates(None))
_noted: ContextVar[list[Verdict] | None] = ContextVar("verdicts", default=None)


def connect(bus: Bus | None, settings: Settings | None = None) -> Limits:
    """Count on ``bus`` from now on, by the rates of ``settings``; without either, alone."""
    global _limits
    _limits = Limits(bus, _rates(settings))
    return _limits


@contextmanager
def noted() -> Iterator[list[Verdict]]:
    """Collect what became of each bucket that is asked for meanwhile, by this task."""
    verdicts: list[Verdict] = []
    token = _noted.set(verdicts)
    try:
        yield verdicts
    finally:
        _noted.reset(token)


async def take(*buckets: Bucket) -> None:
    """Count one more in each bucket. Raises TooMany, and counts nothing, if one is full."""
    verdicts = await _limits.take(buckets)
    noted_here = _noted.get()
    if noted_here is not None:
        noted_here.extend(verdicts)
    wait_s = max(verdict.retry_after_s for verdict in verdicts)
    if wait_s:
        raise TooMany(
            f"Too many requests came from here. Wait {wait_s} s and try again.",
            retry_after_s=wait_s,
        )


async def require(scope: Scope, policy: Policy) -> None:
    """Raise TooMany if the caller's address has done this too often; else count it."""
    if scope.address:
        await take(by_address(policy, scope.address))
