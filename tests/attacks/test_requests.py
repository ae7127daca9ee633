"""Requests of every odd shape, and what each answer lets a browser do."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

import httpx
import pytest
from websockets.asyncio.client import connect

from e2e.bench.client import NAMESPACE
from e2e.instance import Site
from e2e.people import Operator
from financial_live import routes
from financial_live.rest import create_api, parsing
from financial_live.ui.pages.accounts.login import LoginForm
from tests.attacks.visitor import HOST, Page, ask, headers_of, port_of, status_of

GIVE = routes.api_campaign_donations("nowhere")


def request(line: str, *headers: str, body: bytes = b"", host: str = HOST) -> bytes:
    lines = [line, f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer on one connection."""
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]


ANSWERS: Sequence[tuple[str, str, int]] = (
    ("GET", routes.HOME, 200),
    ("GET", routes.LOGIN, 200),
    ("GET", routes.campaign("nowhere"), 404),
    ("GET", "/nowhere", 404),
    ("GET", "/icon.svg", 200),
    ("GET", routes.HEALTH, 200),
    ("GET", routes.READY, 200),
    ("GET", routes.METRICS, 200),
    ("GET", routes.API_CAMPAIGNS, 200),
    ("GET", f"{routes.API_CAMPAIGNS}?page=x", 400),
    ("GET", f"{routes.API_CAMPAIGNS}?per_page=0", 422),
    ("GET", f"{routes.API}/nowhere", 404),
    ("PUT", routes.API_CAMPAIGNS, 405),
    ("POST", GIVE, 400),
    ("DELETE", routes.SESSION, 204),
    ("POST", routes.SESSION, 400),
    ("PUT", routes.SESSION, 405),
    ("GET", NAMESPACE, 307),
    ("GET", f"{NAMESPACE}/", 400),
    ("OPTIONS", routes.API_CAMPAIGNS, 204),
    ("TRACE", routes.HOME, 404),
    ("GET", "/ping", 200),
    ("HEAD", routes.HOME, 200),
)


class TestHeaders:
    @pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
    async def test_of_every_kind_of_answer_forbid_what_is_not_needed(
        self, client: httpx.AsyncClient, method: str, path: str, status: int
    ) -> None:
        answer = await client.request(method, path, headers=headers_of())
        told = answer.headers
        assert answer.status_code == status
        assert told["x-content-type-options"] == "nosniff"
        assert told["referrer-policy"] == "same-origin"
        assert told["strict-transport-security"] == "max-age=31536000"
        policy = told["content-security-policy"]
        assert "unsafe-eval" not in policy
        assert "frame-ancestors" in policy
        scripts = [part for part in policy.split(";") if part.strip().startswith("script-src")]
        assert "unsafe-inline" not in "".join(scripts)
        if told.get("content-type", "").startswith("text/html"):
            assert scripts
            assert told["cache-control"] == "no-cache"
        else:
            assert "default-src 'none'" in policy
            # A program that has an answer's tag may keep it, and asks each time.
            kept = "private, no-cache" if "etag" in told else "no-store"
            assert told["cache-control"] == ("public, max-age=3600" if "svg" in path else kept)
        assert "server" not in told
        assert "x-powered-by" not in told

    async def test_of_a_refused_origin_are_the_same(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(GIVE, headers=headers_of(Origin="https://evil.example"))
        assert answer.status_code == 403
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"

    async def test_of_an_unchanged_page_are_the_same(self, client: httpx.AsyncClient) -> None:
        known = (await client.get(routes.HOME)).headers
        again = await client.get(routes.HOME, headers={"If-None-Match": known["etag"]})
        assert again.status_code == 304
        assert again.headers["content-security-policy"] == known["content-security-policy"]

    async def test_let_no_host_into_the_policy(self, attacked: Site) -> None:
        for host in ("evil.example; script-src *", "a b", "x';", "[::1", "evil,b"):
            answer = await ask(attacked, request("GET / HTTP/1.1", "Connection: close", host=host))
            assert b"script-src *" not in answer
            assert b"ws://" + host.encode() not in answer


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            *("/%2e%2e/%2e%2e/etc/passwd", "/../../etc/passwd", "/assets/..%2f..%2findex.html"),
            *("/assets/%2e%2e/index.html", "/..%5c..%5cx", "/assets/\\..\\..", "/%00", "/a%00.js"),
            *("/assets/%00", "/assets/x.js%00.css", "//evil.example", "//evil.example/%2e%2e"),
            *("/campaigns/%00", "/campaigns/%ff", "/campaigns/" + "a" * 9000, "/campaigns//"),
            *("/campaigns/" + "%f0%9f%98%80" * 2000, "/campaigns/x/y/z", "/campaigns/%2e%2e/login"),
            *("/campaigns/x%0d%0aSet-Cookie:a=b", "/api/%0d%0aSet-Cookie:a=b", "/api/campaigns/"),
            *("/api/campaigns/%00", "/api/campaigns/a%00b/donations", "/api/donations/%00"),
            *("/api/" + "x" * 9000, "/health/", "/session/", "*", "http://evil.example/health"),
        ],
    )
    async def test_of_odd_shapes_lead_nowhere(self, attacked: Site, path: str) -> None:
        answer = await ask(attacked, request(f"GET {path} HTTP/1.1", "Connection: close"))
        assert status_of(answer) == 404
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"set-cookie" not in head.lower()
        assert b"location:" not in head.lower()
        assert b"root:" not in body

    @pytest.mark.parametrize(
        "query",
        [
            *("page=%00", "page=1e9", "page=" + "9" * 400, "per_page=100000", "page=-1"),
            *("order=;drop", "status=%00", "search=%00", "search=%ff%fe", "page=%F0%9F%98%80"),
        ],
    )
    async def test_with_odd_queries_are_refused(self, attacked: Site, query: str) -> None:
        line = f"GET {routes.API_CAMPAIGNS}?{query} HTTP/1.1"
        assert status_of(await ask(attacked, request(line, "Connection: close"))) in (200, 400, 422)


