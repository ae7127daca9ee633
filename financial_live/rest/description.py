"""The OpenAPI document, and the page to read it on and try it.

The document is made of the routes, of the types by which contexts check input, and of the types
that answers are written as. So it says what is done, and nothing is said twice.
"""

import ast
import functools
import inspect
import itertools
import mimetypes
from collections.abc import Collection, Iterator
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent
from typing import Any, get_type_hints

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field, create_model

from financial_live import cookies, routes
from financial_live.contexts import accounts, campaigns, donations, exchange_rates, ledger, matches
from financial_live.rest.auth import TokenAnswer, UserAnswer
from financial_live.rest.campaigns import CampaignAnswer
from financial_live.rest.conditions import KnownTags, fresh
from financial_live.rest.describing import Schema, page_of, ref, stretch_of, with_nulls
from financial_live.rest.dispatch import new_router
from financial_live.rest.donations import TeamGift
from financial_live.rest.exchange_rates import ExchangeRateAnswer
from financial_live.rest.ledger import TRANSFER_SCHEMA
from financial_live.rest.notifications import NotificationAnswer
from financial_live.rest.parsing import CSRF_HEADER, host_of
from financial_live.rest.recording import BATCH_SCHEMA
from financial_live.rest.review import OUTCOME_SCHEMA, REVIEW_SCHEMA, DoneAnswer

_FOLDER = Path(__file__).with_name("docs")
# The page runs its own script and speaks to its own server, and is shown in no frame.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_NOTICE: Schema = {
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": {"type": "string"}},
}
_REFERENCE = "#/components/schemas/{model}"
_INTRODUCTION = f"""\
JSON over HTTP. Bodies are wrapped, as in `{{"donation": {{…}}}}`, answers are `{{"data": …}}`, and
amounts are decimal text.

Errors are `{{"errors": {{"detail": "…"}}}}`; with status 422 they are
`{{"errors": {{field: [messages]}}}}`. A method that an address does not serve is 405 with `Allow`.
HEAD is served wherever GET is, and OPTIONS everywhere.

A token is sent as `Authorization: Bearer`. Pages of the site act by their session's cookie, and
prove what they change by its `{CSRF_HEADER}`.
"""


def create_router(api: FastAPI) -> APIRouter:
    """Return the routes that describe ``api``: the document, and the page with its files."""
    router = new_router()
    content = functools.cache(lambda cookie: orjson.dumps(document(api, cookie=cookie)))

    @router.get(routes.API_DESCRIPTION, include_in_schema=False)
    async def description(request: Request, known: KnownTags) -> Response:
        """Show the OpenAPI document."""
        cookie = cookies.name_at(host_of(request))
        return fresh(Response(content(cookie), media_type="application/json"), known)

    @router.get(routes.API_DOCS, include_in_schema=False)
    async def docs(known: KnownTags) -> Response:
        """Show the page to read the document on and try it."""
        return _file("docs.html", known)

    @router.get(routes.API_DOCS_SCRIPT, include_in_schema=False)
    async def script(known: KnownTags) -> Response:
        """Serve the page's script."""
        return _file("docs.js", known)

    @router.get(routes.API_DOCS_STYLE, include_in_schema=False)
    async def style(known: KnownTags) -> Response:
        """Serve the page's style."""
        return _file("docs.css", known)

    return router


def _file(name: str, known: frozenset[str]) -> Response:
    content = (_FOLDER / name).read_bytes()
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    kind = mimetypes.guess_type(name)[0]
    return fresh(Response(content, media_type=kind, headers=headers), known)


def document(api: FastAPI, *, cookie: str) -> dict[str, Any]:
    """Return the OpenAPI document of the routes of ``api``; ``cookie`` names a session's."""
    found = get_openapi(
        title="financial_live",
        version=version("financial-live"),
        description=_INTRODUCTION,
        routes=api.routes,
        servers=[{"url": "/"}],
    )
    made: dict[str, Any] = with_nulls(found)
    for path in made["paths"].values():
        for operation in path.values():
            _drop_what_is_never_answered(operation)
    made["components"] = {"schemas": _schemas(), "securitySchemes": _security(cookie)}
    return made


def _security(cookie: str) -> Schema:
    words = "Proves that a page of that session asks; needed to change something."
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of an account."},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie},
        "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER, "description": words},
    }


def _drop_what_is_never_answered(operation: Schema) -> None:
    """Take out the 422 that FastAPI adds where none is named: its own checks refuse nothing."""
    answers = operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]


