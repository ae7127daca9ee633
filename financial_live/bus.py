"""The bus: messages between workers over the Redis protocol, and the only user of ``redis``.

Nothing that matters is only on the bus. Messages may be lost, repeated or reordered, and the bus
may be away: callers learn of it (``Listener.interrupted``) and read the database instead.

One connection publishes in each worker, one listens and one counts. redis-py's PubSub
subscribes again by itself when its connection returns, and each confirmation of a subscription is
therefore a sign that messages may have been missed before it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from financial_live.errors import Unavailable

_log = logging.getLogger(__name__)

_PREFIX = "financial_live:"
_RETRY_DELAY_S = 0.2
_PATIENCE_S = 2.0
_ASK_AFTER_S = 3
_GIVE_UP_AFTER_S = 6
_BUS_ERRORS = (RedisError, OSError)


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted under a name: ``burst`` at once, and one more after each interval."""

    name: str
    interval_us: int
    burst: int


@dataclass(frozen=True, slots=True)
class Counted:
    """When it was counted, and for each counter when it was to be empty before, by one clock.

    Both are microseconds since 1970; what is due is never before ``now``.
    """

    now: int
    due: Sequence[int]


# The generic cell rate algorithm (ITU-T I.371): of each counter only the moment is kept at which it
# will be empty. Who is refused changes nothing, so asking again does not prolong the wait.
# Several requests are counted at once: the third argument of a counter says that its request ends.
_COUNT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer, first, is_full = {now}, 1, false
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  local due = math.max(tonumber(redis.call('GET', key) or now), now)
  answer[i + 1] = due
  is_full = is_full or due + interval - now > interval * burst
  if ARGV[3 * i] == '1' then
    for j = first, is_full and 0 or i do
      local after = answer[j + 1] + tonumber(ARGV[3 * j - 2])
      local kept_ms = math.ceil((after - now) / 1000)
      redis.call('SET', KEYS[j], string.format('%.0f', after), 'PX', kept_ms)
    end
    first, is_full = i + 1, false
  end
