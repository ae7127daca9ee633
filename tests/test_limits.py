"""Limits, counted alone and on a real Valkey: what fits passes, and asking again costs nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from financial_live import limits
from financial_live.bus import Bus
from financial_live.config import Rate, Settings
from financial_live.embedded import DataFolder, Valkey
from financial_live.errors import TooMany
from financial_live.limits import Bucket, Limits, Policy, Verdict
from financial_live.scope import Scope

SLOW = Rate(1, "h", 3)
RATES = dict.fromkeys(Policy, SLOW) | {Policy.REQUESTS: Rate(20, "s", 1)}


@pytest_asyncio.fixture(params=["alone", "on the bus"])
async def worker(request: pytest.FixtureRequest, valkey: Valkey) -> AsyncIterator[Limits]:
    """Return the limits of a worker that counts by itself, or on the bus."""
    bus = Bus(valkey.url)
    yield Limits(bus if request.param == "on the bus" else None, RATES)
    await bus.close()


@pytest.fixture(autouse=True)
def left_as_they_were() -> Iterator[None]:
    yield
    limits.connect(None)


def somebody(policy: Policy = Policy.GIVING) -> Bucket:
    """Return the bucket of an address that nobody had before."""
    return Bucket(policy, str(uuid4()))


async def try_all(
    worker: Limits, buckets: list[Bucket], times: int
) -> tuple[list[list[Verdict]], int]:
    """Ask so often; return every answer, and how many were let through."""
    answers = [await worker.take(buckets) for _ in range(times)]
    return answers, sum(all(v.retry_after_s == 0 for v in answer) for answer in answers)


async def eventually_allowed(take: Callable[[], Awaitable[list[Verdict]]]) -> None:
    while any(verdict.retry_after_s for verdict in await take()):
        pass


class TestTake:
    async def test_lets_a_burst_through_and_no_more(self, worker: Limits) -> None:
        answers, allowed = await try_all(worker, [somebody()], 10)
        assert allowed == 3
        assert [answer[0].remaining for answer in answers[:4]] == [2, 1, 0, 0]
        assert [answer[0].retry_after_s > 0 for answer in answers] == [False] * 3 + [True] * 7

    async def test_says_when_one_more_is_allowed_and_when_all_are_back(
        self, worker: Limits
    ) -> None:
        answers, _ = await try_all(worker, [somebody()], 4)
        [refused] = answers[-1]
        assert 3590 <= refused.retry_after_s <= 3600
        assert 3 * 3590 <= refused.reset_s <= 3 * 3600

    async def test_who_is_refused_waits_no_longer_for_asking_again(self, worker: Limits) -> None:
        bucket = somebody()
        await try_all(worker, [bucket], 3)
        [first], [last] = (await try_all(worker, [bucket], 50))[0][:: 50 - 1]
        assert last.retry_after_s <= first.retry_after_s

    async def test_who_never_stops_asking_is_let_through_in_time(self, worker: Limits) -> None:
        bucket = somebody(Policy.REQUESTS)
        for _ in range(3):
            await eventually_allowed(lambda: worker.take([bucket]))

    async def test_each_counts_for_itself(self, worker: Limits) -> None:
        assert [(await try_all(worker, [somebody()], 5))[1] for _ in range(2)] == [3, 3]

    async def test_where_one_is_full_none_is_counted(self, worker: Limits) -> None:
        full, other = somebody(Policy.LOGIN), somebody()
        await try_all(worker, [full], 3)
        answers, allowed = await try_all(worker, [full, other], 5)
        assert allowed == 0
        assert {answer[1].retry_after_s for answer in answers} == {0}
        assert (await try_all(worker, [other], 5))[1] == 3

    async def test_of_many_at_once_so_many_pass(self, worker: Limits) -> None:
        bucket = somebody()
        answers = await asyncio.gather(*(worker.take([bucket]) for _ in range(40)))
        assert sum(answer[0].retry_after_s == 0 for answer in answers) == 3


class TestOnTheBus:
    async def test_nothing_is_kept_for_longer_than_it_counts(self, bus: Bus) -> None:
        bucket = somebody()
        await Limits(bus, RATES).take([bucket])
        left_ms = await bus._counting.pttl(f"financial_live:limit:{bucket.policy}:{bucket.whose}")
        assert 3_590_000 <= left_ms <= 3_600_000


class TestTwoWorkers:
    async def test_share_what_they_count(self, valkey: Valkey) -> None:
        buses = [Bus(valkey.url), Bus(valkey.url)]
        workers = [Limits(bus, RATES) for bus in buses]
        bucket = somebody()
        answers = await asyncio.gather(*(workers[n % 2].take([bucket]) for n in range(40)))
        assert sum(answer[0].retry_after_s == 0 for answer in answers) == 3
        for bus in buses:
            await bus.close()


class TestWithoutTheBus:
    async def test_each_worker_counts_by_itself(self, tmp_path: Path) -> None:
        buses = [Bus(f"unix://{tmp_path}/nothing.sock") for _ in range(2)]
        bucket = somebody()
        for bus in buses:
            assert (await try_all(Limits(bus, RATES), [bucket], 10))[1] == 3
            await bus.close()

    async def test_the_bus_counts_again_when_it_is_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "_ASK_AGAIN_S", 0.0)
        valkey = Valkey(DataFolder(tmp_path))
        await asyncio.to_thread(valkey.start)
        bus, other = Bus(valkey.url), Bus(valkey.url)
        worker, bucket = Limits(bus, RATES), somebody()
        try:
            await asyncio.to_thread(valkey.kill)
            assert (await try_all(worker, [bucket], 10))[1] == 3
            await asyncio.to_thread(valkey.start)
            # The bus knows nothing of what was counted without it.
            await eventually_allowed(lambda: worker.take([bucket]))
            assert (await try_all(Limits(other, RATES), [bucket], 10))[1] == 2
        finally:
            await bus.close()
            await other.close()
            await asyncio.to_thread(valkey.stop)

    async def test_a_bus_that_hung_is_understood_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "_ASK_AGAIN_S", 0.0)
        valkey = Valkey(DataFolder(tmp_path))
        await asyncio.to_thread(valkey.start)
        bus = Bus(valkey.url)
        worker, before = Limits(bus, RATES), somebody()
        try:
            assert (await try_all(worker, [before], 2))[1] == 2
            assert valkey.pid is not None
            os.kill(valkey.pid, signal.SIGSTOP)
            during = [somebody() for _ in range(8)]
            answers = await asyncio.gather(*(worker.take([one]) for one in during))
            assert [answer[0].remaining for answer in answers] == [2] * 8
            os.kill(valkey.pid, signal.SIGCONT)
            while worker._is_away:
                await worker.take([somebody()])
            # Only the bus knows of the two that were counted before it hung.
            assert [v.remaining for v in await worker.take([somebody(), before])] == [2, 0]
            assert (await try_all(worker, [before], 5))[1] == 0
        finally:
            await bus.close()
            await asyncio.to_thread(valkey.stop)

    async def test_a_bus_that_hangs_is_not_waited_for_twice(self) -> None:
        class Hanging:
            asked = 0

            async def count(self, _: object) -> None:
                self.asked += 1
                await asyncio.Event().wait()

        bus = Hanging()
        worker = Limits(bus, RATES)  # type: ignore[arg-type]
        assert (await try_all(worker, [somebody()], 10))[1] == 3
        assert bus.asked == 1

    async def test_what_is_kept_meanwhile_has_bounds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "_MAX_COUNTERS", 10)
        worker = Limits(None, RATES)
        full = somebody()
        for _ in range(30):
            await worker.take([somebody()])
        await try_all(worker, [full], 3)
        assert len(worker._own) <= 10
        assert (await try_all(worker, [full], 1))[1] == 0


class TestBuckets:
    @pytest.mark.parametrize(
        ("one", "other", "is_same"),
        [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::1", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("203.0.113.7", "::ffff:203.0.113.7", True),
            ("203.0.113.7", "203.0.113.8", False),
        ],
    )
    def test_an_address_is_what_one_customer_has(
        self, one: str, other: str, *, is_same: bool
    ) -> None:
        buckets = [limits.by_address(Policy.GIVING, address) for address in (one, other)]
        assert (buckets[0] == buckets[1]) is is_same

    def test_a_token_is_not_in_the_name_of_its_counter(self) -> None:
        assert "secret" not in limits.by_token("flt_secret").whose


class TestRequire:
    async def test_refuses_an_address_that_has_done_it_too_often(self) -> None:
        limits.connect(None, Settings(rate_limit_giving=SLOW))
        scope = Scope.visitor().at("203.0.113.7")
        for _ in range(3):
            await limits.require(scope, Policy.GIVING)
        with pytest.raises(TooMany, match=r"Wait 3\d+ s") as caught:
            await limits.require(scope, Policy.GIVING)
        assert 3590 <= caught.value.retry_after_s <= 3600
        await limits.require(scope, Policy.LOGIN)

    async def test_does_not_count_who_comes_by_no_network(self) -> None:
        limits.connect(None, Settings(rate_limit_giving=SLOW))
        with limits.noted() as verdicts:
            for _ in range(10):
                await limits.require(Scope.operator(), Policy.GIVING)
        assert verdicts == []

    async def test_what_it_found_is_noted_for_who_asks(self) -> None:
        limits.connect(None, Settings(rate_limit_giving=SLOW))
        with limits.noted() as verdicts:
            await limits.require(Scope.visitor().at("203.0.113.7"), Policy.GIVING)
        assert [(v.policy, v.remaining) for v in verdicts] == [(Policy.GIVING, 2)]
