"""Every query about donations. Nothing here commits."""

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations.models import COUNTED, Donation, DonationSource
from financial_live.contexts.listing import Seek, Window
from financial_live.sending import Statement, insertion, rows_text

_COLUMNS = tuple(Donation.model_fields)
_ADD = insertion("donation", _COLUMNS)
_ADD_ALL = insertion("donation", _COLUMNS, then="ON CONFLICT DO NOTHING RETURNING id")
Query = sa.Select[tuple[Donation]]
# Spelled out, not as parameters: only so does the planner know the index that holds just these.
_WAITS = sa.text("donation.status = 'pending' AND NOT donation.is_test")
_WORTH = sa.func.round(col(Donation.amount) * sa.func.coalesce(col(Donation.rate), 1), 2)
# Naming it makes the instance the class's own attribute for the type checker.
_campaign: Any = Donation.campaign


def gifts() -> Query:
    """Return all donations, for the filters below to narrow."""
    return sa.select(Donation)


def seen(*, sees_all: bool) -> Query:
    """Return all donations but tests, or those that are public."""
    return real(gifts()) if sees_all else public(gifts())


def _loaded(query: Query) -> Query:
    """Bring each donation's campaign along in the same query, both as they are now."""
    return query.options(joinedload(_campaign)).execution_options(populate_existing=True)


def public(query: Query) -> Query:
    """Keep what everybody may see: counted gifts that are no tests."""
    return real(query).where(col(Donation.status).in_(COUNTED))


def real(query: Query) -> Query:
    """Leave out gifts that only try the system."""
    return query.where(sa.not_(col(Donation.is_test)))


def of_campaign(query: Query, campaign_id: UUID | None) -> Query:
    """Keep the gifts to one campaign; all if none is named."""
    return query if campaign_id is None else query.where(col(Donation.campaign_id) == campaign_id)


def of_campaigns(query: Query, campaign_ids: Collection[UUID]) -> Query:
    """Keep the gifts to these campaigns."""
    return query.where(col(Donation.campaign_id).in_(campaign_ids))


def of_email(query: Query, email: str) -> Query:
    """Keep the gifts given with this address, which is in small letters."""
    return query.where(sa.func.lower(col(Donation.donor_email)) == email)


def of_status(query: Query, status: str | None) -> Query:
    """Keep the gifts of one status; all if none is named."""
    return query if status is None else query.where(col(Donation.status) == status)


def matching(
    query: Query,
    pattern: str | None,
    *,
    sees_hidden: bool,
    sees_emails: bool,
    emails_of: Collection[UUID] = (),
) -> Query:
    """Keep the gifts whose name or message, or e-mail for those who see it, is like ``pattern``.

    ``emails_of`` are the campaigns of which the e-mails are seen even if not of all. What somebody
    does not see matches nothing for them, or searching would reveal it.
    """
    if pattern is None:
        return query
    name: sa.ColumnElement[bool] = col(Donation.donor_name).ilike(pattern, escape="\\")
    message: sa.ColumnElement[bool] = col(Donation.message).ilike(pattern, escape="\\")
    if not sees_hidden:
        is_shown = sa.not_(col(Donation.is_hidden))
        name = sa.and_(col(Donation.show_name), is_shown, name)
        message = sa.and_(is_shown, message)
    is_seen = sa.or_(sa.literal(sees_emails), col(Donation.campaign_id).in_(emails_of))
    email = sa.and_(is_seen, col(Donation.donor_email).ilike(pattern, escape="\\"))
    return query.where(sa.or_(message, name, email))


def in_order(query: Query, *, newest_first: bool) -> Query:
    """Order gifts by the time they were given; the id decides between equals."""
    order = (col(Donation.inserted_at), col(Donation.id))
    return query.order_by(*(c.desc() if newest_first else c.asc() for c in order))


def waiting(query: Query) -> Query:
    """Keep the gifts that wait for review, tests left out, as their own index holds them."""
    return query.where(_WAITS)