end
return answer
"""


def _settle(waiting: asyncio.Future[Counted], answer: Counted | Exception) -> None:
    """Answer who counts, unless they have given up meanwhile."""
    if waiting.done():
        return
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)


class Listener(Protocol):
    """Who hears what is published on the topics this worker watches."""

    def received(self, topic: str, payload: bytes) -> None:
        """Take one message. Must not block."""

    def subscribed(self, topic: str) -> None:
        """Note that messages of ``topic`` arrive from now on; earlier ones may be lost."""

    def interrupted(self) -> None:
        """Note that the bus is away: nothing arrives until ``subscribed`` is called again."""


class Bus:
    """A worker's connection to the bus.

    Connections are opened at first use. ``publish`` raises Unavailable while the bus is away;
    ``listen`` never raises for that reason but keeps trying.
    """

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {
            "retry": Retry(NoBackoff(), 0),
            "socket_connect_timeout": _PATIENCE_S,
        }
        self._redis: Redis = Redis.from_url(url, socket_timeout=_PATIENCE_S, **options)
        # No time limit here, where waiting is the work: silence is watched in ``_receive``.
        self._listening: Redis = Redis.from_url(url, **options)
        self._counting: Redis = Redis.from_url(url, socket_timeout=_PATIENCE_S, **options)
        self._count = self._counting.register_script(_COUNT)
        self._uncounted: list[tuple[Sequence[Counter], asyncio.Future[Counted]]] = []
        self._counter: asyncio.Task[None] | None = None
        self._pubsub: PubSub = self._listening.pubsub(ignore_subscribe_messages=False)
        self._wanted: dict[str, set[str]] = {}
        self._silent_s = 0

    async def ping(self) -> None:
        """Raise Unavailable unless the bus answers."""
        try:
            await cast("Awaitable[bool]", self._redis.ping())
        except _BUS_ERRORS as error:
            raise Unavailable(f"The bus does not answer: {error}") from error

    async def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish each ``(topic, payload)`` in order, in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for topic, payload in messages:
            pipeline.publish(_PREFIX + topic, payload)
        try:
            await pipeline.execute()
        except _BUS_ERRORS as error:
            raise Unavailable(f"The bus does not take messages: {error}") from error

    async def count(self, counters: Sequence[Counter]) -> Counted:
        """Count one more on each of ``counters``, or on none if one of them is full.

        It happens at once, whoever else counts. What is asked for during one round trip goes
        together in the next. Raises Unavailable.
        """
        counted: asyncio.Future[Counted] = asyncio.get_running_loop().create_future()
        self._uncounted.append((counters, counted))
        if self._counter is None or self._counter.done():
            self._counter = asyncio.create_task(self._count_all())
        return await counted

    async def _count_all(self) -> None:
        while self._uncounted:
            asked, self._uncounted = self._uncounted, []
            try:
                answers: Sequence[Counted | Exception] = await self._count_together(
                    [counters for counters, _ in asked]
                )
            except _BUS_ERRORS as error:
                answers = [Unavailable(f"The bus does not count: {error}")] * len(asked)
            for (_, counted), answer in zip(asked, answers, strict=True):
                _settle(counted, answer)

    async def _count_together(self, asked: Sequence[Sequence[Counter]]) -> Sequence[Counted]:
        keys = [f"{_PREFIX}limit:{counter.name}" for counters in asked for counter in counters]
        sizes = [
            size
            for counters in asked
            for counter in counters
            for size in (counter.interval_us, counter.burst, int(counter is counters[-1]))
        ]
        now, *due = await self._count(keys=keys, args=sizes)
        return [Counted(now, [due.pop(0) for _ in counters]) for counters in asked]

    async def watched_topics(self) -> list[str]:
        """Return the topics that any worker listens to at this moment."""
        try:
            channels: list[bytes] = await self._redis.pubsub_channels(_PREFIX + "*")
        except _BUS_ERRORS as error:
            raise Unavailable(f"The bus does not answer: {error}") from error
        return [channel.decode().removeprefix(_PREFIX) for channel in channels]

    async def watch(self, topic: str, *, by: str) -> None:
        """Receive ``topic`` from now on, or as soon as the bus is there, for the part ``by``."""
        wanting = self._wanted.setdefault(topic, set())
        is_new = not wanting
        wanting.add(by)
        if is_new and self._pubsub.connection is not None:
            await self._try(self._pubsub.subscribe(_PREFIX + topic))

    async def unwatch(self, topic: str, *, by: str) -> None:
        """Stop receiving ``topic`` for the part ``by``."""
        wanting = self._wanted.get(topic, set())
        wanting.discard(by)
        if wanting:
            return
        self._wanted.pop(topic, None)
        if self._pubsub.connection is not None:
            await self._try(self._pubsub.unsubscribe(_PREFIX + topic))

    async def _try(self, request: Any) -> None:
        """Await a subscription request; ``listen`` repeats what the bus could not take now."""
        try:
            await request
        except _BUS_ERRORS as error:
            _log.debug("bus away while changing subscriptions: %s", error)

    async def listen(self, listener: Listener) -> None:
        """Deliver messages to ``listener`` until cancelled, whatever happens to the bus."""
        is_away = False
        while True:
            try:
                await self._subscribe_to_missing()
                await self._receive(listener)
                is_away = False
            except _BUS_ERRORS as error:
                if not is_away:
                    _log.warning("the bus is away, trying again: %s", error)
                    listener.interrupted()
                is_away = True
                await asyncio.sleep(_RETRY_DELAY_S)

    async def _subscribe_to_missing(self) -> None:
        held = {bytes(channel).decode() for channel in self._pubsub.channels}
        missing = {_PREFIX + topic for topic in self._wanted} - held
        if missing:
            await self._pubsub.subscribe(*missing)

    async def _receive(self, listener: Listener) -> None:
        if self._pubsub.connection is None:
            await asyncio.sleep(0.01)
            return
        message = await self._pubsub.get_message(timeout=1.0)
        if message is None:
            await self._note_silence()
            return
        self._silent_s = 0
        if message["type"] == "pong":
            return
        topic = message["channel"].decode().removeprefix(_PREFIX)
        if message["type"] == "message":
            listener.received(topic, message["data"])
        elif message["type"] == "subscribe":
            listener.subscribed(topic)

    async def _note_silence(self) -> None:
        """Ask a bus that has been silent whether it is there, and give up one that is not.

        A line that has died without a word looks like a bus where nothing happens.
        """
        self._silent_s += 1
        if self._silent_s % _ASK_AFTER_S == 0:
            await self._pubsub.ping()
        if self._silent_s >= _GIVE_UP_AFTER_S:
            self._silent_s = 0
            assert self._pubsub.connection is not None
            await self._pubsub.connection.disconnect(nowait=True)
            raise ConnectionError(f"the bus said nothing for {_GIVE_UP_AFTER_S} s")

    async def close(self) -> None:
        """Close all connections."""
        await self._try(self._pubsub.aclose())  # type: ignore[no-untyped-call]
        await self._try(self._listening.aclose())
        await self._try(self._counting.aclose())
        await self._try(self._redis.aclose())