class TestLengths:
    """A proxy in front may see the end of a request elsewhere: then the rest is somebody else's."""

    SECOND = request(f"GET {routes.HEALTH} HTTP/1.1", "Connection: close")

    @pytest.mark.parametrize(
        "headers",
        [
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked", "Content-Length: 5"),
            ("Content-Length: 5", "Content-Length: 6"),
            ("Content-Length: +5",),
            ("Content-Length: 5x",),
            ("Content-Length: -5",),
            ("Transfer-Encoding: xchunked",),
            ("Transfer-Encoding: chunked, identity",),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
            ("Transfer-Encoding : chunked",),
            ("Transfer-Encoding: \x0bchunked",),
            ("Host: evil.example",),
        ],
    )
    async def test_in_doubt_end_the_connection(
        self, attacked: Site, headers: tuple[str, ...]
    ) -> None:
        first = request(f"POST {GIVE} HTTP/1.1", *headers, body=b"0\r\n\r\n")
        assert statuses(await ask(attacked, first + self.SECOND)) == [400]

    async def test_beyond_any_measure_are_refused(self, attacked: Site) -> None:
        long = request(f"GET {routes.HEALTH} HTTP/1.1", "X: " + "a" * 1_000_000)
        assert 200 not in statuses(await ask(attacked, long))
        body = b'{"donation": {"donor_name": "' + b"a" * 100_000 + b'"}}'
        close = f"Content-Length: {len(body)}", "Connection: close"
        told = await ask(attacked, request(f"POST {GIVE} HTTP/1.1", *close, body=body))
        assert statuses(told) == [413]

    async def test_that_never_come_are_not_waited_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def begun() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.Event().wait()

        # Of the instance itself it would be ten seconds.
        monkeypatch.setattr(parsing, "BODY_TIMEOUT_S", 0.01)
        transport = httpx.ASGITransport(create_api())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.post(GIVE, content=begun())
        assert answer.status_code == 408
        assert answer.headers["connection"] == "close"


class TestMessages:
    async def test_beyond_any_form_end_the_socket(self, attacked: Site) -> None:
        page = await Page.open(attacked)
        await page.send_packet("4" + "x" * 70_000)
        await page.closed()

    async def test_are_never_unpacked(self, attacked: Site) -> None:
        """A packed message could be a thousand times as long as what was sent."""
        address = (
            f"ws://127.0.0.1:{port_of(attacked)}{NAMESPACE}/?token=t&EIO=4&transport=websocket"
        )
        async with connect(address, compression="deflate", proxy=None) as socket:
            assert socket.protocol.extensions == []