def _schemas() -> dict[str, Schema]:
    """Return every schema that ``describing`` refers to by name."""
    inputs = {
        "Registration": _input(accounts.Registration, "What somebody says to get an account."),
        "Credentials": _input(accounts.Credentials, "What somebody logs in with."),
        "NewCampaign": _input(campaigns.CampaignInput, "A campaign to start."),
        "CampaignChanges": _changes(campaigns.CampaignInput, "Settings to change."),
        "NewDonation": _by_donor(_input(donations.GiftInput, "A gift.")),
        "NewDonationToOne": _by_donor(
            _input(donations.GiftInput, "A gift.", without={"campaign_id"})
        ),
        "DonationChanges": _changes(
            donations.GiftInput, "What to change of a gift.", only=donations.EDITABLE
        ),
        "NewOfflineDonation": _input(
            donations.GiftInput, "A gift that came by other ways.", without={"campaign_id"}
        ),
        "Rejection": _input(donations.RejectInput, "Why a gift is rejected."),
        "Refund": _input(donations.RefundInput, "How much of a gift is given back, and why."),
        "NewChallenge": _input(matches.ChallengeInput, "A match challenge to make."),
        "NewMilestone": _input(campaigns.MilestoneInput, "A milestone to set."),
        "NewExchangeRate": _input(exchange_rates.RateInput, "An exchange rate to enter."),
    }
    shared = {name: one for made in inputs.values() for name, one in made.pop("$defs", {}).items()}
    return {
        **inputs,
        **shared,
        "Review": REVIEW_SCHEMA,
        "Batch": BATCH_SCHEMA,
        "NewTransfer": TRANSFER_SCHEMA,
        "ReviewOutcome": OUTCOME_SCHEMA,
        "Done": _answer(DoneAnswer),
        "Transfer": _answer(ledger.TransferRow),
        "Challenge": _answer(matches.ChallengeRow),
        "Milestone": _answer(campaigns.MilestoneRow),
        "Notification": _answer(NotificationAnswer),
        "Campaign": _answer(campaigns.CampaignSummary, CampaignAnswer),
        "PublicGift": _answer(donations.PublicGift),
        "TeamGift": _answer(donations.DonationRow, TeamGift),
        "Donation": {
            "description": "A gift: whole for the team of its campaign, else what is public.",
            "anyOf": [ref("TeamGift"), ref("PublicGift")],
        },
        "ExchangeRate": _answer(ExchangeRateAnswer),
        "CampaignPage": page_of("Campaign"),
        "DonationPage": page_of("Donation"),
        "DonationCursorPage": stretch_of("Donation"),
        "ExchangeRatePage": page_of("ExchangeRate"),
        "User": _answer(UserAnswer),
        "Token": _holding(_answer(TokenAnswer), user=ref("User")),
        "Notice": _NOTICE,
        "Error": _errors(_NOTICE),
        "ValidationErrors": _errors(
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            }
        ),
    }


def _errors(inner: Schema) -> Schema:
    inner = {**inner, "required": list(inner.get("properties", {}))}
    return {"type": "object", "required": ["errors"], "properties": {"errors": inner}}


def _made_of(kind: type[BaseModel], words: str) -> Schema:
    """Return the schema of a type, without the titles that only repeat its names."""
    schema = kind.model_json_schema(ref_template=_REFERENCE)
    for named in (schema, *schema["properties"].values()):
        named.pop("title", None)
    return schema | {"description": words}


def _input(kind: type[BaseModel], words: str, *, without: Collection[str] = ()) -> Schema:
    """Return the schema of what a context takes."""
    schema = _made_of(kind, words)
    schema["properties"] = {n: s for n, s in schema["properties"].items() if n not in without}
    schema["required"] = [name for name in schema["required"] if name not in without]
    return schema


def _changes(kind: type[BaseModel], words: str, *, only: Collection[str] | None = None) -> Schema:
    """Return the schema of changes: any of the fields, and nothing in place of the others."""
    fields = set(kind.model_fields)
    schema = _input(kind, words, without=fields - set(only or fields))
    del schema["required"]
    for field in schema["properties"].values():
        field.pop("default", None)
    return schema


def _by_donor(schema: Schema) -> Schema:
    """Return the schema of a gift that comes from a donor, who has an address."""
    email = schema["properties"]["donor_email"]
    schema["properties"]["donor_email"] = {
        **email["anyOf"][0],
        "description": email["description"],
    }
    schema["required"].append("donor_email")
    return schema


def _answer(*kinds: type) -> Schema:
    """Return the schema of the last of ``kinds``, whose fields all of them explain."""
    words = {field: text for kind in kinds for field, text in _documented(kind)}
    fields: dict[str, Any] = {
        field: (hint, Field(description=words[field]))
        for field, hint in get_type_hints(kinds[-1]).items()
    }
    return _made_of(create_model("Answer", **fields), inspect.getdoc(kinds[-1]) or "")


def _holding(schema: Schema, **parts: Schema) -> Schema:
    """Return a schema some of whose properties have schemas of their own."""
    for name, part in parts.items():
        schema["properties"][name] = part | {
            "description": schema["properties"][name]["description"]
        }
    return schema


def _documented(kind: type) -> Iterator[tuple[str, str]]:
    """Yield the fields of a class with the text that stands below each."""
    [definition] = ast.parse(dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef), "types are defined by classes"
    for field, text in itertools.pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            yield ast.unparse(field.target), str(ast.literal_eval(text.value))
