"""Lists of gifts: of one campaign, of all that are public, or of those the caller works for.

Each comes in pages, with the number of all, and those for programs also as stretches from a cursor
on: counting and skipping take the longer the more there are, a stretch does not.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from financial_live import db, rights
from financial_live.contexts import campaigns, listing
from financial_live.contexts.donations import events, repo
from financial_live.contexts.donations.models import Donation, DonationStatus
from financial_live.contexts.donations.sight import sight, team_sights
from financial_live.contexts.inputs import INVALID, Errors
from financial_live.rights import Act
from financial_live.scope import Scope


@dataclass(frozen=True, slots=True)
class _Filters:
    campaign_id: UUID | None
    status: str | None
    pattern: str | None


@dataclass(frozen=True, slots=True)
class _Shown:
    """The gifts that a caller sees, and what of each."""

    query: repo.Query
    of: Callable[[Donation], Donation]


async def list_donations(
    scope: Scope,
    *,
    campaign_id: UUID | str | None = None,
    status: str | None = None,
    search: str | None = None,
    order: str = "desc",
    page: int | str = 1,
    per_page: int | str = 20,
    limit: int | str | None = None,
) -> listing.Page[Donation]:
    """Return one page of gifts but tests, the newest first (``order="asc"``: oldest).

    All filters may be combined; ``search`` finds any part of a name or message, and of an e-mail
    address for those who see it. ``limit`` asks for the first so many instead of a page; it and
    ``per_page`` are 1 to 100. The team of the one campaign asked for sees all its gifts, viewers
    without addresses; admins those of all campaigns. Others see public gifts, without what is
    hidden; render them by ``public_gift``. Raises Invalid naming every parameter that is wrong, and
    MissingScope.
    """
    rights.require(scope, Act.LIST_DONATIONS)
    errors = Errors()
    if limit is not None:
        page, per_page = 1, limit
    window = listing.window(errors, page=page, per_page=per_page, order=order)
    wanted = _filters(errors, campaign_id, status, search)
    errors.raise_any()
    async with db.reading() as session:
        shown = await _seen(scope, wanted)
        rows, total = await repo.page(session, shown.query, window)
    return listing.Page([shown.of(row) for row in rows], window.page, window.per_page, total)


async def list_managed(
    scope: Scope,
    *,
    status: str | None = None,
    search: str | None = None,
    order: str = "desc",
    page: int | str = 1,
    per_page: int | str = 20,
) -> listing.Page[Donation]:
    """Return one page of the gifts to all campaigns in whose teams the caller is; admins: to all.

    Filters and order are those of ``list_donations``; tests are left out. The gifts are whole, but
    for addresses where the caller is a viewer. Raises Unauthorized, Forbidden, and Invalid naming
    every parameter that is wrong.
    """
    rights.require(scope, Act.LIST_MANAGED, owner=scope.user_id)
    errors = Errors()
    window = listing.window(errors, page=page, per_page=per_page, order=order)
    wanted = _filters(errors, None, status, search)
    errors.raise_any()
    async with db.reading() as session:
        shown = await _managed(scope, wanted)
        rows, total = await repo.page(session, shown.query, window)
    return listing.Page([shown.of(row) for row in rows], window.page, window.per_page, total)


async def scroll(
    scope: Scope,
    *,
    campaign_id: UUID | str | None = None,
    status: str | None = None,
    search: str | None = None,
    order: str = "desc",
    after: str | None = None,
    before: str | None = None,
    per_page: int | str = 20,
) -> listing.Stretch[Donation]:
    """Return the gifts that follow a cursor, or precede it; whatever is given meanwhile.

    They are those of ``list_donations`` if a campaign is named, else those of ``list_managed``,
    with the same filters, order and refusals. ``after`` and ``before`` are cursors that an answer
    gave; empty ones ask for the first gifts, and the last.
    """
    rights.require(scope, Act.SCROLL)
    if campaign_id is None:
        rights.require(scope, Act.LIST_MANAGED, owner=scope.user_id)
    errors = Errors()
    seek = listing.seek(errors, after=after, before=before, per_page=per_page, order=order)
    wanted = _filters(errors, campaign_id, status, search)
    errors.raise_any()
    async with db.reading() as session:
        shown = await (_managed if campaign_id is None else _seen)(scope, wanted)
        rows = await repo.beyond(session, shown.query, seek)
    return seek.stretch([shown.of(row) for row in rows], _place)


async def public_gifts(ids: Collection[UUID]) -> Mapping[str, events.PublicGift]:
    """Return by id those of these gifts that everybody may see, as everybody sees them now.

    For who tells again of what happened to them: they may have been hidden or edited since.
    """
    async with db.reading() as session:
        found = await repo.public_of(session, ids)
    return {str(gift.id): events.public_gift(gift) for gift in found}


def _place(donation: Donation) -> listing.Place:
    return listing.Place(donation.inserted_at, donation.id)


def _filters(
    errors: Errors, campaign_id: UUID | str | None, status: str | None, search: str | None
) -> _Filters:
    return _Filters(
        _campaign_id(errors, campaign_id),
        listing.choice(errors, "status", status, DonationStatus),
        listing.search_pattern(errors, search),
    )


def _campaign_id(errors: Errors, value: UUID | str | None) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    if not campaigns.is_campaign_id(value):
        errors.add("campaign_id", INVALID)
        return None
    return UUID(value)


async def _seen(scope: Scope, wanted: _Filters) -> _Shown:
    """Return what the caller sees of one campaign's gifts, or of everybody's."""
    seen = await sight(scope, wanted.campaign_id)
    query = repo.of_campaign(repo.seen(sees_all=seen.sees_all), wanted.campaign_id)
    query = repo.of_status(query, wanted.status)
    query = repo.matching(
        query, wanted.pattern, sees_hidden=seen.sees_all, sees_emails=seen.sees_emails
    )
    return _Shown(query, seen.of)


async def _managed(scope: Scope, wanted: _Filters) -> _Shown:
    """Return the gifts that the caller sees as one of a team; an admin is in every one."""
    if scope.is_admin:
        return await _seen(scope, wanted)
    sights = await team_sights(scope)
    query = repo.of_status(repo.of_campaigns(repo.seen(sees_all=True), sights), wanted.status)
    with_emails = [one for one, seen in sights.items() if seen.sees_emails]
    query = repo.matching(
        query, wanted.pattern, sees_hidden=True, sees_emails=False, emails_of=with_emails
    )

    def of(donation: Donation) -> Donation:
        return sights[donation.campaign_id].of(donation)

    return _Shown(query, of)
