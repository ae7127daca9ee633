"""Who may talk to the server: pages of its own, and of the origins the settings list.

A browser sends ``Origin`` with every request that changes something and with every WebSocket.
A foreign one is refused, so that another site cannot act for a visitor who has both open.
Programs send none, and are not browsers that could be tricked.

An instance for its own machine alone also looks at ``Host``: a foreign site may have its own name
resolve to 127.0.0.1, and would then pass for the same origin.
"""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from financial_live.config import is_loopback_host

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PROXY_HEADERS = (b"forwarded", b"via", b"x-real-ip", b"cf-connecting-ip", b"x-forwarded-")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class OriginGate:
    """Refuses foreign origins before anything else sees the request."""

    def __init__(self, app: ASGIApp, *, allowed: tuple[str, ...], only_loopback: bool) -> None:
        self._app = app
        self._allowed = frozenset(allowed)
        self._allowed_hosts = {urlsplit(origin).hostname for origin in allowed}
        self._only_loopback = only_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif refusal := self._refusal(scope):
            await _refuse(refusal, scope, receive, send)
        else:
            await self._app(self._without_foreign_origin(scope), receive, send)

    def allows(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may use the server reached as ``host``.

        A site listed with TLS has no other pages: who can write into the line makes up those.
        """
        plain = origin.lower()
        if plain in self._allowed:
            return True
        return plain.replace("http:", "https:", 1) not in self._allowed and is_same_site(
            plain, host
        )

    def _refusal(self, scope: Scope) -> str | None:
        host = _only(scope, b"host")
        if self._only_loopback and _is_passed_on(scope):
            return (
                "This server serves its own machine only, and a proxy passed this on. List the "
                "site's origin in ALLOWED_ORIGINS, or set FINANCIAL_LIVE_ENV=production."
            )
        if self._only_loopback and not self._is_expected_host(host):
            return (
                f"This server serves its own machine only and was asked for as {host[:100]!r}. "
                "Use localhost, or list the site's origin in ALLOWED_ORIGINS."
            )
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if changes and self._is_foreign(scope, host):
            return "Requests from another site are refused. List its origin in ALLOWED_ORIGINS."
        return None

    def _is_foreign(self, scope: Scope, host: str) -> bool:
        return _has(scope, b"origin") and not self.allows(_only(scope, b"origin"), host)

    def _is_expected_host(self, host: str) -> bool:
        # HTTP/1.0 programs send none; every browser does.
        name = _hostname(host)
        return not host or is_loopback_host(name) or name in self._allowed_hosts

    def _without_foreign_origin(self, scope: Scope) -> Scope:
        """Hide a foreign origin that only reads, so that no inner part answers it with CORS."""
        if not self._is_foreign(scope, _only(scope, b"host")):
            return scope
        headers = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        return {**scope, "headers": headers}


def is_same_site(origin: str, host: str) -> bool:
    """Whether this Origin is the site that the Host header names.

    The scheme is not compared: behind a proxy that ends TLS it differs.
    """
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default is None or not parts.hostname:
        return False
    return (parts.hostname, port or default) == (_hostname(host), _port(host) or default)


def allows_environ(gate: OriginGate, origin: str | None, environ: Mapping[str, str]) -> bool:
    """Apply the same rule where the event socket checks origins itself."""
    return origin is None or gate.allows(origin, environ.get("HTTP_HOST", ""))


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host.lower()}").hostname or ""
    except ValueError:
        return ""


def _port(host: str) -> int | None:
    try:
        return urlsplit(f"//{host}").port
    except ValueError:
        return None


def _has(scope: Scope, name: bytes) -> bool:
    return any(key == name for key, _ in scope["headers"])


def _is_passed_on(scope: Scope) -> bool:
    """Whether a proxy says that it passes on the request of somebody else."""
    return any(name.startswith(_PROXY_HEADERS) for name, _ in scope["headers"])


def _only(scope: Scope, name: bytes) -> str:
    """Return the header's value; a repeated one is joined, and so matches nothing."""
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


async def _refuse(detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        # Closing before accepting makes the server answer the handshake with 403.
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    body = json.dumps({"errors": {"detail": detail}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
