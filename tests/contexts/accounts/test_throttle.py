import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from financial_live import db
from financial_live.contexts.accounts import throttle
from financial_live.contexts.accounts.throttle import Failure, account_wait_s, address_wait_s
from financial_live.errors import AppError, TooMany
from tests.contexts.people import ELSEWHERE, EMAIL, HOME, log_in, make_user

NOW = datetime(2026, 3, 7, 12, tzinfo=UTC)


def failed(
    times: int, *, ago_s: float = 0, account: bool = True, address: bool = True
) -> list[Failure]:
    return [Failure(account, address, NOW - timedelta(seconds=ago_s))] * times


async def outcome(email: str = EMAIL, password: str = "wrong", *, address: str = HOME) -> str:
    """Log in and say how it went."""
    try:
        await log_in(email, password, address=address)
    except AppError as refusal:
        return type(refusal).__name__
    return "in"


async def age(seconds: int) -> None:
    """Let time go by for every failure."""
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(
            "UPDATE login_attempt SET inserted_at = inserted_at - make_interval(secs => %s)"
            " WHERE NOT has_succeeded",
            (seconds,),
        )


async def tried() -> int:
    """Return how many attempts are written down."""
    async with db.transaction() as session:
        connection = await session.connection()
        rows = await connection.exec_driver_sql("SELECT count(*) FROM login_attempt")
        return int(rows.scalar_one())


class TestAccountWait:
    @pytest.mark.parametrize(
        ("failures", "wait_s"),
        [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (12, 60), (10_000, 60)],
    )
    def test_grows_with_each_failure_up_to_a_minute(self, failures: int, wait_s: int) -> None:
        assert account_wait_s(failed(failures), NOW) == wait_s

    def test_is_counted_from_the_last_one_on(self) -> None:
        assert account_wait_s(failed(10, ago_s=30.5), NOW) == 2
        assert account_wait_s(failed(10, ago_s=32), NOW) == 0

    def test_other_accounts_of_the_address_do_not_count(self) -> None:
        assert account_wait_s(failed(50, account=False), NOW) == 0


class TestAddressWait:
    def test_lasts_until_one_of_a_hundred_is_old(self) -> None:
        assert address_wait_s(failed(99), NOW, is_known=False) == 0
        assert address_wait_s(failed(100, ago_s=600), NOW, is_known=False) == 300
        newer = [*failed(10, ago_s=800), *failed(100, ago_s=100)]
        assert address_wait_s(newer, NOW, is_known=False) == 800

    def test_an_account_known_there_counts_its_own_only(self) -> None:
        others = failed(500, account=False)
        assert address_wait_s(others, NOW, is_known=False) == 900
        assert address_wait_s(others, NOW, is_known=True) == 0
        assert address_wait_s(failed(100), NOW, is_known=True) == 900

    def test_other_addresses_do_not_count(self) -> None:
        assert address_wait_s(failed(500, address=False), NOW, is_known=False) == 0


class TestNetworkOf:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
            ("", ""),
            ("x" * 100, "x" * 64),
        ],
    )
    def test_is_what_one_customer_has(self, address: str, network: str) -> None:
        assert throttle.network_of(address) == network


@pytest.mark.usefixtures("database", "quick_hashes", "still_clock")
class TestLogIn:
    async def test_fifty_wrong_ones_are_slowed_and_a_right_one_from_there_is_let_in(self) -> None:
        await make_user()
        await make_user("budi@example.org")
        assert await outcome(password="correct horse battery") == "in"
        said = Counter([await outcome() for _ in range(50)])
        assert said == {"Unauthorized": 5, "TooMany": 45}
        assert await outcome(password="correct horse battery") == "in"
        assert await outcome("budi@example.org", "correct horse battery") == "in"

    async def test_strangers_are_not_looked_at_while_they_have_to_wait(
        self, verified: list[str]
    ) -> None:
        await make_user()
        said = Counter([await outcome(address=f"198.51.100.{n}") for n in range(50)])
        assert said == {"Unauthorized": 5, "TooMany": 45}
        assert len(verified) == await tried() == 5
        assert await outcome(password="correct horse battery") == "TooMany"
        await age(1)
        assert await outcome(password="correct horse battery") == "in"

    async def test_says_how_long(self) -> None:
        for _ in range(5):
            await outcome()
        with pytest.raises(TooMany) as caught:
            await log_in()
        assert caught.value.retry_after_s == 1
        assert "Wait 1 s," in caught.value.message

    async def test_an_unknown_address_is_slowed_alike(self) -> None:
        said = [await outcome("nobody@example.org") for _ in range(7)]
        assert said == ["Unauthorized"] * 5 + ["TooMany"] * 2

    async def test_who_tries_every_account_locks_only_strangers_out(self) -> None:
        await make_user()
        assert await outcome(password="correct horse battery") == "in"
        said = Counter([await outcome(f"{n}@example.org") for n in range(110)])
        assert said == {"Unauthorized": 100, "TooMany": 10}
        assert await outcome(password="correct horse battery") == "in"
        assert await outcome(password="correct horse battery", address=ELSEWHERE) == "in"
        await age(15 * 60)
        assert await outcome("1@example.org") == "Unauthorized"

    async def test_an_account_is_not_named(self) -> None:
        await outcome("my-password@example.org")
        async with db.transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql("SELECT a::text FROM login_attempt a")
            assert "my-password" not in "".join(rows.scalars())


@pytest.mark.usefixtures("own_database", "quick_hashes", "still_clock")
class TestAtOnce:
    async def test_of_fifty_at_once_five_are_looked_at(self, verified: list[str]) -> None:
        await make_user()
        attempts = (outcome(address=f"198.51.100.{n}") for n in range(50))
        said = Counter(await asyncio.gather(*attempts))
        assert said == {"Unauthorized": 5, "TooMany": 45}
        assert len(verified) == 5

    async def test_an_address_has_a_hundred_whatever_the_accounts(self) -> None:
        attempts = (outcome(f"{n}@example.org") for n in range(150))
        said = Counter(await asyncio.gather(*attempts))
        assert said == {"Unauthorized": 100, "TooMany": 50}