def endorsed(query: Query) -> Query:
    """Keep the gifts that one person has approved, and a second one must too."""
    return query.where(col(Donation.first_approver).is_not(None))


def worth_at_least(query: Query, amount: Decimal | None) -> Query:
    """Keep the gifts of ``amount`` or more in their campaigns' currencies; all if there is none."""
    return query if amount is None else query.where(sa.literal(amount) <= _WORTH)


def largest_first(query: Query) -> Query:
    """Order gifts by what they are worth to their campaigns, one currency after another."""
    keys = (col(Campaign.currency), _WORTH.desc(), col(Donation.inserted_at), col(Donation.id))
    return query.join(Campaign).order_by(*keys)


async def page(
    session: AsyncSession,
    query: Query,
    window: Window,
    *,
    ordered: Callable[[Query], Query] | None = None,
) -> tuple[Sequence[Donation], int]:
    """Return one page of ``query``, and how many rows it has on all pages.

    ``ordered`` gives it another order than the window's.
    """
    total = await session.scalar(query.with_only_columns(sa.func.count(col(Donation.id))))
    wanted = _loaded(query)
    wanted = ordered(wanted) if ordered else in_order(wanted, newest_first=window.newest_first)
    rows = await session.execute(wanted.limit(window.per_page).offset(window.offset))
    return rows.scalars().all(), total or 0


async def count_waiting(
    session: AsyncSession, campaign_ids: Collection[UUID] | None
) -> Sequence[tuple[UUID, str, str, str, int]]:
    """Return how many gifts wait for review, with each campaign's id, slug, name and currency.

    ``campaign_ids`` are the campaigns looked at; None for all.
    """
    counted = sa.select(col(Donation.campaign_id), sa.func.count().label("gifts")).where(_WAITS)
    if campaign_ids is not None:
        counted = counted.where(col(Donation.campaign_id).in_(campaign_ids))
    by_campaign = counted.group_by(col(Donation.campaign_id)).subquery()
    named = (col(Campaign.id), col(Campaign.slug), col(Campaign.name), col(Campaign.currency))
    query = (
        sa.select(*named, by_campaign.c.gifts)
        .join(by_campaign, by_campaign.c.campaign_id == col(Campaign.id))
        .order_by(col(Campaign.name), col(Campaign.id))
    )
    return [(*row,) for row in await session.execute(query)]


async def beyond(session: AsyncSession, query: Query, seek: Seek) -> Sequence[Donation]:
    """Return the gifts of ``query`` from a place on, in the direction looked; one more if any."""
    newest_first = seek.newest_first is not seek.is_backwards
    if seek.place is not None:
        key = sa.tuple_(col(Donation.inserted_at), col(Donation.id))
        place = sa.tuple_(sa.literal(seek.place.inserted_at), sa.literal(seek.place.id))
        query = query.where(key < place if newest_first else key > place)
    ordered = in_order(_loaded(query), newest_first=newest_first)
    rows = await session.execute(ordered.limit(seek.per_page + 1))
    return rows.scalars().all()


async def newest(session: AsyncSession, query: Query, limit: int) -> Sequence[Donation]:
    """Return the last ``limit`` gifts of ``query``, newest first."""
    rows = await session.execute(in_order(_loaded(query), newest_first=True).limit(limit))
    return rows.scalars().all()


async def public_of(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Donation]:
    """Return those of these gifts that everybody may see, in no order."""
    rows = await session.execute(_loaded(public(gifts()).where(col(Donation.id).in_(ids))))
    return rows.scalars().all()


async def find(session: AsyncSession, donation_id: UUID) -> Donation | None:
    """Return one gift with its campaign."""
    query = _loaded(gifts()).where(col(Donation.id) == donation_id)
    return (await session.execute(query)).scalar_one_or_none()


async def by_ids(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Donation]:
    """Return these gifts with their campaigns, by id."""
    rows = await session.execute(_loaded(gifts()).where(col(Donation.id).in_(ids)))
    return {donation.id: donation for donation in rows.scalars()}


