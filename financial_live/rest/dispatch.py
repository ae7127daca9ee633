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
                    response = await handler(request)
                # The last place that knows this request; a defect is logged there.
                except Exception as error:  # noqa: BLE001
                    response = error_response(error)
            response.headers.update(limit_headers(verdicts))
            return response

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


def new_router() -> APIRouter:
    """Return an empty router of this door."""
    return APIRouter(route_class=_Route)


def template(address: Callable[[str], str]) -> str:
    """Turn a function of ``routes`` into the path of a route: ``/api/donations/{id}``."""
    return unquote(address("{id}"))
