"""What a request says: who asks, what they accept, and what its JSON body holds."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Header, Request
from pydantic import WithJsonSchema
from starlette.exceptions import HTTPException

from financial_live import cookies, limits
from financial_live.config import get_settings, visitor_address
from financial_live.contexts import accounts
from financial_live.contexts.idempotency_keys import KEY_LENGTH
from financial_live.errors import Unauthorized
from financial_live.limits import Policy
from financial_live.scope import Scope

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 32
BODY_TIMEOUT_S = 10.0
CSRF_HEADER = "X-CSRF-Token"
EVENT_STREAM = "text/event-stream"
_JSON = "application/json"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What fits 64 bits; longer whole numbers are no counts, but may be amounts.
_MAX_INT_DIGITS = 18


def client_address(request: Request) -> str:
    """Return where a request comes from, as far as our own proxies tell."""
    peer = request.client.host if request.client else "unknown"
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    return visitor_address(forwarded, peer, hops=get_settings().proxy_hops)


def host_of(request: Request) -> str:
    """Return the name by which the server was reached, without its port; empty if it is none."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def token_of(request: Request) -> str | None:
    """Return the session's token that the request's cookie holds."""
    header = "; ".join(request.headers.getlist("cookie"))
    return cookies.session_token(header, host=host_of(request))


def visitor_of(request: Request) -> Scope:
    """Return the scope of whoever asks, as if they had said nothing of who they are."""
    return _visitor_at(client_address(request))


def _visitor_at(address: str) -> Scope:
    return Scope(caller=f"api:{address}", address=address)


