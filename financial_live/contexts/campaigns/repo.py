"""Every query about campaigns. Nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts import columns
from financial_live.contexts.campaigns.models import Campaign
from financial_live.contexts.listing import Window

# The switch one_gift_per_donor is enforced by an index on donations, which copy it. Only these
# columns of theirs are touched here, because donations may call campaigns and not the reverse.
_donation = sa.table(
    "donation",
    sa.column("campaign_id", sa.Uuid),
    sa.column("donor_email", sa.Text),
    sa.column("one_per_donor", sa.Boolean),
    sa.column("is_test", sa.Boolean),
    sa.column("status", sa.Text),
)
_challenge = sa.table("match_challenge", sa.column("campaign_id", sa.Uuid))
_entry = sa.table(
    "ledger_entry",
    sa.column("debit_campaign_id", sa.Uuid),
    sa.column("credit_campaign_id", sa.Uuid),
)
_table = SQLModel.metadata.tables["campaign"]
# Every gift runs these, so they are built once: building them takes longer than running them.
_FIND = sa.select(Campaign).execution_options(populate_existing=True)
_BY_ID = _FIND.where(col(Campaign.id) == sa.bindparam("key"))
_BY_SLUG = _FIND.where(col(Campaign.slug) == sa.bindparam("key"))
_COUNT = (
    sa.update(_table)
    .where(
        _table.c.id == sa.bindparam("campaign"),
        _table.c.revision
        == sa.func.coalesce(sa.bindparam("seen", type_=sa.BigInteger), _table.c.revision),
    )
    .values(
        total_raised=_table.c.total_raised + sa.bindparam("amount", type_=sa.Numeric(20, 2)),
        matched_total=_table.c.matched_total + sa.bindparam("matched", type_=sa.Numeric(20, 2)),
        transferred_total=_table.c.transferred_total
        + sa.bindparam("transferred", type_=sa.Numeric(20, 2)),
        gift_count=_table.c.gift_count + sa.bindparam("gifts", type_=sa.BigInteger),
        version=_table.c.version + 1,
        updated_at=sa.bindparam("moment"),
    )
    .returning(*_table.c)
)
_FRESH = {"populate_existing": True, "synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Change:
    """By how much a campaign's totals change, in its currency, and the number of its gifts."""

    amount: Decimal = Decimal(0)
    matched: Decimal = Decimal(0)
    transferred: Decimal = Decimal(0)
    gifts: int = 0

    @property
    def total(self) -> Decimal:
        """By how much the sum of the totals changes."""
        return self.amount + self.matched + self.transferred


@dataclass(frozen=True, slots=True)
class Repeated:
    """A donor with more than one gift where only one is to be allowed."""

    email: str
    gifts: int


async def find(session: AsyncSession, key: UUID | str) -> Campaign | None:
    """Return the campaign with this id (a UUID) or slug (a string), as it is now."""
    query = _BY_ID if isinstance(key, UUID) else _BY_SLUG
    return (await session.execute(query, {"key": key})).scalar_one_or_none()


