"""How every route of this door is run: its time measured, its errors translated."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from financial_live import limits, telemetry
from financial_live.limits import Verdict
from financial_live.rest.errors import error_response


class Json(Response):
    """An answer in JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return ``content`` as bytes. Raises TypeError for what JSON has not, such as Decimal."""
        return orjson.dumps(content)


class _Route(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def run(request: Request) -> Response:
            with telemetry.dispatch(request.scope, self.path), limits.noted() as verdicts:
                try:
                    answer = await handler(request)
                # The last place that knows this request; a defect is logged there.
                except Exception as error:  # noqa: BLE001
                    answer = error_response(error)
            answer.headers.update(limit_headers(verdicts))
            return _without_body(answer) if request.method == "HEAD" else answer

        return run


def limit_headers(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Return how often the caller may ask, and what is left of it.

    As the IETF's draft "RateLimit header fields for HTTP" (version 10) writes them: ``q`` is how
    many there are, ``w`` in how many seconds all of them come back, ``r`` what is left, ``t`` in
    how many seconds nothing will be used any more.
    """
    if not verdicts:
        return {}
    policies = (f'"{v.policy}";q={v.rate.burst};w={v.rate.window_s}' for v in verdicts)
    left = (f'"{v.policy}";r={v.remaining};t={v.reset_s}' for v in verdicts)
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


def _without_body(answer: Response) -> Response:
    """Return ``answer`` with the headers that it has, its body's length too."""
    answer.body = b""
    return answer


def new_router(*dependencies: Any, tag: str | None = None) -> APIRouter:
    """Return an empty router of this door, whose routes ask ``dependencies`` first."""
    return APIRouter(
        route_class=_Route,
        dependencies=list(dependencies),
        tags=[tag] if tag else None,
        generate_unique_id_function=lambda route: route.name,
    )


def heads_of(routers: Sequence[APIRouter]) -> APIRouter:
    """Return a router that answers HEAD wherever one of ``routers`` answers GET."""
    heads = APIRouter(route_class=_Route, include_in_schema=False)
    for route in served_by(routers):
        if "GET" in (route.methods or ()):
            heads.add_api_route(
                route.path, route.endpoint, methods=["HEAD"], dependencies=route.dependencies
            )
    return heads


def served_by(routers: Sequence[APIRouter]) -> list[APIRoute]:
    """Return the routes of these routers."""
    return [r for router in routers for r in router.routes if isinstance(r, APIRoute)]


def template(address: Callable[..., str], *parts: str) -> str:
    """Turn a function of ``routes`` into the path of a route: ``/api/donations/{id}``.

    ``parts`` are the names of what the address takes after the id.
    """
    return unquote(address("{id}", *(f"{{{part}}}" for part in parts)))
