"""The part of a worker that calls event handlers, without sockets and rooms."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from reflex.istate.manager.memory import StateManagerMemory
from reflex_base.event.processor import BaseStateEventProcessor
from reflex_base.utils.format import json_dumps

from financial_live import cookies
from financial_live.financial_live import app, event_namespace
from financial_live.ui import gate, identity, live
from tests.contexts.people import HOME

REFUSED = "The site has changed since this page was opened. Load it again."


@dataclass
class Page:
    """A page in somebody's browser: what it asks for, and what it is told."""

    sid: str
    path: str
    query: dict[str, str]
    told: list[dict[str, Any]] = field(default_factory=list)

    async def call(self, handler: str, payload: object) -> str:
        """Call a handler as a browser does, and return all that the page is told, as JSON."""
        self.told.clear()
        where = {"pathname": self.path, "asPath": self.path, "query": self.query}
        name = NAMES[handler]
        event = {"name": name, "payload": payload, "router_data": where}
        await event_namespace.trigger_event("event", self.sid, event)
        await settled()
        return json.dumps(self.told)


async def settled() -> None:
    """Wait until every handler that was called, and every one that these called, is done."""
    processor = app.event_processor
    await processor.join()
    while tasks := list(processor._tasks.values()):
        await asyncio.wait(tasks)
        await processor.join()


class Stage:
    """The part of a worker that calls handlers, without sockets and rooms."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.pages: dict[str, Page] = {}
        self.environs: dict[str, Any] = {}
        self.rooms: list[str] = []

    async def open(self, token: str | None, path: str, query: dict[str, str]) -> Page:
        page = Page(uuid4().hex, path, query)
        self.pages[page.sid] = page
        headers = [(b"host", b"localhost:8000"), (b"origin", b"http://localhost:8000")]
        if token:
            headers.append((b"cookie", f"{cookies.NAME}={token}".encode()))
        environ = {
            "QUERY_STRING": f"token={uuid4()}",
            "asgi.scope": {"headers": headers, "client": (HOME, 1)},
        }
        self.environs[page.sid] = environ
        await event_namespace.trigger_event("connect", page.sid, environ, {})
        await settled()
        return page

    async def emit(self, event: str, update: Any, to: str, **_: Any) -> None:
        self.pages[to].told.append(json.loads(json_dumps(update)))

    # What a page asks of the rooms.

    async def enter(self, sid: str, key: object) -> dict[str, Any]:
        self.rooms.append(str(key))
        return {"stamp": "1"}

    async def reread(self, key: object) -> None:
        self.rooms.append(str(key))

    async def leave(self, sid: str) -> None:
        pass


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    stage = Stage()
    server = SimpleNamespace(
        get_environ=lambda sid, _: stage.environs.get(sid),
        manager=SimpleNamespace(is_connected=lambda sid, _: sid in stage.environs),
    )
    processor = BaseStateEventProcessor(
        middleware=app, backend_exception_handler=stage.failures.append
    )
    monkeypatch.setattr(event_namespace, "emit", stage.emit)
    monkeypatch.setattr(event_namespace, "server", server)
    monkeypatch.setattr(app, "_event_processor", processor)
    monkeypatch.setattr(live, "_door", stage)
    monkeypatch.setattr(live, "_LOAD_AGAIN_S", 0)
    monkeypatch.setattr(identity, "_followers", None)
    monkeypatch.setattr(gate, "EVENTS_AT_ONCE", 10**9)
    manager = StateManagerMemory()  # type: ignore[abstract]
    async with processor.configure(state_manager=manager, event_namespace=event_namespace):
        yield stage
    assert stage.failures == []


NAMES = {
    f"{name.rpartition('.')[0].rpartition('____')[2].title().replace('_', '')}"
    f".{handler.fn.__name__}": name
    for name, handler in gate._known().items()
    if handler.fn.__module__.startswith("financial_live.")
}