_JSON = {"Content-Type": "application/json"}
GIFT = {"donor_name": "Sari", "donor_email": "sari@example.org", "currency": "USD"}


def body_of(amount: str) -> bytes:
    return (json.dumps({"donation": GIFT})[:-2] + f', "amount": {amount}}}}}').encode()


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"null", b"[]", b'"x"', b"\xff\xfe", b"{", b'{"donation": null}', b"\x00"),
            b'{"donation":' + b"[" * 20_000,
            b'{"donation":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
            gzip.compress(b'{"donation": {"donor_name": "' + b"a" * 10_000_000 + b'"}}', mtime=0),
            body_of("NaN"),
            body_of("-Infinity"),
        ],
        ids=lambda body: repr(body[:20]),
    )
    async def test_that_are_no_such_json_are_refused(
        self, client: httpx.AsyncClient, body: bytes
    ) -> None:
        answer = await client.post(GIVE, headers=headers_of(**_JSON), content=body)
        assert answer.status_code == 400

    @pytest.mark.parametrize(
        "told",
        [
            *({"Content-Type": kind} for kind in ("text/plain", "multipart/form-data", "")),
            _JSON | {"Content-Encoding": "gzip"},
        ],
    )
    async def test_that_say_they_are_something_else_are_refused(
        self, client: httpx.AsyncClient, told: dict[str, str]
    ) -> None:
        for body in (b"", body_of("5"), gzip.compress(body_of("5"))):
            answer = await client.post(GIVE, headers=headers_of(**told), content=body)
            assert answer.status_code == 415, body

    @pytest.mark.parametrize(
        "amount",
        [
            *(
                "9" * 400,
                "1e400",
                "1e999999999999",
                "1e-400",
                "-1",
                "0",
                "true",
                "[]",
                "{}",
                '"NaN"',
                '"1e5000"',
            ),
            *('"Infinity"', '"\\u0000"', '"\\ud800"', '"١٢"', '"0x10"', "9" * 5000),
        ],
    )
    async def test_with_odd_amounts_give_nothing(
        self,
        attacked: Site,
        client: httpx.AsyncClient,
        operator_of_attacked: Operator,
        amount: str,
    ) -> None:
        campaign = await operator_of_attacked.new_campaign()
        path = routes.api_campaign_donations(campaign.slug)
        answer = await client.post(path, headers=headers_of(), content=body_of(amount))
        assert answer.status_code == 422
        assert (await attacked.campaign(campaign.slug))["total_raised"] == "0.00"


class TestLinks:
    @pytest.mark.parametrize(
        "to",
        [
            *("//evil.example", "/\\evil.example", "\\\\evil.example", "/%5cevil.example"),
            *("https://evil.example", "https:evil.example", "HTTPS:evil.example", "///evil"),
            *("javascript:alert(1)", "data:text/html,x", " //evil.example", "\t//evil.example"),
            *("/\t/evil.example", "/%09/evil.example", "/%2f/evil.example", "/%2fevil.example"),
            *("/\n/evil.example", "/\r\nSet-Cookie: a=b", f"{HOST}@evil.example", "@evil.example"),
            *("/\u2028/evil.example", "/%255c%255cevil.example", ".//evil.example", ""),
        ],
    )
    async def test_to_log_in_lead_to_this_site_alone(self, attacked: Site, to: str) -> None:
        for sent in (quote(to, safe=""), quote(quote(to, safe=""), safe="")):
            page = await Page.open(attacked, f"{routes.LOGIN}?to={sent}")
            shown = page.shown(LoginForm)["to"]
            await page.close()
            assert (
                shown == routes.ACCOUNT
                or httpx.URL("https://a.example/b")
                .join(shown.replace("\\", "/").replace("\t", "").replace("\n", ""))
                .host
                == "a.example"
            ), shown

    async def test_to_log_in_lead_where_they_say(self, attacked: Site) -> None:
        page = await Page.open(attacked, routes.login(to=routes.campaign("a b")))
        assert page.shown(LoginForm)["to"] == "/campaigns/a b"
        await page.close()
