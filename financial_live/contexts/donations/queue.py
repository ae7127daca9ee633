"""The gifts that somebody decides on: what waits in their campaigns, and what became of the rest.

For those who review gifts: reviewers and owners see those of their campaigns, admins all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from financial_live import db, rights
from financial_live.contexts import campaigns, listing
from financial_live.contexts.donations import repo
from financial_live.contexts.donations.models import Donation, DonationStatus
from financial_live.contexts.inputs import Errors
from financial_live.rights import Act
from financial_live.scope import Scope


class QueueOrder(StrEnum):
    """Which gift comes first; the largest one by its worth, currency after currency."""

    OLDEST = "oldest"
    NEWEST = "newest"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A campaign in which gifts wait for review."""

    campaign_id: UUID
    slug: str
    name: str
    currency: str
    gifts: int
    """How many wait, tests left out."""


async def review_queue(
    scope: Scope,
    *,
    campaign_id: UUID | None = None,
    status: str | None = DonationStatus.PENDING,
    needs_second: bool = False,
    least: Decimal | None = None,
    order: str = QueueOrder.OLDEST,
    page: int | str = 1,
    per_page: int | str = 20,
) -> listing.Page[Donation]:
    """Return one page of the gifts to all campaigns that the caller reviews, tests left out.

    ``status`` None asks for gifts of every status; ``needs_second`` for those that one person has
    approved; ``least`` for those of so much or more in their campaigns' currencies. ``order`` is
    oldest, newest or largest. Who reviews nothing gets nothing. Raises Unauthorized, MissingScope,
    and Invalid naming every parameter that is wrong.
    """
    rights.require(scope, Act.REVIEW_QUEUE, owner=scope.user_id)
    errors = Errors()
    listing.choice(errors, "order", order, QueueOrder)
    status = listing.choice(errors, "status", status, DonationStatus)
    direction = "desc" if order == QueueOrder.NEWEST else "asc"
    window = listing.window(errors, page=page, per_page=per_page, order=direction)
    errors.raise_any()
    async with db.reading() as session:
        query = repo.of_campaign(repo.gifts(), campaign_id)
        reviewed = await _reviewed(scope)
        if reviewed is not None:
            query = repo.of_campaigns(query, reviewed)
        query = _of_status(query, status)
        query = repo.endorsed(query) if needs_second else query
        query = repo.worth_at_least(query, least)
        ordered = repo.largest_first if order == QueueOrder.LARGEST else None
        rows, total = await repo.page(session, query, window, ordered=ordered)
    return listing.Page(rows, window.page, window.per_page, total)


def _of_status(query: repo.Query, status: str | None) -> repo.Query:
    if status == DonationStatus.PENDING:
        return repo.waiting(query)
    return repo.of_status(repo.real(query), status)


async def waiting(scope: Scope) -> Sequence[Waiting]:
    """Return the campaigns in which gifts wait for the caller's review, by name, and how many.

    Tests are left out. Raises Unauthorized and MissingScope.
    """
    rights.require(scope, Act.WAITING, owner=scope.user_id)
    async with db.reading() as session:
        found = await repo.count_waiting(session, await _reviewed(scope))
    return [Waiting(*row) for row in found]


async def is_reviewer(scope: Scope) -> bool:
    """Whether there is any campaign whose gifts the caller may approve, as it is now."""
    reviewed = await _reviewed(scope)
    return reviewed is None or len(reviewed) > 0


async def _reviewed(scope: Scope) -> Collection[UUID] | None:
    """Return the campaigns whose gifts the caller may approve; None if that is each of them."""
    if rights.allows(scope, Act.APPROVE):
        return None
    places: Mapping[UUID, rights.CampaignRole] = await campaigns.roles(scope)
    return [one for one, role in places.items() if rights.allows(scope, Act.APPROVE, role=role)]
