"""Every query about match challenges. Nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts.matches.models import GiftMatch, MatchChallenge

_challenges = SQLModel.metadata.tables["match_challenge"]
_SET_MATCHED = (
    sa.update(_challenges)
    .where(_challenges.c.id == sa.bindparam("challenge"))
    .values(matched_amount=sa.bindparam("matched"))
)
_new = insert(SQLModel.metadata.tables["gift_match"])
_SET_GIFT = _new.on_conflict_do_update(
    index_elements=["donation_id", "challenge_id"],
    set_={"granted": _new.excluded.granted, "amount": _new.excluded.amount},
)


async def add(session: AsyncSession, challenge: MatchChallenge) -> None:
    """Store a challenge."""
    session.add(challenge)
    await session.flush()


async def of_campaign(
    session: AsyncSession, campaign_id: UUID, *, is_locked: bool = False
) -> Sequence[MatchChallenge]:
    """Return a campaign's challenges, the oldest first; held if ``is_locked``."""
    query = (
        sa.select(MatchChallenge)
        .where(col(MatchChallenge.campaign_id) == campaign_id)
        .order_by(col(MatchChallenge.id))
        .execution_options(populate_existing=True)
    )
    found = await session.execute(query.with_for_update() if is_locked else query)
    return found.scalars().all()


async def has_any(session: AsyncSession, campaign_id: UUID) -> bool:
    """Whether the campaign ever had a challenge."""
    query = sa.select(sa.exists().where(col(MatchChallenge.campaign_id) == campaign_id))
    return bool(await session.scalar(query))


async def cancel(session: AsyncSession, challenge_id: UUID, moment: datetime) -> None:
    """Let a challenge match no more gifts."""
    await session.execute(
        sa.update(_challenges).where(_challenges.c.id == challenge_id).values(cancelled_at=moment)
    )


async def matches_of(session: AsyncSession, donation_ids: Collection[UUID]) -> Sequence[GiftMatch]:
    """Return what these gifts were matched with."""
    query = sa.select(GiftMatch).where(col(GiftMatch.donation_id).in_(donation_ids))
    found = await session.execute(query.execution_options(populate_existing=True))
    return found.scalars().all()


async def save(
    session: AsyncSession, challenges: Sequence[MatchChallenge], gifts: Sequence[GiftMatch]
) -> None:
    """Store what challenges have matched, and what gifts were matched with."""
    if challenges:
        await session.execute(
            _SET_MATCHED,
            [{"challenge": one.id, "matched": one.matched_amount} for one in challenges],
        )
    if gifts:
        await session.execute(_SET_GIFT, [one.model_dump() for one in gifts])
