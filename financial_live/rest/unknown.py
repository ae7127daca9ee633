"""What no route serves below /api, answered here in JSON, not by the site's pages; and OPTIONS."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from financial_live import routes
from financial_live.rest.dispatch import served_by
from financial_live.rest.errors import error_response


class Unknown(BaseRoute):
    """The route to add after ``known``: 405 where one of their paths is asked, else 404.

    It takes any method, and any path below /api: patterns of routes leave out those with a line
    break. It is none of ours to measure, so that telemetry counts it as unmatched.
    """

    def __init__(self, known: Sequence[APIRouter]) -> None:
        self._served = served_by(known)
        self._paths = {route.path for route in self._served}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether no other address of the site can be meant."""
        is_ours = scope["type"] == "http" and (
            scope["path"] in self._paths or scope["path"].startswith(f"{routes.API}/")
        )
        return (Match.FULL if is_ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path: str = request.scope["path"]
        matching = [route for route in self._served if route.path_regex.match(path)]
        methods = {"OPTIONS"}.union(*(route.methods or () for route in matching))
        if not matching or request.method in methods - {"OPTIONS"}:
            return error_response(HTTPException(404, f"There is nothing at {path[:200]!r}."))
        allowed = ", ".join(sorted(methods))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed})
        message = f"{request.method[:20]} is not served here; use {allowed}."
        return error_response(HTTPException(405, message, {"Allow": allowed}))
