"""What costs much is limited by the caller's address, in the use case: so for every door alike."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from financial_live import limits
from financial_live.config import Rate, Settings
from financial_live.contexts import accounts, donations
from financial_live.errors import AppError, TooMany
from financial_live.scope import Scope
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, make_campaign
from tests.contexts.people import EMAIL, HOME, PASSWORD, SITI, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("database", "quick_hashes")

ONCE = Rate(1, "h", 1)
THERE = VISITOR.at(HOME)
NONE = "no such token"
Call = Callable[[Scope], Awaitable[Any]]
MAILING: dict[str, Call] = {
    "register": lambda s: accounts.register(s, SITI),
    "request_verification": lambda s: accounts.request_verification(s, EMAIL),
    "request_reset": lambda s: accounts.request_reset(s, EMAIL),
}
LOGIN: dict[str, Call] = {
    "log_in": lambda s: accounts.log_in(s, EMAIL, PASSWORD, address=HOME, agent=""),
    "handover": lambda s: accounts.handover(s, EMAIL, PASSWORD, address=HOME),
    "log_in_program": lambda s: accounts.log_in_program(s, EMAIL, PASSWORD, address=HOME, agent=""),
    "verify_email": lambda s: accounts.verify_email(s, NONE, PASSWORD),
    "reset_password": lambda s: accounts.reset_password(s, NONE, PASSWORD),
    "create_first_admin": lambda s: accounts.create_first_admin(s, NONE, SITI),
}


@pytest.fixture(autouse=True)
def once() -> Iterator[None]:
    """Let each address do everything once."""
    rates: dict[str, Any] = dict.fromkeys(
        ("rate_limit_mailing", "rate_limit_login", "rate_limit_giving"), ONCE
    )
    limits.connect(None, Settings(**rates))
    yield
    limits.connect(None)


async def is_limited(call: Call, scope: Scope) -> bool:
    try:
        await call(scope)
    except TooMany:
        return True
    except AppError:
        return False
    return False


class TestOfAnAddress:
    @pytest.mark.parametrize("call", (MAILING | LOGIN).values(), ids=(MAILING | LOGIN).keys())
    async def test_each_is_limited(self, call: Call) -> None:
        found = [await is_limited(call, THERE) for _ in range(3)]
        assert found == [False, True, True]
        assert not await is_limited(call, VISITOR.at("198.51.100.9"))

    @pytest.mark.parametrize("calls", [MAILING, LOGIN], ids=["mailing", "login"])
    async def test_what_is_of_one_kind_counts_together(self, calls: dict[str, Call]) -> None:
        found = [await is_limited(call, THERE) for call in calls.values()]
        assert found == [False] + [True] * (len(calls) - 1)

    async def test_giving_is_limited_whoever_gives(self) -> None:
        campaign = await make_campaign()
        user = Scope.user((await accounts.create_user(OPERATOR, SITI)).id)
        for scope, is_refused in ((THERE, False), (user.at(HOME), True), (user, False)):
            found = await is_limited(lambda s: donations.give(s, GIFT, campaign=campaign.id), scope)
            assert found is is_refused
