"""The built frontend as an ASGI layer in front of the application.

All files are read once, so a request can only name what is there: no path leads out of the
folder. What has a hash in its name may be kept for a year, pages must be asked for again, and
the one file with the server's address in it takes the address from the page that loads it: one
build serves any host, port and scheme.

While workers are replaced by those of another build, a page of one asks the other for its files. So
what has a hash in its name is also looked for among the builds of the same data folder.
"""

import base64
import contextlib
import gzip
import hashlib
import mimetypes
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from financial_live.asgi.build import CLIENT
from financial_live.errors import ConfigError

IsPage = Callable[[str], bool]
IsGone = Callable[[str], Awaitable[bool]]
Headers = list[tuple[bytes, bytes]]

_ENDPOINT = re.compile(rb"""([`"'])(https?|wss?)://[^/`"']+(/[^`"']*)\1""")
_FALLBACK = "/__spa-fallback.html"
_NOT_FOUND = "/404.html"
# Made for another address by the build, so nobody is served it.
_UNSERVED = frozenset({"/sitemap.xml"})
_ENDPOINTS = "/assets/reflex-env-*.js"
_ASSET = re.compile(r"/assets/[\w-][\w.-]*")
_COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg")
_SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
# A page runs our own files and the scripts that the build wrote into it, known by their hashes. The
# styles of what changes are written into elements, so they cannot be known.
_POLICY = (
    "default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'{sockets}; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[\da-f:]+\](:\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    compressed: bytes | None
    etag: str
    kind: str
    headers: tuple[tuple[bytes, bytes], ...]
    scripts: str | None = None
    """Of a page: the hashes of the scripts in it, as a policy lists them."""


class Frontend:
    """Serves the frontend's files and pages; everything else goes to the application."""

    def __init__(
        self,
        app: ASGIApp,
        client: Path,
        *,
        is_page: IsPage,
        is_gone: IsGone | None = None,
        builds: Path | None = None,
    ) -> None:
        self._app = app
        self._is_gone = is_gone
        self._builds = builds
        self._files = {_path_of(file, client): _read(file, client) for file in _files(client)}
        self._is_page = is_page
        for needed in (_FALLBACK, _NOT_FOUND, "/index.html"):
            if needed not in self._files:
                raise ConfigError(f"The frontend in {client} has no {needed}. Build it again.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        elif file := self._find(scope["path"]):
            await _answer(file, await self._status(file, scope["path"]), scope, send)
        else:
            await self._pass_on(scope, receive, send)

    async def _status(self, file: _File, path: str) -> int:
        """Return 404 for the page of something that is not there; the page then says so itself."""
        if file is not self._files[_FALLBACK] or self._is_gone is None:
            return 200
        return 404 if await self._is_gone(path) else 200

    def _find(self, path: str) -> _File | None:
        if not path.endswith(".html") and (file := self._files.get(path)):
            return file
        if self._builds is not None and _ASSET.fullmatch(path):
            return self._from_another(self._builds, path)
        if "//" in path or not self._is_page(path):
            return None
        name = path.rstrip("/") or "/index"
        return self._files.get(f"{name}.html") or self._files[_FALLBACK]

    def _from_another(self, builds: Path, path: str) -> _File | None:
        for build in builds.iterdir():
            client = build / CLIENT
            file = client / path.removeprefix("/")
            # The oldest build may be removed while we look, and a name longer than any file's.
            with contextlib.suppress(OSError):
                if (client / "index.html").is_file() and file.is_file():
                    return self._files.setdefault(path, _read(file, client))
        return None

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer; where it has nothing a person could read, show our 404."""
        replaced = False

        async def send_or_replace(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_bare_404(message):
                replaced = True
                await _answer(self._files[_NOT_FOUND], 404, scope, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, send_or_replace)


def is_routed(route_of: Callable[[str], str | None]) -> IsPage:
    """Make the question "is this a page?" out of the application's own router."""
    return lambda path: route_of(path) not in (None, "404")


def _files(client: Path) -> list[Path]:
    every = (path for path in client.rglob("*") if path.is_file() and path.suffix != ".gz")
    return [path for path in every if _path_of(path, client) not in _UNSERVED]


def _path_of(file: Path, client: Path) -> str:
    return "/" + file.relative_to(client).as_posix()


def _read(file: Path, client: Path) -> _File:
    content, path = file.read_bytes(), _path_of(file, client)
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    sidecar = file.with_name(f"{file.name}.gz")
    compressed = sidecar.read_bytes() if sidecar.is_file() else None
    if fnmatch(path, _ENDPOINTS):
        content, compressed = _own_endpoints(content, path), None
    if compressed is None and kind.startswith(_COMPRESSIBLE):
        compressed = gzip.compress(content, mtime=0)
    return _File(
        content=content,
        compressed=compressed if compressed and len(compressed) < len(content) else None,
        etag=hashlib.sha256(content).hexdigest()[:20],
        kind=f"{kind}; charset=utf-8" if kind.startswith(_COMPRESSIBLE) else kind,
        headers=tuple(_headers(path, kind)),
        scripts=_hashes(content) if kind == "text/html" else None,
    )


def _hashes(page: bytes) -> str:
    """Return the hashes of the page's inline scripts, which a policy then allows."""
    inline = (text for attributes, text in _SCRIPT.findall(page) if b"src=" not in attributes)
    digests = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in inline)
    return " ".join(f"'sha256-{digest}'" for digest in dict.fromkeys(digests))


def _policy(scripts: str, host: str) -> bytes:
    """Return a page's Content-Security-Policy; older browsers take 'self' for no WebSocket."""
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return _POLICY.format(scripts=scripts, sockets=sockets).encode()


def _headers(path: str, kind: str) -> Headers:
    if kind == "text/html":
        return [(b"cache-control", b"no-cache"), *_SECURITY]
    hashed = path.startswith("/assets/")
    cache = b"public, max-age=31536000, immutable" if hashed else b"public, max-age=3600"
    return [(b"cache-control", cache), (b"x-content-type-options", b"nosniff")]


def _own_endpoints(content: bytes, path: str) -> bytes:
    """Replace each address of the build by one made from where the page was loaded."""

    def from_location(found: re.Match[bytes]) -> bytes:
        is_socket = found[2].startswith(b"ws")
        origin = b'location.origin.replace(/^http/,"ws")' if is_socket else b"location.origin"
        return origin + b'+"' + found[3] + b'"'

    replaced, count = _ENDPOINT.subn(from_location, content)
    if not count:
        raise ConfigError(f"{path} holds no address to replace. Build the frontend again.")
    return replaced


async def _answer(file: _File, status: int, scope: Scope, send: Send) -> None:
    asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
    body, etag, headers = file.content, f'"{file.etag}"', list(file.headers)
    if file.scripts is not None:
        policy = _policy(file.scripts, asked.get(b"host", ""))
        headers.append((b"content-security-policy", policy))
    if file.compressed is not None:
        headers.append((b"vary", b"accept-encoding"))
        if _accepts_gzip(asked.get(b"accept-encoding", "")):
            body, etag = file.compressed, f'"{file.etag}-gz"'
            headers.append((b"content-encoding", b"gzip"))
    headers.append((b"etag", etag.encode()))
    if status == 200 and _knows(asked.get(b"if-none-match", ""), etag):
        kept = [one for one in headers if one[0] != b"content-encoding"]
        await _send(304, kept, b"", send)
        return
    headers += [(b"content-type", file.kind.encode()), (b"content-length", b"%d" % len(body))]
    await _send(status, headers, b"" if scope["method"] == "HEAD" else body, send)


async def _send(status: int, headers: Headers, body: bytes, send: Send) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _accepts_gzip(header: str) -> bool:
    for part in header.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if name in ("gzip", "*"):
            return weight.strip("0.") != "" if weight else True
    return False


def _knows(header: str, etag: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in known or etag in known


def _is_bare_404(message: Message) -> bool:
    kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    return message["status"] == 404 and (not kinds or kinds[0].startswith(b"text/plain"))
