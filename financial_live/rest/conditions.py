"""Requests that depend on what the caller has seen: ETag, If-None-Match and If-Match (RFC 9110).

A campaign's tag is ``"{revision}-{version}"``. Reading compares all of it. Changing compares the
revision alone: who edits the settings is in nobody's way by giving, but never writes over another's
edit. Any other answer's tag is made of its content.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import WithJsonSchema
from starlette.exceptions import HTTPException

from financial_live.contexts.campaigns import Campaign

# No version and no revision is 0, so what is to be at 0 has changed.
_NONE = 0
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
# What is between two tags is read in one way only: of two, each blank would double the time.
_TAGS = re.compile(rf"[\s,]*{_TAG}(?:\s*,[\s,]*{_TAG})*[\s,]*")
_CAMPAIGN_TAG = re.compile(r'"([0-9]{1,18})-[0-9]{1,18}"')

_IfMatch = Annotated[
    str | None,
    # One text: generators of clients know no header that is one of two types. Those of requests do
    # not make quotes of a pattern, and go by the format.
    WithJsonSchema(
        {
            "type": "string",
            "format": "entity-tags",
            "pattern": r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$',
        }
    ),
    Header(
        alias="If-Match",
        description="Change it only if it still has one of these tags; * is any. Weak tags never "
        "match. Of a campaign's tag only the revision counts.",
    ),
]
_IfNoneMatch = Annotated[
    str | None,
    WithJsonSchema({"type": "string"}),
    Header(alias="If-None-Match", description="Answer 304 if it still has one of these tags."),
]


def campaign_tag(campaign: Campaign) -> str:
    """Return the tag of a campaign as it is."""
    return f'"{campaign.revision}-{campaign.version}"'


def content_tag(content: bytes) -> str:
    """Return the tag of an answer with this content."""
    return f'"{hashlib.sha256(content).hexdigest()[:24]}"'


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a change depends on; ``tags`` is None where the caller does not care."""

    tags: Sequence[str] | None = None

    def revision_of(self, campaign: Campaign) -> int | None:
        """Return the revision that a change of ``campaign`` may be made to; None for any."""
        if self.tags is None:
            return None
        seen = [int(match[1]) for tag in self.tags if (match := _CAMPAIGN_TAG.fullmatch(tag))]
        return campaign.revision if campaign.revision in seen else next(iter(seen), _NONE)

    def version_of(self, tag: str, version: int) -> int | None:
        """Return the version that may be changed of what has ``tag`` now; None for any."""
        if self.tags is None:
            return None
        return version if tag in self.tags else _NONE


async def _precondition(request: Request, if_match: _IfMatch = None) -> Precondition:
    """Read If-Match. Raises HTTPException with status 400 if it is no list of tags."""
    # The argument only describes the header: it may come in several lines.
    lines = request.headers.getlist("if-match")
    header = ", ".join(lines)
    if not lines or header == "*":
        return Precondition()
    if not _TAGS.fullmatch(header):
        raise HTTPException(400, "If-Match is neither * nor a list of quoted tags.")
    return Precondition(re.findall(_TAG, header))


async def _known_tags(request: Request, if_none_match: _IfNoneMatch = None) -> frozenset[str]:
    """Return the tags of what the caller has; a weak one is as good as a strong one here."""
    header = ", ".join(request.headers.getlist("if-none-match"))
    if header.strip() == "*":
        return frozenset("*")
    return frozenset(tag.removeprefix("W/") for tag in re.findall(_TAG, header))


IfMatch = Annotated[Precondition, Depends(_precondition)]
KnownTags = Annotated[frozenset[str], Depends(_known_tags)]


def fresh(answer: Response, known: frozenset[str], *, tag: str | None = None) -> Response:
    """Return ``answer`` with its tag, or 304 without a body if the caller has it already."""
    tag = tag or content_tag(bytes(answer.body))
    answer.headers["ETag"] = tag
    # Each caller may see something else here, and must ask again whether it still holds.
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Authorization, Cookie"
    if not known & {tag, "*"}:
        return answer
    kept = ("ETag", "Cache-Control", "Vary", "Link")
    return Response(
        status_code=304, headers={n: answer.headers[n] for n in kept if n in answer.headers}
    )
