"""Reaching milestones: the totals that a campaign tells of, once each.

Whether a gift reaches one is asked of every gift, so the amounts of a campaign's milestones are
remembered by its revision, which another milestone changes. Only the gift that passes one looks at
the rows; there it is decided who is the first, as the campaign is held.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import outbox
from financial_live.contexts import columns
from financial_live.contexts.campaigns import events
from financial_live.contexts.campaigns.models import Campaign, Milestone

_MOST_KNOWN = 1024
_amounts: dict[tuple[UUID, int], tuple[Decimal, ...]] = {}


async def milestones_of(session: AsyncSession, campaign_id: UUID) -> Sequence[Milestone]:
    """Return a campaign's milestones, the lowest first."""
    query = sa.select(Milestone).where(col(Milestone.campaign_id) == campaign_id)
    found = await session.execute(
        query.order_by(col(Milestone.amount)), execution_options={"populate_existing": True}
    )
    return found.scalars().all()


async def announce(session: AsyncSession, campaign: Campaign, *, before: Decimal) -> None:
    """Tell of the milestones that the total has reached since it was ``before``, once each.

    The transaction holds the campaign, which is as it is after.
    """
    total = campaign.total
    if not any(before < amount <= total for amount in await _amounts_of(session, campaign)):
        return
    first = (
        sa.update(Milestone)
        .where(
            col(Milestone.campaign_id) == campaign.id,
            col(Milestone.amount) <= total,
            col(Milestone.reached_at).is_(None),
        )
        .values(reached_at=columns.now())
        .returning(Milestone)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    reached = (await session.execute(first)).scalars().all()
    for milestone in sorted(reached, key=lambda one: one.amount):
        await outbox.append(events.milestone_reached(milestone, campaign))


async def _amounts_of(session: AsyncSession, campaign: Campaign) -> tuple[Decimal, ...]:
    key = (campaign.id, campaign.revision)
    if key not in _amounts:
        if len(_amounts) >= _MOST_KNOWN:
            _amounts.clear()
        _amounts[key] = tuple(one.amount for one in await milestones_of(session, campaign.id))
    return _amounts[key]
