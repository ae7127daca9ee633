import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from financial_live import db
from financial_live.contexts import idempotency_keys
from financial_live.errors import Conflict, Invalid
from financial_live.scope import Scope

CALLER = Scope.visitor("visitor:203.0.113.7")
BODY = {"amount": "50", "name": "Siti"}


class Act:
    """Something that counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> dict[str, Any]:
        self.times += 1
        return {"time": self.times}


async def expire() -> None:
    async with db.transaction() as session:
        await session.execute(
            sa.text(
                "UPDATE idempotency_key SET inserted_at = now() - interval '25 hours', "
                "expires_at = now() - interval '1 hour'"
            )
        )


@pytest.mark.usefixtures("database")
class TestOnce:
    async def test_does_it_once_and_answers_the_same(self) -> None:
        act = Act()
        assert await idempotency_keys.once(CALLER, "k", BODY, act) == ({"time": 1}, False)
        assert await idempotency_keys.once(CALLER, "k", BODY, act) == ({"time": 1}, True)
        assert act.times == 1

    async def test_the_order_of_fields_does_not_matter(self) -> None:
        await idempotency_keys.once(CALLER, "k", {"a": 1, "b": 2}, Act())
        _, replayed = await idempotency_keys.once(CALLER, "k", {"b": 2, "a": 1}, Act())
        assert replayed

    async def test_another_body_under_the_key_is_a_conflict(self) -> None:
        act = Act()
        await idempotency_keys.once(CALLER, "k", BODY, act)
        with pytest.raises(Conflict, match="'k' was already used for a different request"):
            await idempotency_keys.once(CALLER, "k", BODY | {"amount": "51"}, act)
        assert act.times == 1

    async def test_another_caller_has_keys_of_its_own(self) -> None:
        act = Act()
        await idempotency_keys.once(CALLER, "k", BODY, act)
        _, replayed = await idempotency_keys.once(Scope.visitor("visitor:other"), "k", BODY, act)
        assert not replayed

    async def test_a_failed_act_leaves_no_key(self) -> None:
        async def fail() -> dict[str, Any]:
            raise Invalid({"amount": ["is invalid"]})

        with pytest.raises(Invalid):
            await idempotency_keys.once(CALLER, "k", BODY, fail)
        assert await idempotency_keys.once(CALLER, "k", BODY, Act()) == ({"time": 1}, False)

    async def test_an_expired_key_is_free_for_anything(self) -> None:
        act = Act()
        await idempotency_keys.once(CALLER, "k", BODY, act)
        await expire()
        assert await idempotency_keys.once(CALLER, "k", {"b": 1}, act) == ({"time": 2}, False)
        assert await idempotency_keys.once(CALLER, "k", {"b": 1}, act) == ({"time": 2}, True)

    @pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b", "a\nb", "\ud800"])
    async def test_refuses_a_key_that_cannot_be_stored(self, key: str) -> None:
        act = Act()
        with pytest.raises(Invalid) as caught:
            await idempotency_keys.once(CALLER, key, BODY, act)
        assert caught.value.fields.keys() == {"idempotency_key"}
        assert act.times == 0

    @pytest.mark.parametrize(
        "value", [Decimal("1.5"), UUID(int=1), "\ud800", 10**400, float("nan"), None, [1, {"a": 2}]]
    )
    async def test_takes_any_body(self, value: object) -> None:
        await idempotency_keys.once(CALLER, "k", {"value": value}, Act())
        _, replayed = await idempotency_keys.once(CALLER, "k", {"value": value}, Act())
        assert replayed


@pytest.mark.usefixtures("own_database")
class TestAtOnce:
    async def test_the_second_waits_for_the_answer_of_the_first(self) -> None:
        is_acting, may_answer = asyncio.Event(), asyncio.Event()

        async def slow() -> dict[str, Any]:
            is_acting.set()
            await may_answer.wait()
            return {"from": "first"}

        first = asyncio.create_task(idempotency_keys.once(CALLER, "k", BODY, slow))
        await is_acting.wait()
        act = Act()
        second = asyncio.create_task(idempotency_keys.once(CALLER, "k", BODY, act))
        await self.until_one_waits()
        may_answer.set()
        assert await first == ({"from": "first"}, False)
        assert await second == ({"from": "first"}, True)
        assert act.times == 0

    async def test_the_second_acts_where_the_first_fails(self) -> None:
        is_acting, may_fail = asyncio.Event(), asyncio.Event()

        async def failing() -> dict[str, Any]:
            is_acting.set()
            await may_fail.wait()
            raise Invalid({"amount": ["is invalid"]})

        first = asyncio.create_task(idempotency_keys.once(CALLER, "k", BODY, failing))
        await is_acting.wait()
        second = asyncio.create_task(idempotency_keys.once(CALLER, "k", {"other": 1}, Act()))
        await self.until_one_waits()
        may_fail.set()
        with pytest.raises(Invalid):
            await first
        assert await second == ({"time": 1}, False)

    async def test_of_many_at_once_one_acts(self) -> None:
        act = Act()
        answers = await asyncio.gather(
            *(idempotency_keys.once(CALLER, "k", BODY, act) for _ in range(16))
        )
        assert act.times == 1
        assert sorted(replayed for _, replayed in answers) == [False] + [True] * 15

    async def test_of_many_at_once_one_takes_an_expired_key(self) -> None:
        await idempotency_keys.once(CALLER, "k", BODY, Act())
        await expire()
        act = Act()
        await asyncio.gather(*(idempotency_keys.once(CALLER, "k", BODY, act) for _ in range(16)))
        assert act.times == 1

    async def until_one_waits(self) -> None:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with db.database().engine.connect() as connection:
            while not (await connection.exec_driver_sql(query)).scalar():
                await connection.rollback()


@pytest.mark.usefixtures("database")
class TestPrune:
    async def test_removes_what_expired_and_nothing_else(self) -> None:
        await idempotency_keys.once(CALLER, "old", BODY, Act())
        await expire()
        await idempotency_keys.once(CALLER, "new", BODY, Act())
        assert await idempotency_keys.prune() == 1
        assert await idempotency_keys.prune() == 0
        _, replayed = await idempotency_keys.once(CALLER, "new", BODY, Act())
        assert replayed
