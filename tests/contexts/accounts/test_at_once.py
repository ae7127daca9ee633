"""What happens when several do the same at the same time, with real commits."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable

import pytest

from financial_live.contexts import accounts
from financial_live.contexts.accounts import Purpose
from financial_live.errors import AppError
from tests.contexts.factories import OPERATOR, VISITOR, events
from tests.contexts.people import (
    EMAIL,
    HOME,
    PASSWORD,
    SITI,
    link,
    log_in,
    make_user,
    registered,
    revoked,
    scope_of,
)

pytestmark = pytest.mark.usefixtures("own_database", "quick_hashes")

NEW = "another good password"


async def outcomes(calls: Iterable[Awaitable[object]]) -> Counter[str]:
    """Do all at once and count how they went; what is no refusal fails the test."""
    counted: Counter[str] = Counter()
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, AppError):
            raise result
        counted[type(result).__name__ if isinstance(result, AppError) else "done"] += 1
    return counted


class TestRegister:
    async def test_one_address_gets_one_account(self) -> None:
        assert await outcomes(accounts.register(VISITOR, SITI) for _ in range(8)) == {"done": 8}
        told = Counter(name for name, _, _ in await events())
        assert told == {"user_registered": 1, "registered_again": 7}


class TestTokens:
    async def test_of_eight_who_use_a_reset_one_wins(self) -> None:
        await make_user()
        token = await link(EMAIL, Purpose.RESET)
        resets = [accounts.reset_password(VISITOR, token, f"{NEW} {n}") for n in range(8)]
        assert await outcomes(resets) == {"done": 1, "NotFound": 7}

    async def test_of_eight_who_redeem_a_ticket_one_wins(self) -> None:
        await make_user()
        ticket = await accounts.handover(VISITOR, EMAIL, PASSWORD, address=HOME)
        redeems = (
            accounts.redeem_handover(VISITOR, ticket, address=HOME, agent="") for _ in range(8)
        )
        assert await outcomes(redeems) == {"done": 1, "NotFound": 7}

    async def test_of_eight_who_verify_one_wins(self) -> None:
        await registered()
        token = await link(EMAIL, Purpose.VERIFY)
        proofs = (accounts.verify_email(VISITOR, token, PASSWORD) for _ in range(8))
        assert await outcomes(proofs) == {"done": 1, "NotFound": 7}

    async def test_of_links_made_at_once_one_wins(self) -> None:
        await make_user()
        tokens = await asyncio.gather(*(link(EMAIL, Purpose.RESET) for _ in range(8)))
        resets = [accounts.reset_password(VISITOR, token, NEW) for token in tokens]
        assert await outcomes(resets) == {"done": 1, "NotFound": 7}


class TestFirstAdmin:
    async def test_there_is_one(self) -> None:
        tokens = await asyncio.gather(*(accounts.first_admin_token(OPERATOR) for _ in range(4)))
        makings = [
            accounts.create_first_admin(VISITOR, token or "", SITI | {"email": f"{n}@example.org"})
            for n, token in enumerate(tokens * 2)
        ]
        assert await outcomes(makings) == {"done": 1, "NotFound": 7}


class TestRevoking:
    async def test_no_login_slips_past_a_reset(self) -> None:
        await make_user()
        token = await link(EMAIL, Purpose.RESET)
        logins = [asyncio.create_task(log_in()) for _ in range(4)]
        await accounts.reset_password(VISITOR, token, NEW)
        for login in await asyncio.gather(*logins, return_exceptions=True):
            if isinstance(login, accounts.LoggedIn):
                assert await accounts.session_scope(login.token) is None

    async def test_each_session_ends_once(self) -> None:
        await make_user()
        begun = [await log_in() for _ in range(4)]
        scopes = [await scope_of(one) for one in begun]
        calls: list[Awaitable[object]] = [accounts.log_out(scope) for scope in scopes]
        calls += [accounts.revoke_others(scope) for scope in scopes]
        assert await outcomes(calls) == {"done": 8}
        ended = [one for _, ids in await revoked() for one in ids]
        assert sorted(ended) == sorted(str(one.session.id) for one in begun)