async def lock(session: AsyncSession, donation_id: UUID) -> Donation | None:
    """Return one gift as it is now, held until the transaction ends.

    Who changes it, or locks more of its campaign's, locks the campaign before.
    """
    query = _loaded(gifts()).where(col(Donation.id) == donation_id)
    found = await session.execute(query.with_for_update(of=Donation))
    return found.scalar_one_or_none()


async def find_external(
    session: AsyncSession, source: DonationSource, external_id: str
) -> Donation | None:
    """Return the gift that came from ``source`` under this name, once no other is coming in.

    Two copies of one message, arriving at once, wait for each other here: the second then finds
    the gift of the first, instead of breaking its own transaction on the unique index.
    """
    name = sa.func.hashtextextended(f"donation:{source}:{external_id}", 0)
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(name)))
    query = _loaded(gifts()).where(
        col(Donation.source) == source, col(Donation.external_id) == external_id
    )
    return (await session.execute(query)).scalar_one_or_none()


async def find_externals(
    session: AsyncSession, names: Sequence[tuple[DonationSource, str]]
) -> dict[tuple[DonationSource, str], Donation]:
    """Return the gifts that came from these sources under these names, by both."""
    if not names:
        return {}
    key = sa.tuple_(col(Donation.source), col(Donation.external_id))
    rows = await session.execute(_loaded(gifts()).where(key.in_(names)))
    return {(d.source, d.external_id or ""): d for d in rows.scalars()}


async def add_all(donations: Sequence[Donation]) -> set[UUID]:
    """Store gifts in one statement; return the ids of those that no unique index refused."""
    if not donations:
        return set()
    stored = await db.fetch(Statement(_ADD_ALL, _rows(donations)))
    return {row["id"] for row in stored}


def add(donation: Donation, campaign: Campaign) -> None:
    """Store a gift, with the next statement or the commit, and set its campaign as it is after."""
    db.send_later(Statement(_ADD, _rows([donation])))
    set_campaign(donation, campaign)


def _rows(donations: Sequence[Donation]) -> dict[str, str]:
    rows = [{name: given[name] for name in _COLUMNS} for given in map(vars, donations)]
    return {"rows": rows_text(rows)}


def set_campaign(donation: Donation, campaign: Campaign) -> None:
    """Let a gift know its campaign without a query."""
    set_committed_value(donation, "campaign", campaign)


async def change(session: AsyncSession, donation: Donation, changes: dict[str, Any]) -> Donation:
    """Write ``changes`` to a gift; it returns with its campaign as that is now."""
    await session.execute(
        sa.update(Donation).where(col(Donation.id) == donation.id).values(**changes),
        execution_options={"synchronize_session": False},
    )
    found = await find(session, donation.id)
    assert found is not None, "a locked row cannot vanish"
    return found


async def remove(session: AsyncSession, donation: Donation) -> None:
    """Delete a gift; the instance keeps what it was."""
    session.expunge(donation)
    await session.execute(
        sa.delete(Donation).where(col(Donation.id) == donation.id),
        execution_options={"synchronize_session": False},
    )


async def statistics(
    session: AsyncSession, campaign_id: UUID, *, sees_hidden: bool
) -> tuple[Decimal | None, Decimal | None]:
    """Return the largest and the mean of what remains of a campaign's counted gifts."""
    rest = col(Donation.counted_amount) - col(Donation.refunded_amount)
    largest = sa.func.max(rest).filter(sa.or_(sa.literal(sees_hidden), col(Donation.show_amount)))
    query = sa.select(largest, sa.func.round(sa.func.avg(rest), 2)).where(
        col(Donation.campaign_id) == campaign_id,
        col(Donation.status).in_(COUNTED),
        sa.not_(col(Donation.is_test)),
    )
    found = (await session.execute(query)).one()
    return found[0], found[1]
