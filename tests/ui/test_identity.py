"""Who a page acts for, and that its socket goes when that changes."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest
from engineio.packet import CLOSE
from reflex.app import EventNamespace

from financial_live import cookies, outbox
from financial_live.contexts import accounts
from financial_live.errors import Unavailable
from financial_live.outbox import Place, Placed
from financial_live.scope import Scope
from financial_live.ui import identity
from financial_live.ui.identity import Followers


def page(cookie: str, *, host: str = "localhost:8000", sid: str = "sid") -> Any:
    """Return the state of a page whose socket came with this cookie."""
    headers = {"cookie": cookie, "host": host, "user-agent": "Firefox"}
    state = Mock()
    state.router.headers.raw_headers = headers
    state.router.session = SimpleNamespace(session_id=sid, client_ip="203.0.113.9")
    return state


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scope]:
    """Return the sessions there are, by token."""
    sessions: dict[str, Scope] = {}

    async def session_scope(token: str) -> Scope | None:
        return sessions.get(token)

    monkeypatch.setattr(accounts, "session_scope", session_scope)
    monkeypatch.setattr(identity, "_followers", None)
    return sessions


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing have been told of anybody before the test."""

    async def last_place(topic: str) -> Place:
        return Place(1, 0)

    monkeypatch.setattr(outbox, "last_place", last_place)


class TestScopeOf:
    async def test_is_whoever_the_cookie_says(self, known: dict[str, Scope]) -> None:
        known["token"] = Scope.user(uuid4(), session_id=uuid4())
        assert await identity.scope_of(page(f"{cookies.NAME}=token")) == known["token"]

    async def test_says_where_it_is(self, known: dict[str, Scope]) -> None:
        known["token"] = Scope.user(uuid4(), session_id=uuid4())
        for cookie in (f"{cookies.NAME}=token", ""):
            assert (await identity.scope_of(page(cookie))).address == "203.0.113.9"

    @pytest.mark.parametrize("cookie", ["", "other=1", f"{cookies.NAME}=", f"{cookies.NAME}=old"])
    async def test_is_a_visitor_without_a_session(
        self, known: dict[str, Scope], cookie: str
    ) -> None:
        scope = await identity.scope_of(page(cookie))
        assert (scope.user_id, scope.is_operator) == (None, False)

    async def test_believes_the_cookie_for_loopback_nowhere_else(
        self, known: dict[str, Scope]
    ) -> None:
        known["token"] = Scope.user(uuid4(), session_id=uuid4())
        for name, host, is_known in (
            (cookies.NAME, "give.example.org", False),
            (cookies.SECURE_NAME, "give.example.org", True),
            (cookies.NAME, "127.0.0.1:8000", True),
        ):
            scope = await identity.scope_of(page(f"{name}=token", host=host))
            assert (scope.user_id is not None) is is_known


def environ(*cookies_sent: str, host: str = "localhost:8000") -> dict[str, Any]:
    """Return what is known of a socket that came with these Cookie headers."""
    headers = [(b"cookie", cookie.encode()) for cookie in cookies_sent]
    return {"asgi.scope": {"headers": [(b"host", host.encode()), *headers]}}


