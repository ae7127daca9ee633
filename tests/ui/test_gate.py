"""What a socket sends that no page sends."""

import json
from typing import Any

import pytest

from financial_live import db
from financial_live.financial_live import event_namespace
from financial_live.ui import gate
from tests.contexts.people import HOME
from tests.rights_world import World, made, world
from tests.ui.handler_cases import STRANGER, form
from tests.ui.stage import NAMES, REFUSED, Stage, settled, stage

__all__ = ["made", "stage", "world"]  # Fixtures.


HERE = {"pathname": "/", "asPath": "/"}
NO_EVENTS: list[Any] = [
    None,
    1,
    "text",
    '{"name": "x"}',
    [],
    {},
    {"name": "x", "router_data": []},
    *[
        {"name": "x", "router_data": HERE | wrong}
        for wrong in (
            {"pathname": 1},
            {"pathname": "x"},
            {"asPath": ":x"},
            {"asPath": "/" + "a" * 5000},
            {"asPath": "/\x00"},
            {"query": [1]},
            {"query": {"page": {"a": 1}}},
        )
    ],
]


class TestGate:
    @pytest.mark.parametrize("name", ["setvar", "set_is_hydrated", "get_state", "reset", "_say"])
    async def test_what_no_page_calls_is_refused(
        self, stage: Stage, world: World, name: str
    ) -> None:
        page = await stage.open(None, "/", {})
        state = NAMES["Shell.arrive"].rpartition(".")[0]
        for prefix in (state, state.partition(".")[0]):
            for payload in ({}, {"var_name": "flash_text", "value": "x"}, {"value": True}):
                event = {"name": f"{prefix}.{name}", "payload": payload, "router_data": HERE}
                await event_namespace.trigger_event("event", page.sid, event)
                await settled()
                assert REFUSED in json.dumps(page.told)
                page.told.clear()

    @pytest.mark.parametrize("data", NO_EVENTS)
    async def test_nonsense_is_dropped(self, stage: Stage, world: World, data: object) -> None:
        page = await stage.open(None, "/", {})
        names = ("event", "client_error", "connect", "disconnect", "ping", "reset", data)
        for event, *arguments in (
            *[(name, data) for name in names],
            ("event",),
            ("event", data, 1),
        ):
            await event_namespace.trigger_event(event, page.sid, *arguments)
        await settled()
        assert page.told == []
        assert page.sid in event_namespace.sid_to_token

    async def test_a_socket_cannot_choose_its_address(self, stage: Stage, world: World) -> None:
        page = await stage.open(None, "/", {})
        forged = {"asgi.scope": {"client": ["192.0.2.66", 1], "headers": []}, "QUERY_STRING": ""}
        await event_namespace.trigger_event("connect", page.sid, forged, {})
        await page.call("LoginForm.log_in", form(email=STRANGER, password="wrong password"))
        async with db.transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql("SELECT DISTINCT address FROM login_attempt")
            assert [row.address for row in rows] == [HOME]

    async def test_a_flood_is_dropped(
        self, stage: Stage, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gate, "EVENTS_AT_ONCE", 3)
        monkeypatch.setattr(gate, "EVENTS_PER_S", 0)
        page = await stage.open(None, "/", {})
        answers = [await page.call("Shell.refused", {}) for _ in range(5)]
        assert [REFUSED in told for told in answers] == [True, True, True, False, False]
