"""Which origins may use the server, by HTTP and by WebSocket."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from financial_live.asgi.origin import OriginGate, allows_environ, is_same_site

LISTED = "https://give.example.org"
FOREIGN = "https://evil.example"
SITE = "http://site.example:8000"


async def seen(request: Request) -> JSONResponse:
    return JSONResponse({"origin": request.headers.get("origin")})


async def greet(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def gate(*, only_loopback: bool = False) -> OriginGate:
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app = Starlette(
        routes=[Route("/seen", seen, methods=methods), WebSocketRoute("/socket", greet)]
    )
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    return OriginGate(app, allowed=(LISTED,), only_loopback=only_loopback)


async def ask(
    method: str,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    *,
    only_loopback: bool = False,
) -> httpx.Response:
    """Ask as a browser on ``SITE`` does, or with the host that the headers name."""
    transport = httpx.ASGITransport(app=gate(only_loopback=only_loopback))
    async with httpx.AsyncClient(transport=transport, base_url=SITE) as client:
        return await client.request(method, "/seen", headers=httpx.Headers(headers))


async def shake_hands(headers: dict[str, str]) -> list[str]:
    """Open a WebSocket and return the kinds of message it was answered with."""
    sent: list[str] = []
    incoming: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"host", b"site.example:8000"))
    scope = {"type": "websocket", "path": "/socket", "headers": raw, "query_string": b""}
    await gate()(scope, receive, send)
    return sent


def permissions(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


class TestChanges:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("origin", [FOREIGN, "null", "", "http://site.example:8001"])
    async def test_of_a_foreign_page_are_refused(self, method: str, origin: str) -> None:
        answer = await ask(method, {"origin": origin})
        assert answer.status_code == 403
        assert "ALLOWED_ORIGINS" in answer.json()["errors"]["detail"]

    @pytest.mark.parametrize("origin", [SITE, LISTED, LISTED.upper()])
    async def test_of_an_own_or_listed_page_pass(self, origin: str) -> None:
        assert (await ask("POST", {"origin": origin})).status_code == 200

    async def test_of_the_same_name_without_tls_are_refused_where_it_is_listed_with_tls(
        self,
    ) -> None:
        plain = {"origin": LISTED.replace("https", "http"), "host": "give.example.org"}
        assert (await ask("POST", plain)).status_code == 403
        assert (await ask("POST", plain | {"origin": LISTED})).status_code == 200

    async def test_of_a_program_pass(self) -> None:
        assert (await ask("POST")).status_code == 200

    async def test_with_two_origins_are_refused(self) -> None:
        twice = [("origin", LISTED), ("origin", FOREIGN)]
        assert (await ask("POST", twice)).status_code == 403


class TestReads:
    async def test_of_a_foreign_page_get_no_permission_to_be_read(self) -> None:
        answer = await ask("GET", {"origin": FOREIGN, "cookie": "session=1"})
        assert answer.status_code == 200
        assert not permissions(answer)

    async def test_of_a_listed_page_do(self) -> None:
        answer = await ask("GET", {"origin": LISTED, "cookie": "session=1"})
        assert answer.headers["access-control-allow-origin"] == LISTED

    async def test_a_foreign_page_is_not_allowed_to_ask_first(self) -> None:
        asked = {"origin": FOREIGN, "access-control-request-method": "POST"}
        assert not permissions(await ask("OPTIONS", asked))


class TestSockets:
    @pytest.mark.parametrize("origin", [FOREIGN, "null", "http://site.example"])
    async def test_of_a_foreign_page_are_refused(self, origin: str) -> None:
        assert await shake_hands({"origin": origin}) == ["websocket.close"]

    @pytest.mark.parametrize("headers", [{}, {"origin": LISTED}, {"origin": SITE}])
    async def test_of_others_open(self, headers: dict[str, str]) -> None:
        assert await shake_hands(headers) == ["websocket.accept", "websocket.close"]


class TestOnlyLoopback:
    @pytest.mark.parametrize(
        "host", ["localhost:8000", "127.0.0.1:9000", "[::1]:8000", "localhost"]
    )
    async def test_serves_its_own_machine(self, host: str) -> None:
        assert (await ask("GET", {"host": host}, only_loopback=True)).status_code == 200

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_refuses_a_name_that_was_made_to_point_here(self, method: str) -> None:
        headers = {"host": "evil.example:8000", "origin": "http://evil.example:8000"}
        assert (await ask(method, headers, only_loopback=True)).status_code == 403

    async def test_refuses_what_a_proxy_passes_on(self) -> None:
        headers = {"host": "localhost:8000", "x-forwarded-for": "203.0.113.7"}
        assert (await ask("GET", headers, only_loopback=True)).status_code == 403
        assert (await ask("GET", headers)).status_code == 200

    async def test_serves_a_listed_site_too(self) -> None:
        headers = {"host": "give.example.org", "origin": LISTED}
        assert (await ask("POST", headers, only_loopback=True)).status_code == 200

    async def test_is_not_asked_of_a_server_for_all(self) -> None:
        assert (await ask("GET", {"host": "any.example"})).status_code == 200


class TestIsSameSite:
    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://a.example", "a.example"),
            ("http://a.example", "a.example:80"),
            ("https://a.example", "A.example:443"),
            ("https://a.example:8443", "a.example:8443"),
            ("http://[::1]:8000", "[::1]:8000"),
        ],
    )
    def test_compares_host_and_port(self, origin: str, host: str) -> None:
        assert is_same_site(origin, host)

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://a.example", "b.example"),
            ("http://a.example:81", "a.example"),
            ("http://a.example", "a.example:81"),
            ("http://a.example.evil", "a.example"),
            ("null", "null"),
            ("", ""),
            ("file://", ""),
            ("http://a:x", "a:x"),
        ],
    )
    def test_everything_else_is_foreign(self, origin: str, host: str) -> None:
        assert not is_same_site(origin, host)


class TestAllowsEnviron:
    def test_is_the_same_rule_for_the_event_socket(self) -> None:
        environ = {"HTTP_HOST": "site.example:8000"}
        assert allows_environ(gate(), None, environ)
        assert allows_environ(gate(), LISTED, environ)
        assert allows_environ(gate(), "http://site.example:8000", environ)
        assert not allows_environ(gate(), FOREIGN, environ)
