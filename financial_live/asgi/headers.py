"""What holds for every request: no doubt about where it ends, and what its answer tells browsers.

A page brings a policy of its own (``static``). Whatever else is answered is data, and is nothing to
be run, framed or kept: it may name people. A part that knows better sets the header itself.

Where a request's length is told in two ways, a proxy in front may believe the other one, and take
what is the end of this request for the beginning of somebody else's. So it is refused.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEFAULTS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# A year, as those who keep lists of such sites ask for. Subdomains are not ours to speak for.
_ONLY_TLS = "max-age=31536000"
_BOTH = "Send a Content-Length or a Transfer-Encoding, not both."


class Headers:
    """Adds to each answer the headers it lacks; with ``is_https``, that TLS alone leads here."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        defaults = DEFAULTS | ({"strict-transport-security": _ONLY_TLS} if is_https else {})
        self._defaults = [(name.encode(), value.encode()) for name, value in defaults.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_defaults(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                lacking = [header for header in self._defaults if header[0] not in names]
                message["headers"] = given + lacking
            await send(message)

        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
            await _refuse(send_with_defaults)
        else:
            await self._app(scope, receive, send_with_defaults)


async def _refuse(send: Send) -> None:
    """Answer 400 and close: whatever follows on this connection is nobody's request."""
    body = b'{"errors":{"detail":"%s"}}' % _BOTH.encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
