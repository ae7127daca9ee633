"""What every answer tells browsers, and where a request must end."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from financial_live.asgi.headers import DEFAULTS, Headers


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("OK")


async def own(request: Request) -> PlainTextResponse:
    return PlainTextResponse("OK", headers={"Cache-Control": "no-cache"})


async def broken(request: Request) -> PlainTextResponse:
    raise RuntimeError


SITE = Starlette(
    routes=[
        Route("/plain", plain, methods=["GET", "POST"]),
        Route("/own", own),
        Route("/broken", broken),
    ]
)


async def ask(
    method: str, path: str, *, is_https: bool = False, headers: dict[str, str] | None = None
) -> httpx.Response:
    site = Headers(SITE, is_https=is_https)
    transport = httpx.ASGITransport(app=site, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, headers=headers)


class TestHeaders:
    @pytest.mark.parametrize("path", ["/plain", "/nowhere", "/broken"])
    async def test_are_added_to_every_answer(self, path: str) -> None:
        assert DEFAULTS.items() <= dict((await ask("GET", path)).headers).items()

    async def test_that_a_part_has_set_are_left(self) -> None:
        assert (await ask("GET", "/own")).headers.get_list("cache-control") == ["no-cache"]

    async def test_ask_for_tls_where_the_site_has_it(self) -> None:
        name = "strict-transport-security"
        assert name not in (await ask("GET", "/plain")).headers
        assert (await ask("GET", "/plain", is_https=True)).headers[name] == "max-age=31536000"


class TestLengths:
    async def test_that_are_told_twice_are_refused(self) -> None:
        both = {"Content-Length": "0", "Transfer-Encoding": "chunked"}
        answer = await ask("POST", "/plain", headers=both)
        assert answer.status_code == 400
        assert "not both" in answer.json()["errors"]["detail"]
        assert answer.headers["connection"] == "close"
        assert DEFAULTS.items() <= dict(answer.headers).items()

    @pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding"])
    async def test_that_are_told_once_are_taken(self, name: str) -> None:
        value = "0" if name == "Content-Length" else "chunked"
        assert (await ask("POST", "/plain", headers={name: value})).status_code == 200
