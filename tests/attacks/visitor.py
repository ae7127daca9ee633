"""Somebody who comes from outside with a socket and patience, and keeps to no rule of browsers."""

import asyncio
import itertools
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import orjson
import reflex as rx
from reflex_base.constants.state import FIELD_MARKER
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from e2e.bench.client import NAMESPACE, hydrate
from e2e.instance import Site
from financial_live import cookies, routes
from financial_live.ui.gate import EVENTS_AT_ONCE
from financial_live.ui.pages.accounts.login import LoginForm
from financial_live.ui.pages.campaigns import CampaignsPage

HOST = "give.example.org"
ORIGIN = f"https://{HOST}"
HOME = "203.0.113.7"
ELSEWHERE = "198.51.100.9"
PATIENCE_S = 20.0

SECRETS: set[str] = set()
"""What was sent by pages so far and must be in no log: tabs, cookies, addresses and passwords."""

_EVENT = f"42{NAMESPACE},"
_numbers = itertools.count(1)


def log_of(site: Site) -> str:
    """Return all that the instance has written down."""
    files = sorted((site.data_dir / "log").rglob("*"))
    return site.log + "".join(one.read_text(errors="replace") for one in files if one.is_file())


def port_of(site: Site) -> int:
    port = urlsplit(site.address).port
    assert port is not None
    return port


def cookie_of(token: str) -> str:
    return f"{cookies.SECURE_NAME}={token}"


def headers_of(*, cookie: str = "", address: str = HOME, **more: str) -> dict[str, str]:
    """Return what a page of the site sends through its proxy."""
    known = {"Host": HOST, "Origin": ORIGIN, "X-Forwarded-For": address}
    return known | ({"Cookie": cookie} if cookie else {}) | more


async def ask(site: Site, request: bytes) -> bytes:
    """Send bytes, and return all that is answered until the server closes, or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(site))
    answer = b""
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(PATIENCE_S):
            while part := await reader.read(65536):
                answer += part
    except ConnectionError:
        pass  # It has refused to read on, which is an answer.
    finally:
        writer.close()
    return answer


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer[9:12])


class Page:
    """One connection to the event socket; ``heard`` is every frame that came, as it came."""

    def __init__(self, socket: ClientConnection, path: str) -> None:
        self._socket = socket
        self.path = path
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())
        self.heard: list[str] = []
        self.is_closed = False
        self._calls = 0

    @classmethod
    async def open(
        cls,
        site: Site,
        path: str = routes.HOME,
        *,
        token: str | None = None,
        cookie: str = "",
        address: str = HOME,
        boot: object = None,
    ) -> "Page":
        """Open a page as its browser does, and wait until it is loaded.

        ``token`` is the tab's. With a ``boot`` of one's own, which is the first event, nothing is
        waited for.
        """
        tab = token or str(uuid.uuid4())
        SECRETS.update({tab, cookie.partition("=")[2]} - {""})
        query = f"token={tab}&EIO=4&transport=websocket"
        headers = {"X-Forwarded-For": address} | ({"Cookie": cookie} if cookie else {})
        socket = await connect(
            f"ws://{HOST}{NAMESPACE}/?{query}",
            host="127.0.0.1",
            port=port_of(site),
            origin=Origin(ORIGIN),
            additional_headers=headers,
            compression=None,
            proxy=None,
            max_size=None,
        )
        await socket.recv()
        first = orjson.dumps({"event": boot or hydrate(path)}).decode()
        await socket.send(f"40{NAMESPACE},{first}")
        page = cls(socket, path)
        if boot is None:
            await page.shows(rx.State, is_hydrated=True)
        return page

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message == "2":
                    await self._socket.send("3")
                async with self._news:
                    self.heard.append(str(message))
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        async with self._news:
            self.is_closed = True
            self._news.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what was heard fulfils ``condition``."""
        async with self._news, asyncio.timeout(PATIENCE_S):
            await self._news.wait_for(condition)

    async def shows(self, state: type[Any], **values: object) -> None:
        """Wait until the page shows a state with these values."""
        await self.until(lambda: values.items() <= self.shown(state).items())

    async def closed(self) -> None:
        """Wait until the server ends this."""
        await self.until(lambda: self.is_closed)

    async def send(self, name: str, data: object) -> None:
        """Emit an event of Socket.IO, whatever its name."""
        await self.send_packet(_EVENT + orjson.dumps([name, data]).decode())

    async def send_packet(self, packet: str | bytes) -> None:
        """Send a packet of engine.io as it is; nothing happens once the server has closed."""
        with suppress(ConnectionClosed):
            await self._socket.send(packet)

    async def call(self, handler: str, **payload: Any) -> None:
        """Ask for an event handler by its full name."""
        self._calls += 1
        assert self._calls < EVENTS_AT_ONCE, "more of one page are dropped: open another"
        asked = {"name": handler, "payload": payload, "router_data": self._router_data()}
        await self.send("event", asked)

    def _router_data(self) -> dict[str, Any]:
        data: dict[str, Any] = hydrate(self.path)["router_data"]
        return data

    async def settle(self) -> None:
        """Wait until all that was asked for so far is done: what is asked for last is answered."""
        mark = f"mark {next(_numbers)}"
        await self.call(f"{CampaignsPage.get_full_name()}.ask", campaign_id=mark)
        await self.until(lambda: any(mark in one for one in self.heard))

    def updates(self) -> list[dict[str, Any]]:
        """Return every update of the page's state, as sent."""
        return [orjson.loads(one[len(_EVENT) :])[1] for one in self.heard if one.startswith(_EVENT)]

    def shown(self, state: type[Any]) -> dict[str, Any]:
        """Return the variables of a state as the page shows them now."""
        merged: dict[str, Any] = {}
        for update in self.updates():
            merged |= (update.get("delta") or {}).get(state.get_full_name(), {})
        return {name.removesuffix(FIELD_MARKER): value for name, value in merged.items()}

    def text(self) -> str:
        return "\n".join(self.heard)

    async def close(self) -> None:
        await self._socket.close()
        await self._reader


async def submit(page: Page, handler: str, state: type[Any], **form: str) -> dict[str, Any]:
    """Send a form, and return the state of its page when it was answered."""
    SECRETS.update(value for value in form.values() if len(value) > 7 and value.isprintable())
    await page.call(f"{state.get_full_name()}.{handler}", form=form)
    await page.settle()
    return page.shown(state)


async def type_password(page: Page, email: str, password: str) -> dict[str, Any]:
    """Send the form to log in."""
    return await submit(page, "log_in", LoginForm, email=email, password=password)