async def _caller(request: Request) -> Scope:
    """Return who asks: whose API token it is, or else whose cookie, else a visitor.

    Raises TooMany, and HTTPException: status 401 for a token that is none or has ended.
    """
    secret = _bearer_of(request)
    by_token = [] if secret is None else [limits.by_token(secret)]
    await limits.take(limits.by_address(Policy.REQUESTS, client_address(request)), *by_token)
    scope = await caller_now(request)
    if scope is None:
        raise HTTPException(
            401,
            "This token is unknown, has expired or was revoked.",
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return scope


async def caller_now(request: Request) -> Scope | None:
    """Return who asks, as they are now; None for a token that is none or has ended.

    A cookie that is nobody's is a visitor's. Raises Unavailable.
    """
    address = client_address(request)
    secret = _bearer_of(request)
    if secret is None:
        member = await _browser(request)
        return member.at(address) if member else _visitor_at(address)
    scope = await accounts.token_scope(secret, address=address)
    return scope and scope.at(address)


def _bearer_of(request: Request) -> str | None:
    """Return the token of the Authorization header; None where that is of another scheme.

    A proxy in front may have its own: Basic, for a site that is not public yet.
    """
    for header in request.headers.getlist("authorization"):
        scheme, *secret = header.split(None, 1) or [""]
        if scheme.lower() == "bearer":
            return "".join(secret).strip()
    return None


async def _browser(request: Request) -> Scope | None:
    """Return whose cookie it is, if anybody's.

    A browser sends the cookie whoever makes it ask, so what changes something must bring the
    session's CSRF token too. Raises HTTPException with status 403 if it does not.
    """
    token = token_of(request)
    scope = await accounts.session_scope(token) if token else None
    if scope is None or token is None:
        return None
    given = request.headers.get(CSRF_HEADER, "")
    if request.method not in _SAFE and not cookies.is_csrf_token(given, session=token):
        raise HTTPException(403, f"Send this session's CSRF token in the header {CSRF_HEADER}.")
    return scope


Caller = Annotated[Scope, Depends(_caller)]


async def count_request(request: Request) -> None:
    """Count what is asked whoever asks, before its body is read. Raises TooMany."""
    await limits.take(limits.by_address(Policy.REQUESTS, client_address(request)))


async def _member(scope: Caller) -> Scope:
    """Return who asks for what no visitor may, before anything else of the request is read.

    Raises Unauthorized. What a member may is for the context to say.
    """
    if scope.user_id is None:
        raise Unauthorized("Log in, or send a token of your account.")
    return scope


Member = Annotated[Scope, Depends(_member)]
IdempotencyKey = Annotated[
    str | None,
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": KEY_LENGTH}),
    Header(
        alias="Idempotency-Key",
        description="Chosen by you for one thing to make: a request repeated with it within 24 "
        "hours gets the first answer, with another body 409.",
    ),
]


async def require_json_accepted(request: Request) -> None:
    """Raise HTTPException with status 406 if the caller accepts no JSON, all that we speak."""
    _require_accepted(request, _JSON)


async def require_events_accepted(request: Request) -> None:
    """Raise HTTPException with status 406 if the caller accepts no stream of events."""
    _require_accepted(request, EVENT_STREAM)


def _require_accepted(request: Request, kind: str) -> None:
    header = ", ".join(request.headers.getlist("accept"))
    if header.strip() and not _accepts(header, kind):
        raise HTTPException(406, f"Only {kind} is served here; send Accept: {kind}.")


def _accepts(header: str, served: str) -> bool:
    """Whether the most exact range of an Accept header that covers a type does not exclude it."""
    weights: dict[str, str] = {}
    for part in header.lower().split(","):
        kind, *parameters = (text.strip() for text in part.split(";"))
        weights[kind] = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    ranges = (served, f"{served.partition('/')[0]}/*", "*/*")
    covering = (weights[kind] for kind in ranges if kind in weights)
    return next(covering, "0").strip("0.") != ""


def _require_json_body(request: Request) -> None:
    """Raise HTTPException with status 415 for a body that says it is no JSON in UTF-8."""
    kind, *parameters = request.headers.get("content-type", _JSON).lower().split(";")
    charsets = [p.strip()[8:].strip('"') for p in parameters if p.strip().startswith("charset=")]
    coding = request.headers.get("content-encoding", "identity").lower()
    if kind.strip() != _JSON or set(charsets) - {"utf-8"} or coding != "identity":
        raise HTTPException(415, f"Send JSON in UTF-8, not compressed, as Content-Type: {_JSON}.")


def body_of(
    name: str, *, most_bytes: int = MAX_BODY_BYTES
) -> Callable[[Request], Coroutine[Any, Any, dict[str, Any]]]:
    """Return the dependency that reads the object under ``name`` of a JSON body.

    It raises HTTPException: 400 for what is no such JSON, 413 beyond ``most_bytes``, 415 for what
    says that it is something else.
    """

    async def read(request: Request) -> dict[str, Any]:
        _require_json_body(request)
        body = parse_json(await _read(request, most_bytes))
        wrapped = body.get(name) if isinstance(body, dict) else None
        if not isinstance(wrapped, dict):
            raise HTTPException(400, f'Send an object under "{name}": {{"{name}": {{…}}}}.')
        return wrapped

    return read


async def _read(request: Request, most_bytes: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    message = f"The body is too large; send at most {most_bytes} bytes."
                    raise HTTPException(413, message)
    except TimeoutError:
        message = f"The body did not arrive within {BODY_TIMEOUT_S:.0f} s."
        raise HTTPException(408, message, {"Connection": "close"}) from None
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """Read JSON exactly: numbers with a fraction become Decimal, and NaN is refused.

    Raises HTTPException with status 400 for what is not JSON.
    """
    try:
        return _refuse_depth(
            json.loads(
                body.decode(),
                parse_int=_whole_number,
                parse_float=Decimal,
                parse_constant=_refuse_constant,
            )
        )
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise HTTPException(400, f"The body is not valid JSON: {_reason(error)}") from error


def _whole_number(text: str) -> int | Decimal:
    return int(text) if len(text) <= _MAX_INT_DIGITS else Decimal(text)


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number in JSON.")


def _reason(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return "it is not UTF-8 text."
        case json.JSONDecodeError():
            return f"{error.msg} at line {error.lineno}, column {error.colno}."
        case RecursionError():
            return "it is nested too deeply."
        case InvalidOperation():
            return "a number is out of any range."
    return str(error)


def _refuse_depth(parsed: Any) -> Any:
    """Return ``parsed``. Raises ValueError if it is nested deeper than anything sent here is."""
    level = [parsed]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return parsed
    raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
