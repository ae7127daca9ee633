"""How the built frontend is served."""

import asyncio
import base64
import gzip
import hashlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from financial_live.asgi.build import bun_binary
from financial_live.asgi.static import Frontend, is_routed
from financial_live.errors import ConfigError

PAGES = {"/": "index", "/campaigns": "campaigns", "/campaigns/clean-water": "campaigns/[slug]"}
PLAIN = {"accept-encoding": "identity"}


def route_of(path: str) -> str | None:
    """Answer as Reflex's router does, which knows the 404 page as a page too."""
    return "404" if path == "/404" else PAGES.get(path.rstrip("/") or "/")


def application() -> Starlette:
    app = Starlette(
        routes=[
            Route("/ping", PlainTextResponse("pong")),
            Route("/api/none", JSONResponse({"errors": {}}, status_code=404)),
            Route("/campaigns", PlainTextResponse("posted"), methods=["POST"]),
        ]
    )
    app.router.redirect_slashes = False
    return app


@pytest_asyncio.fixture
async def browser(client_folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    frontend = Frontend(
        application(),
        client_folder,
        is_page=is_routed(route_of),
        builds=client_folder.parent.parent,
    )
    transport = httpx.ASGITransport(app=frontend)
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
        yield client


class TestAnotherBuild:
    """While workers are replaced, a page of one build asks a worker of another for its files."""

    @pytest.fixture
    def other(self, client_folder: Path) -> Path:
        other = client_folder.parent.with_name("0123456789abcdef") / client_folder.name
        (other / "assets").mkdir(parents=True)
        (other / "assets" / "root-new.js").write_text("export const b = 2;")
        (other / "assets" / "root-abc.js").write_text("another file of the same name")
        (other / "assets" / "reflex-env-new.js").write_text("e=`http://localhost:8000/ping`")
        (other / "secret.txt").write_text("secret")
        return other

    async def test_has_its_hashed_files_served(
        self, browser: httpx.AsyncClient, other: Path
    ) -> None:
        (other / "index.html").touch()
        assert (await browser.get("/assets/root-new.js")).text == "export const b = 2;"
        assert "location.origin" in (await browser.get("/assets/reflex-env-new.js")).text

    async def test_does_not_replace_a_file_of_this_one(
        self, browser: httpx.AsyncClient, other: Path
    ) -> None:
        (other / "index.html").touch()
        assert "export const a" in (await browser.get("/assets/root-abc.js")).text

    async def test_opens_nothing_else(self, browser: httpx.AsyncClient, other: Path) -> None:
        (other / "index.html").touch()
        long = f"/assets/{'a' * 300}.js"
        for path in ("/secret.txt", "/assets/..%2Fsecret.txt", "/assets/../secret.txt", long):
            assert (await browser.get(path)).status_code == 404

    async def test_is_no_build_until_it_is_whole(
        self, browser: httpx.AsyncClient, other: Path
    ) -> None:
        assert (await browser.get("/assets/root-new.js")).status_code == 404


class TestPages:
    @pytest.mark.parametrize(
        ("path", "title"),
        [
            ("/", "index"),
            ("/campaigns", "campaigns"),
            ("/campaigns/", "campaigns"),
            ("/campaigns/clean-water", "__spa-fallback"),
        ],
    )
    async def test_a_known_one_is_there(
        self, browser: httpx.AsyncClient, path: str, title: str
    ) -> None:
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert f"<title>{title}</title>" in answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"

    @pytest.mark.parametrize(
        "path", ["/nowhere", "/404", "/404.html", "/index.html", "/assets/", "/assets/none.js"]
    )
    async def test_an_unknown_one_is_a_real_404(
        self, browser: httpx.AsyncClient, path: str
    ) -> None:
        answer = await browser.get(path)
        assert answer.status_code == 404
        assert "<title>404</title>" in answer.text

    @pytest.mark.parametrize(("is_gone", "status"), [(True, 404), (False, 200)])
    async def test_one_of_something_that_is_gone_is_a_404_that_says_so_itself(
        self, client_folder: Path, is_gone: bool, status: int
    ) -> None:
        asked: list[str] = []

        async def gone(path: str) -> bool:
            asked.append(path)
            return is_gone

        frontend = Frontend(application(), client_folder, is_page=is_routed(route_of), is_gone=gone)
        transport = httpx.ASGITransport(app=frontend)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            answer = await client.get("/campaigns/clean-water")
            assert (await client.get("/campaigns")).status_code == 200
        assert answer.status_code == status
        assert "<title>__spa-fallback</title>" in answer.text
        assert asked == ["/campaigns/clean-water"]

    @pytest.mark.parametrize(
        "path",
        ["/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret", "//campaigns", "/campaigns//"],
    )
    async def test_no_path_leads_out(
        self, browser: httpx.AsyncClient, client_folder: Path, path: str
    ) -> None:
        (client_folder.parent / "secret").write_text("secret")
        (client_folder.parent.parent / "secret").write_text("secret")
        answer = await browser.get(httpx.URL("http://site").copy_with(raw_path=path.encode()))
        assert answer.status_code == 404
        assert "secret" not in answer.text

    async def test_are_asked_for_again_each_time(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/")).headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize("path", ["/", "/campaigns/clean-water", "/nowhere"])
    async def test_carry_the_security_headers(self, browser: httpx.AsyncClient, path: str) -> None:
        headers = (await browser.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "camera=()" in headers["permissions-policy"]

    async def test_allow_the_scripts_written_into_them_by_their_hashes(
        self, client_folder: Path
    ) -> None:
        text = "window.a = 1;"
        (client_folder / "campaigns.html").write_text(
            f'<script type="module">{text}</script><script src="/a.js"></script>'
        )
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        frontend = Frontend(application(), client_folder, is_page=is_routed(route_of))
        transport = httpx.ASGITransport(app=frontend)
        async with httpx.AsyncClient(transport=transport, base_url="http://site:8000") as client:
            policy = (await client.get("/campaigns")).headers["content-security-policy"]
        assert f"script-src 'self' 'sha256-{digest}';" in policy
        assert "connect-src 'self' ws://site:8000 wss://site:8000;" in policy

    @pytest.mark.parametrize("host", ["a; script-src *", "a b", "", "a'b"])
    async def test_take_nothing_from_a_host_that_is_none(
        self, browser: httpx.AsyncClient, host: str
    ) -> None:
        policy = (await browser.get("/", headers={"host": host})).headers["content-security-policy"]
        assert "connect-src 'self';" in policy


class TestAssets:
    async def test_hashed_ones_are_kept_for_a_year(self, browser: httpx.AsyncClient) -> None:
        headers = (await browser.get("/assets/root-abc.js")).headers
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert headers["content-type"] == "text/javascript; charset=utf-8"

    async def test_others_are_not(self, browser: httpx.AsyncClient) -> None:
        headers = (await browser.get("/icon.svg")).headers
        assert "immutable" not in headers["cache-control"]
        assert headers["content-type"].startswith("image/svg+xml")

    async def test_binary_ones_name_no_charset(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/assets/font.woff2")
        assert answer.headers["content-type"] == "font/woff2"
        assert answer.content == b"\x00font"

    async def test_a_sitemap_of_another_address_is_not_served(
        self, browser: httpx.AsyncClient
    ) -> None:
        assert (await browser.get("/sitemap.xml")).status_code == 404


class TestCompression:
    async def test_is_used_for_who_takes_it(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/", headers={"accept-encoding": "br, gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert "<title>index</title>" in answer.text

    @pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br"])
    async def test_is_left_for_who_does_not(
        self, browser: httpx.AsyncClient, accepted: str
    ) -> None:
        answer = await browser.get("/", headers={"accept-encoding": accepted})
        assert "content-encoding" not in answer.headers
        assert "<title>index</title>" in answer.text

    async def test_is_made_where_the_build_left_none(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/assets/root-abc.js", headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "accept-encoding"

    async def test_never_makes_a_file_larger(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/icon.svg", headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in answer.headers

    async def test_the_length_is_that_of_what_is_sent(self, browser: httpx.AsyncClient) -> None:
        request = browser.build_request("GET", "/", headers={"accept-encoding": "gzip"})
        answer = await browser.send(request, stream=True)
        raw = b"".join([part async for part in answer.aiter_raw()])
        assert int(answer.headers["content-length"]) == len(raw)
        assert gzip.decompress(raw).startswith(b"<!DOCTYPE html>")


class TestConditionalRequests:
    async def test_an_unchanged_file_is_not_sent_again(self, browser: httpx.AsyncClient) -> None:
        etag = (await browser.get("/")).headers["etag"]
        answer = await browser.get("/", headers={"if-none-match": f'"other", W/{etag}'})
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "no-cache"

    async def test_a_changed_file_is(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/", headers={"if-none-match": '"other"'})
        assert answer.status_code == 200

    async def test_the_two_encodings_have_two_tags(self, browser: httpx.AsyncClient) -> None:
        compressed = await browser.get("/", headers={"accept-encoding": "gzip"})
        plain = await browser.get("/", headers=PLAIN)
        assert compressed.headers["etag"] != plain.headers["etag"]

    async def test_a_missing_page_is_never_unchanged(self, browser: httpx.AsyncClient) -> None:
        etag = (await browser.get("/nowhere")).headers["etag"]
        answer = await browser.get("/nowhere", headers={"if-none-match": etag})
        assert answer.status_code == 404


class TestHead:
    async def test_says_what_get_would_without_the_body(self, browser: httpx.AsyncClient) -> None:
        get, head = await browser.get("/", headers=PLAIN), await browser.head("/", headers=PLAIN)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == get.headers["content-length"]


class TestApplication:
    async def test_answers_what_is_no_page(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/ping")).text == "pong"

    async def test_keeps_its_own_404(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/api/none")
        assert answer.status_code == 404
        assert answer.json() == {"errors": {}}

    async def test_gets_a_post_to_the_path_of_a_page(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.post("/campaigns")).text == "posted"


class TestEndpoints:
    @pytest.mark.parametrize(
        ("origin", "socket"),
        [
            ("http://localhost:9000", "ws://localhost:9000/_event"),
            ("https://give.example.org", "wss://give.example.org/_event"),
        ],
    )
    async def test_are_made_from_where_the_page_was_loaded(
        self, browser: httpx.AsyncClient, tmp_path: Path, origin: str, socket: str
    ) -> None:
        script = (await browser.get("/assets/reflex-env-xyz.js")).text
        program = tmp_path / "page.mjs"
        loaded = script.replace("export{e as t};", "console.log(e.PING, e.EVENT, e.TRANSPORT);")
        program.write_text(f"globalThis.location = {{origin: '{origin}'}};\n{loaded}")
        said = await asyncio.to_thread(subprocess.check_output, [bun_binary(), program], text=True)
        assert said.split() == [f"{origin}/ping", socket, "websocket"]

    async def test_refuses_a_build_without_them(self, client_folder: Path) -> None:
        (client_folder / "assets" / "reflex-env-xyz.js").write_text("export{};")
        with pytest.raises(ConfigError, match="holds no address"):
            Frontend(application(), client_folder, is_page=is_routed(route_of))


class TestIncompleteBuild:
    async def test_is_refused_with_what_to_do(self, client_folder: Path) -> None:
        (client_folder / "404.html").unlink()
        with pytest.raises(ConfigError, match="Build it again"):
            Frontend(application(), client_folder, is_page=is_routed(route_of))
