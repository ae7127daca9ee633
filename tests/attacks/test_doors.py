"""Who may knock at which door: foreign pages at none that changes anything."""

import re
from collections.abc import Iterator, Sequence

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from e2e.bench.client import NAMESPACE
from e2e.instance import Site
from e2e.people import Account, Operator
from financial_live import cookies, routes
from financial_live.financial_live import app
from financial_live.rest import create_api
from financial_live.rest.parsing import CSRF_HEADER
from financial_live.rest.unknown import Unknown
from tests.attacks.visitor import HOST, ORIGIN, ask, cookie_of, headers_of, status_of

_CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
# What a ticket or a password brings is its own proof.
_NEEDS_NO_CSRF = {
    ("POST", routes.SESSION),
    ("POST", routes.API_LOGIN),
    ("POST", routes.API_REGISTER),
}

FOREIGN = (
    "https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "null",
    "",
    "file://",
    f"https://{HOST}.evil.example",
    f"https://evil{HOST}",
    f"https://sub.{HOST}",
    "https://example.org",
    f"https://{HOST}:444",
    f"https://{HOST}@evil.example",
    f"https://{HOST}.",
    f"http://{HOST}",
    f"{ORIGIN}, https://evil.example",
    f"{ORIGIN} https://evil.example",
)


def walk(found: Sequence[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Yield method and path of every route that changes something; one of no known kind fails."""
    for route in found:
        inner = getattr(route, "original_router", route)
        if hasattr(inner, "routes"):
            yield from walk(inner.routes)
            continue
        if isinstance(route, Unknown):
            continue
        assert isinstance(route, APIRoute), f"nobody knows what {route!r} serves"
        yield from ((method, route.path) for method in _CHANGES & set(route.methods or ()))


CHANGES = sorted(set(walk(create_api().routes)))


def address(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "x", path)


def test_the_walk_finds_the_routes_there_are() -> None:
    assert {
        ("POST", routes.SESSION),
        ("DELETE", routes.SESSION),
        ("POST", f"{routes.API_CAMPAIGNS}/{{id}}/donations"),
    } <= set(CHANGES)


class TestForeignPages:
    @pytest.mark.parametrize("origin", FOREIGN)
    async def test_change_nothing(self, client: httpx.AsyncClient, origin: str) -> None:
        for method, path in CHANGES:
            headers = headers_of(Origin=origin)
            answer = await client.request(method, address(path), headers=headers, json={})
            assert answer.status_code == 403, (method, path)
            assert not [name for name in answer.headers if name.startswith("access-control")]

    @pytest.mark.parametrize("origin", FOREIGN)
    async def test_open_no_socket(self, attacked: Site, origin: str) -> None:
        lines = [
            f"GET {NAMESPACE}/?token=t&EIO=4&transport=websocket HTTP/1.1",
            f"Host: {HOST}",
            f"Origin: {origin}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "\r\n",
        ]
        assert status_of(await ask(attacked, "\r\n".join(lines).encode())) == 403

    @pytest.mark.parametrize("transport", ["polling", "websocket", "jsonp"])
    async def test_have_no_other_way_to_the_socket(
        self, client: httpx.AsyncClient, transport: str
    ) -> None:
        path = f"{NAMESPACE}/?EIO=4&transport={transport}&token=t"
        foreign = headers_of(Origin=FOREIGN[0])
        assert (await client.post(path, headers=foreign, content="40")).status_code == 403
        answer = await client.get(path, headers=foreign)
        assert answer.status_code == 400
        assert "access-control-allow-origin" not in answer.headers
        # Nor has anybody else.
        assert (await client.get(path, headers=headers_of())).status_code == 400
        assert (await client.post(path, headers=headers_of(), content="40")).status_code == 400

    async def test_may_not_ask_whether_they_might(self, client: httpx.AsyncClient) -> None:
        for method, path in CHANGES:
            asked = {"Origin": FOREIGN[0], "Access-Control-Request-Method": method}
            answer = await client.options(address(path), headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control-allow")]

    async def test_get_no_permission_to_read(
        self, client: httpx.AsyncClient, victim: Account
    ) -> None:
        headers = headers_of(Origin=FOREIGN[0], cookie=cookie_of(victim.token))
        for path in (routes.API_CAMPAIGNS, routes.HOME, routes.HEALTH, "/ping"):
            answer = await client.get(path, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control-allow")]


class TestCookiesAlone:
    """A cookie says who a browser is, not that a page of ours asks."""

    @pytest.mark.parametrize("proof", ["none", "empty", "another session's", "its own token"])
    async def test_change_nothing(
        self,
        client: httpx.AsyncClient,
        operator_of_attacked: Operator,
        victim: Account,
        proof: str,
    ) -> None:
        other = await operator_of_attacked.log_in(victim.user)
        given = {
            "none": {},
            "empty": {CSRF_HEADER: ""},
            "another session's": {CSRF_HEADER: cookies.csrf_token(other.token)},
            "its own token": {CSRF_HEADER: victim.token},
        }[proof]
        for method, path in CHANGES:
            if (method, path) in _NEEDS_NO_CSRF:
                continue
            for origin in ({"Origin": ORIGIN}, {}):
                headers = {"Host": HOST, "Cookie": cookie_of(victim.token), **origin, **given}
                answer = await client.request(method, address(path), headers=headers, json={})
                assert answer.status_code == 403, (method, path)
        await victim.scope()


class TestReflexItself:
    def test_serves_nothing_but_what_is_known(self) -> None:
        assert app._api is not None
        served = {str(getattr(route, "path", route)) for route in app._api.routes}
        assert served == {"/ping", "/_health", NAMESPACE}

    @pytest.mark.parametrize(
        "path",
        [
            *("/_upload", "/_upload/x", "/auth-codespace", "/_all_routes", "/admin", "/docs"),
            *("/redoc", "/openapi.json", "/index.html", "/__spa-fallback.html", "/.git/config"),
            *("/.env", "/rxconfig.py", "/sitemap.xml", "/assets", "/assets/"),
        ],
    )
    async def test_has_no_other_door(self, client: httpx.AsyncClient, path: str) -> None:
        for method in ("GET", "POST", "PUT", "DELETE", "TRACE", "PROPFIND", "get"):
            answer = await client.request(method, path)
            assert answer.status_code in (404, 405), method
