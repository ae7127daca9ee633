"""Two campaigns with gifts and teams, and callers of every kind, for whoever tests rights."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from financial_live import db
from financial_live.contexts import accounts, campaigns
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation
from financial_live.rights import Act, Answer, Kind
from financial_live.scope import Role, Scope
from tests.conftest import TEMPLATE, Server, rolled_back
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign, make_gift
from tests.contexts.people import HOME, PASSWORD, hash_quickly, make_user

# What each caller is to the campaign ``ours``; an owner of another one is a manager to it.
CALLERS = {
    "nobody": Kind.NOBODY,
    "donor": Kind.DONOR,
    "manager": Kind.MANAGER,
    "owner of another": Kind.MANAGER,
    "viewer": Kind.VIEWER,
    "reviewer": Kind.REVIEWER,
    "owner": Kind.OWNER,
    "admin": Kind.ADMIN,
    "operator": Kind.OPERATOR,
}
ROLES = {"manager": Role.MANAGER, "owner of another": Role.MANAGER, "admin": Role.ADMIN}
TEAM = ("viewer", "reviewer", "owner")


@dataclass
class World:
    """Two campaigns with gifts and teams, one with neither, and a scope for each caller."""

    scopes: dict[str, Scope]
    tokens: dict[str, str]
    ours: Campaign
    theirs: Campaign
    empty: Campaign
    gifts: dict[str, Donation]
    their_gift: Donation

    def id_of(self, name: str) -> UUID:
        user_id = self.scopes[name].user_id
        assert user_id is not None
        return user_id

    def name_of(self, scope: Scope) -> str | None:
        """Return which user a scope is of, however they come in."""
        named = (name for name, one in self.scopes.items() if one.user_id == scope.user_id)
        return next(named) if scope.user_id is not None else None


def email_of(name: str) -> str:
    return f"{name.replace(' ', '.')}@example.org"


async def execute(statement: str, *values: Any) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement, values)


async def make_caller(name: str) -> tuple[Scope, str]:
    role = ROLES.get(name, Role.DONOR)
    user = await make_user(email_of(name), role=role.value)
    entered = await enter(name)
    scope = Scope.user(user.id, role=role, session_id=entered.session.id, is_verified=True)
    return scope, entered.token


async def enter(name: str) -> accounts.LoggedIn:
    return await accounts.log_in(VISITOR, email_of(name), PASSWORD, address=HOME, agent="Firefox")


async def join(campaign: Campaign, scope: Scope, role: str) -> None:
    await execute(
        "INSERT INTO campaign_member (campaign_id, user_id, role) VALUES (%s, %s, %s)",
        campaign.id,
        scope.user_id,
        role,
    )


async def make_world() -> World:
    named = [name for name in CALLERS if name not in {"nobody", "operator"}]
    entered = {name: await make_caller(name) for name in named}
    scopes = {name: scope for name, (scope, _) in entered.items()}
    scopes |= {"nobody": VISITOR, "operator": OPERATOR}
    tokens = {name: token for name, (_, token) in entered.items()}
    ours, theirs, empty = [await make_campaign() for _ in range(3)]
    for name in TEAM:
        await join(ours, scopes[name], name)
    await join(ours, scopes["admin"], "owner")
    await join(theirs, scopes["owner of another"], "owner")
    gifts = {
        "plain": await make_gift(ours, donor_name="Budi"),
        "hidden": await make_gift(
            ours, donor_name="Dewi Rahasia", amount="70000", show_name=False, show_amount=False
        ),
        "test": await make_gift(ours, OPERATOR, is_test=True),
    }
    await campaigns.update_campaign(OPERATOR, ours.id, {"review_policy": "manual"})
    gifts["waiting"] = await make_gift(ours)
    return World(scopes, tokens, ours, theirs, empty, gifts, await make_gift(theirs))


@pytest.fixture(scope="module")
def made(server: Server, migrated: str) -> Iterator[tuple[str, World]]:
    """Return a database and the world in it, made once; no test leaves anything there."""

    async def make() -> World:
        db.connect(url)
        try:
            return await make_world()
        finally:
            await db.disconnect()

    url = server.create("rights", template=TEMPLATE)
    with pytest.MonkeyPatch.context() as patch:
        hash_quickly(patch)
        yield url, asyncio.run(make())
    server.drop("rights")


@pytest.fixture
async def world(made: tuple[str, World]) -> AsyncIterator[World]:
    url, world = made
    async with rolled_back(url):
        yield world


def expected(act: Act, caller: str) -> Answer:
    """Return what the table says, looked up without the functions that are tested."""
    found = act.value.answers[CALLERS[caller]]
    if found is not Answer.ACCOUNT:
        return found
    return act.value.answers[Kind.MANAGER if ROLES.get(caller) is Role.MANAGER else Kind.DONOR]
