"""What goes wrong, as this door says it. The only place that knows."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from financial_live.errors import (
    AppError,
    Invalid,
    MissingScope,
    TooMany,
    Unauthorized,
    Unavailable,
)

_log = logging.getLogger(__name__)

_RETRY_AFTER_S = "1"


def error_response(error: Exception) -> Response:
    """Return the answer to a request that raised ``error``; logs what is a defect of ours."""
    match error:
        case Invalid():
            return _response(error.status, error.fields)
        case Unavailable():
            headers = {"Retry-After": _RETRY_AFTER_S}
            return _response(error.status, {"detail": error.message}, headers)
        case MissingScope():
            challenge = f'Bearer error="insufficient_scope", scope="{error.scope}"'
            return _response(
                error.status, {"detail": error.message}, {"WWW-Authenticate": challenge}
            )
        case Unauthorized():
            return _response(
                error.status, {"detail": error.message}, {"WWW-Authenticate": "Bearer"}
            )
        case TooMany():
            headers = {"Retry-After": str(error.retry_after_s)}
            return _response(error.status, {"detail": error.message}, headers)
        case AppError():
            return _response(error.status, {"detail": error.message})
        case HTTPException():
            return _response(error.status_code, {"detail": error.detail}, error.headers)
        case ClientDisconnect():
            # Nobody reads this; it only keeps a lost connection from looking like a defect.
            return _response(400, {"detail": "The request was not sent completely."})
    _log.error("a request failed unexpectedly", exc_info=error)
    return _response(500, {"detail": "Internal Server Error"})


def _response(
    status: int, errors: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps({"errors": errors}),
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/json",
    )