class TestNamespace:
    """A state is found again by its tab and the living session that came with it."""

    async def key(self, monkeypatch: pytest.MonkeyPatch, tab: str, *cookies_sent: str) -> str:
        given: list[str] = []

        async def link(self: Any, sid: str, token: str, *, update_state: bool = True) -> None:
            given.append(token)

        monkeypatch.setattr(EventNamespace, "link_token_to_sid", link)
        namespace = identity.Namespace("/_event", Mock())
        namespace.server = Mock()
        namespace.server.get_environ.return_value = environ(*cookies_sent)
        await namespace.link_token_to_sid("sid", tab)
        return given[0]

    async def test_gives_each_tab_and_session_a_state_of_its_own(
        self, known: dict[str, Scope], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for token in ("one", "two"):
            known[token] = Scope.user(uuid4(), session_id=uuid4())
        one, two, over = (f"{cookies.NAME}={token}" for token in ("one", "two", "over"))
        sent: list[tuple[str, ...]] = [("a",), ("b",), ("a", one), ("b", one), ("a", two)]
        keys = [await self.key(monkeypatch, *each) for each in sent]
        assert len(set(keys)) == len(sent)
        assert await self.key(monkeypatch, "a", one) == keys[2]
        assert await self.key(monkeypatch, "a", "other=1", one) == keys[2]
        assert await self.key(monkeypatch, "a", over) == keys[0]

    @pytest.mark.parametrize("is_hanging", [True, False])
    async def test_opens_pages_while_the_database_is_away(
        self, is_hanging: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def session_scope(token: str) -> Scope:
            if is_hanging:
                await asyncio.Event().wait()
            raise Unavailable("The database does not answer.")

        monkeypatch.setattr(accounts, "session_scope", session_scope)
        monkeypatch.setattr(identity, "_PATIENCE_S", 0)
        nobodys = await self.key(monkeypatch, "a")
        assert await self.key(monkeypatch, "a", f"{cookies.NAME}=token") == nobodys


class Bus:
    """The bus, as far as it is told whom to listen to."""

    def __init__(self) -> None:
        self.watched: set[str] = set()

    async def watch(self, topic: str, *, by: str) -> None:
        self.watched.add(topic)

    async def unwatch(self, topic: str, *, by: str) -> None:
        self.watched.discard(topic)


class Stage:
    """A worker with the sockets of two users; one of them is logged in twice."""

    def __init__(self) -> None:
        self.bus = Bus()
        self.gone: set[str] = set()
        self.namespace = Mock(namespace="/_event")
        self.namespace.server.manager.eio_sid_from_sid = lambda sid, _: (
            None if sid in self.gone else f"engine {sid}"
        )
        self.sockets: dict[str, SimpleNamespace] = {}
        self.namespace.server.eio.sockets = self.sockets
        self.told_of: list[UUID] = []
        self.followers = Followers(
            self.bus,  # type: ignore[arg-type]
            self.namespace,
            tell=self.told_of.append,
        )
        self.user, self.other = uuid4(), uuid4()
        self.sessions = {"phone": uuid4(), "laptop": uuid4(), "stranger": uuid4()}

    async def begin(self) -> "Stage":
        for sid, session_id in self.sessions.items():
            self.sockets[f"engine {sid}"] = SimpleNamespace(queue=asyncio.Queue())
            user = self.other if sid == "stranger" else self.user
            await self.followers.follow(sid, identity._Visitor(user, session_id))
        return self

    async def hear(self, seq: int, name: str | None, *ended: UUID) -> set[str]:
        """Hear a message about the user, and return which sockets it has closed."""
        data = {"session_ids": [str(one) for one in ended]} if ended else {}
        payload = Placed(Place(1, seq), name, data).encode()
        self.followers.received(f"user:{self.user}", payload)
        return {sid for sid in self.sessions if self._is_told_to_end(sid)}

    def _is_told_to_end(self, sid: str) -> bool:
        queue: asyncio.Queue[Any] = self.sockets[f"engine {sid}"].queue
        told = [queue.get_nowait() for _ in range(queue.qsize())]
        assert told in ([], [told[0] if told else None, None])
        return bool(told) and told[0].packet_type == CLOSE


class TestFollowers:
    async def test_close_the_sockets_of_a_session_that_has_ended_and_no_other(self) -> None:
        stage = await Stage().begin()
        assert await stage.hear(1, "session_revoked", stage.sessions["phone"]) == {"phone"}

    async def test_close_all_of_somebody_whose_place_in_a_team_has_changed(self) -> None:
        stage = await Stage().begin()
        assert await stage.hear(1, "member_changed") == {"phone", "laptop"}

    async def test_close_none_for_what_changes_no_rights(self) -> None:
        stage = await Stage().begin()
        assert await stage.hear(0, None) == set()
        assert await stage.hear(1, "reset_requested") == set()
        assert await stage.hear(1, None) == set()

    async def test_close_all_of_somebody_of_whom_a_message_was_missed(self) -> None:
        stage = await Stage().begin()
        assert await stage.hear(1, None) == {"phone", "laptop"}
        assert await stage.hear(3, "reset_requested") == {"phone", "laptop"}

    async def test_tell_of_whom_something_was_told_or_may_have_been(self) -> None:
        stage = await Stage().begin()
        await stage.hear(0, None)
        assert stage.told_of == []
        await stage.hear(1, "session_begun")
        assert stage.told_of == [stage.user]
        await stage.hear(3, None)
        assert stage.told_of == [stage.user, stage.user]

    async def test_ask_once_more_who_somebody_is_when_they_begin_to_follow(
        self, known: dict[str, Scope], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage = Stage()
        monkeypatch.setattr(identity, "_followers", stage.followers)
        known["token"] = Scope.user(uuid4(), session_id=uuid4())

        async def is_revoked_meanwhile(topic: str) -> Place:
            known.clear()
            return Place(1, 1)

        monkeypatch.setattr(outbox, "last_place", is_revoked_meanwhile)
        assert (await identity.scope_of(page(f"{cookies.NAME}=token"))).user_id is None

    async def test_listen_to_those_alone_who_are_here(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(identity, "_SWEEP_S", 0)
        stage = await Stage().begin()
        assert stage.bus.watched == {f"user:{stage.user}", f"user:{stage.other}"}
        stage.gone = {"phone", "stranger"}
        running = asyncio.create_task(stage.followers.run())
        while len(stage.bus.watched) > 1:  # noqa: ASYNC110  The sweep has no other sign.
            await asyncio.sleep(0)
        running.cancel()
        assert stage.bus.watched == {f"user:{stage.user}"}
