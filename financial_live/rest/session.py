"""Where a browser's cookie is set and forgotten: the two requests of the site's own pages.

A page checks a password over its socket, which can set no cookie. It gets a ticket instead, which
lives for a minute and works once, and brings it here.
"""

from typing import Annotated, Any

from fastapi import Depends, Request, Response
from starlette.exceptions import HTTPException

from financial_live import cookies, routes
from financial_live.config import is_loopback_host
from financial_live.contexts import accounts
from financial_live.rest.dispatch import new_router
from financial_live.rest.parsing import (
    Caller,
    body_of,
    client_address,
    count_request,
    host_of,
    token_of,
)
from financial_live.scope import Scope

router = new_router()

SessionBody = Annotated[dict[str, Any], Depends(body_of("session"))]


@router.post(routes.SESSION, include_in_schema=False, dependencies=[Depends(count_request)])
async def create(request: Request, body: SessionBody) -> Response:
    """Begin the session that a ticket stands for, set its cookie, and end the one before it."""
    host = host_of(request)
    _require_safe_line(request, host)
    scope = Scope.visitor(caller="web")
    begun = await accounts.redeem_handover(
        scope,
        str(body.get("ticket", "")),
        address=client_address(request),
        agent=request.headers.get("user-agent", ""),
    )
    before = token_of(request)
    if before and (known := await accounts.session_scope(before)):
        await accounts.log_out(known)
    max_age_s = int(accounts.SESSION_LIFETIME.total_seconds())
    cookie = cookies.set_cookie(begun.token, host=host, max_age_s=max_age_s)
    return Response(status_code=204, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})


@router.delete(routes.SESSION, include_in_schema=False)
async def delete(request: Request, scope: Caller) -> Response:
    """End the caller's session, and forget its cookie."""
    if scope.session_id is not None:
        await accounts.log_out(scope)
    cookie = cookies.set_cookie("", host=host_of(request), max_age_s=0)
    return Response(status_code=204, headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})


def _require_safe_line(request: Request, host: str) -> None:
    """Refuse to send a session over a line that anybody may read."""
    origin = request.headers.get("origin", "").lower()
    if origin.startswith("http:") and not is_loopback_host(host):
        raise HTTPException(
            409,
            "This address is not encrypted, so nobody can log in by it. Open the site by https://, "
            "or by localhost on the machine that runs it.",
        )
