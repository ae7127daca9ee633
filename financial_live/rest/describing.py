"""What a route takes and answers, in the words of OpenAPI.

Schemas are named here and made in ``description`` of the types that the contexts check input by and
that this door writes answers as.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("The request cannot be read.", "page is no whole number: 'abc'."),
    401: ("Credentials are missing, or not valid.", "Log in to start a campaign."),
    403: ("The caller is not allowed to do this.", "You are not allowed to start a campaign."),
    404: ("It is not there, or not for this caller to see.", "There is no campaign 'nothing'."),
    406: ("Nothing that Accept allows is served here.", "Only application/json is served here."),
    408: ("The body did not arrive in time.", "The body did not arrive within 10 s."),
    409: (
        "It conflicts with how things are now; the message says why.",
        "This gift is approved and counted. Refund instead.",
    ),
    412: (
        "It was changed since the tag in If-Match was read.",
        "This campaign was changed by somebody else.",
    ),
    413: ("The body is too large.", "The body is too large; send at most 65536 bytes."),
    415: ("The body is no JSON in UTF-8.", "Send JSON in UTF-8 as Content-Type: application/json."),
    429: ("Too many requests.", "Too many requests; try again in 2 s."),
    503: ("The database cannot be reached right now.", "The database does not answer."),
}
NULL = "\0null"
SECURITY: list[dict[str, list[str]]] = [{"token": []}, {"session": [], "csrf": []}]
"""The ways to say who asks."""
ANYBODY: list[dict[str, list[str]]] = [{}]
"""It does not matter who asks, and what is sent of that is not looked at."""

ASKING = (400, 403, 406, 408, 413, 415, 422, 429, 503)
"""What may come of a body that anybody sends."""
_ALWAYS = (401, 403, 406, 429, 503)
LISTING = (*_ALWAYS, 400, 422)
SHOWING = (*_ALWAYS, 404)
ACTING = (*SHOWING, 400, 409, 412)
"""What may come of an act on a gift that takes no body."""
FOLLOWING = (*SHOWING, 400)
LISTING_OF_ONE = (*LISTING, 404)
ENTERING = (*_ALWAYS, 400, 408, 413, 415, 422)
MAKING = (*ENTERING, 409)
MAKING_IN_ONE = (*MAKING, 404)
CHANGING = (*MAKING_IN_ONE, 412)
DELETING = (*_ALWAYS, 400, 404, 409, 412)

_RETRY_AFTER = {
    "description": "In how many seconds to try again.",
    "schema": {"type": "integer", "minimum": 1},
}
_RATE_LIMIT = {
    "description": "What is left of each limit (draft-ietf-httpapi-ratelimit-headers).",
    "schema": {"type": "string"},
}
_RATE_LIMIT_POLICY = {
    "description": "The limits that hold: how many requests, in how many seconds (the same draft).",
    "schema": {"type": "string"},
}
_ERROR_HEADERS: Mapping[int, Schema] = {
    429: {
        "Retry-After": _RETRY_AFTER,
        "RateLimit": _RATE_LIMIT,
        "RateLimit-Policy": _RATE_LIMIT_POLICY,
    },
    503: {"Retry-After": _RETRY_AFTER},
}
_HEADERS: Mapping[str, str] = {
    "ETag": "The tag of what is answered, for If-None-Match and If-Match.",
    "Link": "Where the first, previous, next and last part of the list are (RFC 8288).",
    "Location": "Where it is now.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers when all is well; without a schema it has no body.

    ``leads_to`` are the routes that take the id of what is answered.
    """

    status: int
    words: str
    schema: Schema | None = None
    example: Any = None
    headers: tuple[str, ...] = ()
    leads_to: tuple[str, ...] = ()
    media_type: str = "application/json"


def ref(name: str) -> Schema:
    """Refer to a schema of ``description``."""
    return {"$ref": f"#/components/schemas/{name}"}


def data(inner: Schema, **beside: Schema) -> Schema:
    """Return the schema of an answer: ``inner`` under "data", and what stands beside it."""
    properties = {"data": inner, **beside}
    return {"type": "object", "required": [*properties], "properties": properties}


_COUNT = {"type": "integer", "minimum": 0}
_CURSOR = {"type": ["string", "null"]}


def page_of(name: str) -> Schema:
    """Return the schema of a page of a list."""
    rows = {"type": "array", "items": ref(name)}
    return data(rows, page=_COUNT, per_page=_COUNT, total=_COUNT)


def stretch_of(name: str) -> Schema:
    """Return the schema of what is beside a cursor."""
    rows = {"type": "array", "items": ref(name)}
    return data(rows, per_page=_COUNT, before=_CURSOR, after=_CURSOR)


def described(
    answer: Answer,
    *,
    errors: Iterable[int],
    takes: tuple[str, str, Mapping[str, Any]] | None = None,
    is_public: bool = False,
    callers: list[dict[str, list[str]]] = SECURITY,
) -> dict[str, Any]:
    """Return what FastAPI wants to know of a route.

    ``takes`` is the wrapper of the body, the name of its schema, and an example. What is not
    public needs a token, or a session with its proof.
    """
    extra: Schema = {"security": [*([{}] if is_public else []), *callers]}
    if takes is not None:
        extra["requestBody"] = _body(*takes)
    is_read = takes is None and "ETag" in answer.headers
    known = {304: {"description": "The caller has it already."}} if is_read else {}
    return {
        "status_code": answer.status,
        "response_description": answer.words,
        "responses": {
            answer.status: _success(answer),
            **known,
            **{status: _error(status) for status in sorted(errors)},
        },
        "openapi_extra": extra,
    }


def _body(wrapper: str, name: str, example: Mapping[str, Any]) -> Schema:
    schema = {"type": "object", "required": [wrapper], "properties": {wrapper: ref(name)}}
    content = {"schema": schema, "example": {wrapper: dict(example)}}
    return {"required": True, "content": {"application/json": content}}


def _success(answer: Answer) -> Schema:
    found: Schema = {
        "headers": {
            name: {"description": _HEADERS[name], "schema": {"type": "string"}, "required": True}
            for name in answer.headers
        }
    }
    if answer.leads_to:
        found["links"] = {
            name: {"operationId": name, "parameters": {"id": "$response.body#/data/id"}}
            for name in answer.leads_to
        }
    if answer.schema is not None:
        content = {"schema": answer.schema, "example": _kept(answer.example)}
        found["content"] = {answer.media_type: content}
    return found


def _kept(example: Any) -> Any:
    """Return an example with ``NULL`` for its nulls, which FastAPI would leave out."""
    match example:
        case None:
            return NULL
        case dict():
            return {name: _kept(value) for name, value in example.items()}
        case list():
            return [_kept(value) for value in example]
    return example


def with_nulls(described: Any) -> Any:
    """Return what was described with its nulls where ``NULL`` stands for them."""
    match described:
        case dict():
            return {name: with_nulls(value) for name, value in described.items()}
        case list():
            return [with_nulls(value) for value in described]
    return None if described == NULL else described


def _error(status: int) -> Schema:
    if status == 422:
        words, name = "Fields are wrong: all of them are named.", "ValidationErrors"
        example: Any = {"errors": {"amount": ["must be greater than 0"]}}
    else:
        words, sentence = _ERRORS[status]
        name, example = "Error", {"errors": {"detail": sentence}}
    content = {"application/json": {"schema": ref(name), "example": example}}
    headers = {"headers": _ERROR_HEADERS[status]} if status in _ERROR_HEADERS else {}
    return {"description": words, "content": content, **headers}
