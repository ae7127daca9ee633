"""The worker's application: what stands in front of Reflex, and what Reflex is told."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from financial_live import asgi
from financial_live.config import Settings, get_settings
from financial_live.errors import ConfigError

LISTED = "https://give.example.org"


class FakeReflexApp:
    """As much of a Reflex app as is wrapped: it makes an ASGI app, routes pages, has a socket."""

    def __init__(self) -> None:
        self.sio = SimpleNamespace(eio=SimpleNamespace(cors_allowed_origins="*"))
        self.router: Callable[[str], str | None] = {"/": "index"}.get
        self.api_transformer = SimpleNamespace(router=PlainTextResponse("for programs"))

    def __call__(self) -> ASGIApp:
        return Starlette(routes=[Route("/ping", PlainTextResponse("pong"))])


@pytest.fixture
def settings(client_folder: Path) -> Settings:
    return Settings.load(frontend_dir=client_folder.parent, allowed_origins=(LISTED,))


class TestWrapped:
    async def test_serves_the_frontend_before_the_application(self, settings: Settings) -> None:
        transport = httpx.ASGITransport(app=asgi.wrapped(FakeReflexApp(), settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert "<title>index</title>" in (await client.get("/")).text
            assert (await client.get("/ping")).text == "pong"
            assert (await client.get("/nowhere")).status_code == 404

    async def test_a_path_with_a_line_break_gets_to_the_application(
        self, settings: Settings
    ) -> None:
        class Mounting(FakeReflexApp):
            def __call__(self) -> ASGIApp:
                return Starlette(routes=[Mount("", PlainTextResponse("here"))])

        transport = httpx.ASGITransport(app=asgi.wrapped(Mounting(), settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.put("/a%0Ab")).text == "here"

    async def test_what_asks_below_api_gets_to_the_door_for_programs(
        self, settings: Settings
    ) -> None:
        transport = httpx.ASGITransport(app=asgi.wrapped(FakeReflexApp(), settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for path in ("/api/campaigns", "/api/a%0Ab", "/api/"):
                assert (await client.put(path)).text == "for programs"
            assert (await client.get("/api")).status_code == 404

    async def test_refuses_foreign_origins_before_the_application(self, settings: Settings) -> None:
        transport = httpx.ASGITransport(app=asgi.wrapped(FakeReflexApp(), settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.post("/ping", headers={"origin": "https://evil.example"})
        assert answer.status_code == 403

    def test_gives_the_event_socket_the_same_rule(self, settings: Settings) -> None:
        reflex_app = FakeReflexApp()
        asgi.wrapped(reflex_app, settings)
        allows = reflex_app.sio.eio.cors_allowed_origins
        assert allows("http://localhost:9", {"HTTP_HOST": "localhost:9"})
        assert allows(LISTED, {"HTTP_HOST": "localhost:9"})
        assert not allows("https://evil.example", {"HTTP_HOST": "localhost:9"})


class TestCreateApp:
    def test_says_what_to_do_without_a_frontend(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("FINANCIAL_LIVE_FRONTEND_DIR", str(tmp_path / "none"))
        get_settings.cache_clear()
        try:
            with pytest.raises(ConfigError, match="financial-live"):
                asgi.create_app()
        finally:
            get_settings.cache_clear()


class TestReflexEnvironment:
    def test_leaves_nothing_to_compile(self, settings: Settings) -> None:
        told = asgi.reflex_environment(settings)
        assert told["__REFLEX_SKIP_COMPILE"] == "true"
        assert told["REFLEX_ENV_MODE"] == "prod"

    def test_allows_the_listed_origins_and_nobody_else(self, settings: Settings) -> None:
        assert asgi.reflex_environment(settings)["REFLEX_CORS_ALLOWED_ORIGINS"] == LISTED
        alone = settings.model_copy(update={"allowed_origins": ()})
        assert asgi.reflex_environment(alone)["REFLEX_CORS_ALLOWED_ORIGINS"] not in {"", "*"}
