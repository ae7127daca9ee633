"""Every event handler is called by every kind of caller, with what fits and with what does not."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import SQLModel

from financial_live import db
from financial_live.rights import Act, Answer
from tests.contexts.factories import GIFT
from tests.rights_world import CALLERS, TEAM, World, email_of, execute, expected, made, world
from tests.ui.handler_cases import CASES, FORM, Case, Payload, own_gift
from tests.ui.stage import NAMES, REFUSED, Page, Stage, stage

__all__ = ["made", "stage", "world"]  # Fixtures.

# The operator has no browser.
VISITORS = [name for name in CALLERS if name != "operator"]
NONSENSE: list[Any] = [None, 1, 1.5, [], [["a"]], {FORM: 5}, {FORM: [["a"]]}, {FORM: [[1, "a"]]}]
HOSTILE = ["", "x" * 70_000, "\x00", "\ud800", "'; DROP TABLE donation; --", "../..", "null"]


async def everything() -> dict[str, str | None]:
    """Return what is in the tables: another text for each if anything in it is another."""
    found = {}
    async with db.transaction() as session:
        connection = await session.connection()
        for table in SQLModel.metadata.tables:
            rows = "(to_jsonb(t) - 'last_seen_at')::text"
            query = f"SELECT md5(string_agg({rows}, ' ' ORDER BY {rows})) FROM {table} t"
            found[table] = (await connection.exec_driver_sql(query)).scalar()
    return found


def secrets(world: World, caller: str) -> set[str]:
    """Return what this caller must never be told."""
    addresses = {email_of(name) for name in VISITORS if name not in {"nobody", caller}}
    addresses |= {GIFT["donor_email"]}
    if expected(Act.SEE_MEMBER_EMAILS, caller) is Answer.YES:
        addresses = {GIFT["donor_email"]}
    tokens = {token for name, token in world.tokens.items()}
    return {"Dewi Rahasia", "$argon2", *addresses, *tokens}


def told_secrets(world: World, caller: str, told: str) -> list[str]:
    found = secrets(world, caller)
    return [secret for secret in found if re.search(rf"(?<!\w){re.escape(secret)}", told)]


async def opened(stage: Stage, world: World, case: Case, caller: str) -> Page:
    """Open a page; of a team by somebody who was in it for as long as it took to load."""
    token = world.tokens.get(caller)
    page = await stage.open(token, case.path(world), case.query(world))
    places = (world.ours.id, world.scopes[caller].user_id)
    is_member = caller == "nobody" or caller in (*TEAM, "admin")
    if not is_member:
        await execute("INSERT INTO campaign_member VALUES (%s, %s, 'viewer', now())", *places)
    for handler, payload in case.before:
        await page.call(handler, payload)
    if not is_member:
        await execute(
            "DELETE FROM campaign_member WHERE (campaign_id, user_id) = (%s, %s)", *places
        )
    return page


def is_refusal(told: list[dict[str, Any]]) -> bool:
    """Whether the page shows that something is refused, or leads to where one logs in."""
    text = json.dumps(told)
    shown = ("not allowed", "Log in", "/login", '"missing_rx_state_": true', "There is no")
    return any(sign in text for sign in shown)


def misfits(handler: str, payload: Payload) -> Iterator[object]:
    """Yield what does not fit a handler that is called with ``payload`` by its page."""
    yield from (None, [], "text", payload | {"self": 1}, payload | {"other": "x"})
    for name, value in payload.items():
        yield {other: v for other, v in payload.items() if other != name}
        yield from ({**payload, name: wrong} for wrong in NONSENSE if not fits(wrong, value))


def fits(wrong: Any, value: Any) -> bool:
    return type(wrong) is type(value) and wrong in ({}, [], 1)


def hostile(payload: Payload) -> Iterator[Payload]:
    """Yield arguments of the right types that nobody means well with, one at a time and all."""
    for text in HOSTILE:
        yield {name: twisted(value, text) for name, value in payload.items()}
        for name, value in payload.items():
            yield {**payload, name: twisted(value, text)}


def twisted(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {FORM: [[name, text] for name, _ in value[FORM]] + [[text, text], ["role", [text]]]}
    if isinstance(value, list):
        return [text, text]
    return text if isinstance(value, str) else value


class TestHandlers:
    def test_every_handler_is_in_the_table(self) -> None:
        assert set(CASES) == set(NAMES)

    @pytest.mark.parametrize("caller", VISITORS)
    @pytest.mark.parametrize("handler", CASES)
    async def test_does_what_its_caller_may_and_nothing_else(
        self, stage: Stage, world: World, handler: str, caller: str
    ) -> None:
        case = CASES[handler]
        payload = await case.payload(world, caller)
        page = await opened(stage, world, case, caller)
        before = await everything()
        told = await page.call(handler, payload)
        has_changed = await everything() != before
        is_allowed = case.act is not None and expected(case.act, caller) is not Answer.NO
        assert has_changed == (is_allowed and case.changes)
        assert told_secrets(world, caller, told) == []
        assert (REFUSED in told) is (handler == "Shell.refused")
        assert case.act is None or is_refusal(page.told) is not is_allowed, page.told

    @pytest.mark.parametrize("handler", CASES)
    async def test_refuses_what_does_not_fit(
        self, stage: Stage, world: World, handler: str
    ) -> None:
        case = CASES[handler]
        for caller in VISITORS:
            payload = await case.payload(world, caller)
            page = await opened(stage, world, case, caller)
            before = await everything()
            for wrong in misfits(handler, payload):
                assert REFUSED in await page.call(handler, wrong), (caller, wrong)
                await page.call("Shell.dismiss", {})
            assert await everything() == before, caller

    @pytest.mark.parametrize("handler", [name for name, case in CASES.items() if case.make])
    async def test_survives_what_nobody_means_well_with(
        self, stage: Stage, world: World, handler: str
    ) -> None:
        case = CASES[handler]
        for caller in VISITORS:
            payload = await case.payload(world, caller)
            page = await opened(stage, world, case, caller)
            for wrong in hostile(payload):
                told = await page.call(handler, wrong)
                assert told_secrets(world, caller, told) == []

    @pytest.mark.parametrize(
        "handler",
        [
            "CampaignsPage.delete",
            "AccountPage.show_or_hide",
            "AccountPage.receipt",
            "AccountPage.end_session",
            "TokensPage.revoke",
            "TeamPage.change_role",
            "TeamPage.remove",
            "TeamPage.cancel",
            "ReviewPage.act",
        ],
    )
    async def test_a_forged_id_leads_nowhere(
        self, stage: Stage, world: World, handler: str
    ) -> None:
        case = CASES[handler]
        for caller in VISITORS:
            owner = "donor" if caller != "donor" else "viewer"
            payload = await case.payload(world, caller)
            [name] = [name for name in payload if name.endswith("_id")]
            gift = await own_gift(world, owner)
            others = [
                uuid4(),
                gift["gift_id"],
                world.id_of(owner),
                world.their_gift.id,
                world.scopes[owner].session_id,
                world.theirs.id,
            ]
            page = await opened(stage, world, case, caller)
            before = await everything()
            for forged in others:
                if handler == "TeamPage.remove" and forged == world.id_of("viewer"):
                    continue
                told = await page.call(handler, payload | {name: str(forged)})
                assert told_secrets(world, caller, told) == []
            assert await everything() == before, caller
