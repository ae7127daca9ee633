"""How every route of this door is run: its time measured, its errors translated."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from financial_live import telemetry
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
            with telemetry.dispatch(request.scope, self.path):
                try:
                    return await handler(request)
                # The last place that knows this request; a defect is logged there.
                except Exception as error:  # noqa: BLE001
                    return error_response(error)

        return run


def new_router() -> APIRouter:
    """Return an empty router of this door."""
    return APIRouter(route_class=_Route)


def template(address: Callable[[str], str]) -> str:
    """Turn a function of ``routes`` into the path of a route: ``/api/donations/{id}``."""
    return unquote(address("{id}"))
