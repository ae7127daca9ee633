"""Addresses below /api that no route serves: answered here, in JSON, not by the site's pages."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from financial_live import routes
from financial_live.rest.errors import error_response

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_router(known: Sequence[APIRouter]) -> APIRouter:
    """Return the router to include after ``known``: 405 where one of its paths is asked, else 404.

    Its routes are none of ours to measure, so that telemetry counts them as unmatched.
    """
    served = [route for router in known for route in router.routes if isinstance(route, APIRoute)]
    router = APIRouter()

    @router.api_route(routes.API + "/{rest:path}", methods=_METHODS)
    async def unknown(request: Request) -> Response:
        path: str = request.scope["path"]
        matching = (route for route in served if route.path_regex.match(path))
        allowed = {method for route in matching for method in route.methods or ()}
        if not allowed:
            return error_response(HTTPException(404, f"There is nothing at {path[:200]!r}."))
        methods = ", ".join(sorted(allowed))
        return error_response(
            HTTPException(
                405, f"{request.method} is not served here; use {methods}.", {"Allow": methods}
            )
        )

    return router