async def lock(session: AsyncSession, campaign_id: UUID) -> Campaign | None:
    """Return the campaign, held against every other change until the transaction ends.

    The lock lets the foreign keys of donations through, as they don't change the campaign.
    """
    query = (
        sa.select(Campaign)
        .where(col(Campaign.id) == campaign_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def lock_all(
    session: AsyncSession, ids: Sequence[UUID], slugs: Sequence[str]
) -> Sequence[Campaign]:
    """Return the campaigns with these ids or slugs, held as by ``lock``, locked in order of id."""
    query = (
        _FIND.where(sa.or_(col(Campaign.id).in_(ids), col(Campaign.slug).in_(slugs)))
        .order_by(col(Campaign.id))
        .with_for_update(key_share=True)
    )
    return (await session.execute(query)).scalars().all()


async def page(
    session: AsyncSession, *, status: str | None, pattern: str | None, window: Window
) -> tuple[Sequence[Campaign], int]:
    """Return one page of campaigns in the order they were made, and how many there are."""
    total_of, rows_of = _page(status is not None, pattern is not None, window.newest_first)
    asked = {"status": status, "pattern": pattern}
    given = {name: value for name, value in asked.items() if value is not None}
    total = await session.scalar(total_of, given)
    part = {"most": window.per_page, "start": window.offset}
    rows = await session.execute(rows_of, given | part)
    return rows.scalars().all(), total or 0


@cache
def _page(
    has_status: bool, has_pattern: bool, newest_first: bool
) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Return the queries for how many there are, and for a part of them."""
    conditions: list[sa.ColumnElement[bool]] = []
    if has_status:
        conditions.append(_table.c.status == sa.bindparam("status"))
    if has_pattern:
        conditions.append(_table.c.name.ilike(sa.bindparam("pattern"), escape="\\"))
    order = (_table.c.inserted_at, _table.c.id)
    rows = sa.select(Campaign).where(*conditions)
    return (
        sa.select(sa.func.count()).select_from(_table).where(*conditions),
        rows.order_by(*(c.desc() if newest_first else c.asc() for c in order))
        .limit(sa.bindparam("most"))
        .offset(sa.bindparam("start")),
    )


async def slugs_like(session: AsyncSession, base: str) -> set[str]:
    """Return the slugs that are ``base`` or begin with it."""
    query = sa.select(col(Campaign.slug)).where(col(Campaign.slug).like(f"{base}%"))
    return set((await session.execute(query)).scalars())


async def add(session: AsyncSession, campaign: Campaign) -> bool:
    """Store ``campaign``; False if its slug is taken, which leaves the transaction usable."""
    values = {name: getattr(campaign, name) for name in Campaign.model_fields}
    statement = (
        insert(Campaign)
        .values(values)
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(col(Campaign.id))
    )
    return (await session.execute(statement)).scalar() is not None


async def change(session: AsyncSession, campaign_id: UUID, settings: Mapping[str, Any]) -> Campaign:
    """Write edited settings; counts one version and one revision."""
    statement = (
        sa.update(Campaign)
        .where(col(Campaign.id) == campaign_id)
        .values(
            **settings,
            version=col(Campaign.version) + 1,
            revision=col(Campaign.revision) + 1,
            updated_at=columns.now(),
        )
        .returning(Campaign)
    )
    changed: Campaign = (await session.execute(statement, execution_options=_FRESH)).scalar_one()
    return changed


async def count(
    session: AsyncSession, campaign_id: UUID, change: Change, *, revision: int | None
) -> Campaign | None:
    """Add to a campaign's totals and its version, in one statement that is also its lock.

    None if there is no such campaign, or its settings are no longer those of ``revision``.
    """
    values = {
        "campaign": campaign_id,
        "amount": change.amount,
        "matched": change.matched,
        "transferred": change.transferred,
        "gifts": change.gifts,
        "seen": revision,
        "moment": columns.now(),
    }
    found = (await session.execute(_COUNT, values)).mappings().one_or_none()
    return None if found is None else Campaign(**found)


async def remove(session: AsyncSession, campaign_id: UUID) -> None:
    """Delete the campaign."""
    await session.execute(
        sa.delete(Campaign).where(col(Campaign.id) == campaign_id),
        execution_options={"synchronize_session": False},
    )


async def has_donations(session: AsyncSession, campaign_id: UUID) -> bool:
    """Whether anything was ever given to the campaign, counted or not."""
    query = sa.select(sa.exists().where(_donation.c.campaign_id == campaign_id))
    return bool(await session.scalar(query))


async def has_challenges(session: AsyncSession, campaign_id: UUID) -> bool:
    """Whether the campaign ever had a match challenge."""
    query = sa.select(sa.exists().where(_challenge.c.campaign_id == campaign_id))
    return bool(await session.scalar(query))


async def has_entries(session: AsyncSession, campaign_id: UUID) -> bool:
    """Whether the ledger says that money ever moved into or out of the campaign."""
    sides = (_entry.c.debit_campaign_id, _entry.c.credit_campaign_id)
    found = [sa.select(sa.exists().where(side == campaign_id)) for side in sides]
    return any([await session.scalar(query) for query in found])


async def repeated_donors(session: AsyncSession, campaign_id: UUID) -> list[Repeated]:
    """Return the donors that the one-gift rule would not allow, those with most gifts first."""
    email = sa.func.lower(_donation.c.donor_email)
    query = (
        sa.select(email, sa.func.count())
        .where(
            _donation.c.campaign_id == campaign_id,
            _donation.c.donor_email.is_not(None),
            sa.not_(_donation.c.is_test),
            _donation.c.status != "rejected",
        )
        .group_by(email)
        .having(sa.func.count() > 1)
        .order_by(sa.func.count().desc(), email)
    )
    return [Repeated(*row) for row in (await session.execute(query)).all()]


async def copy_one_gift_rule(session: AsyncSession, campaign_id: UUID, *, is_on: bool) -> None:
    """Make the campaign's donations follow the rule, or no longer; needs the campaign's lock."""
    await session.execute(
        sa.update(_donation)
        .where(_donation.c.campaign_id == campaign_id, _donation.c.one_per_donor != is_on)
        .values(one_per_donor=is_on)
    )
