"""Every query about a campaign's team. Nothing here commits.

Whatever changes a team holds the campaign's row, so its last owner is not lost between two.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts.accounts import User
from financial_live.contexts.campaigns.members import CampaignInvitation, CampaignMember, Member
from financial_live.rights import CampaignRole

_QUIET = {"synchronize_session": False}
_FRESH = {"populate_existing": True, "synchronize_session": False}
# Every privileged act in a campaign runs this, so it is built once.
_ROLE = sa.select(col(CampaignMember.role)).where(
    col(CampaignMember.campaign_id) == sa.bindparam("campaign"),
    col(CampaignMember.user_id) == sa.bindparam("user"),
)


def _is_member(campaign_id: UUID, user_id: UUID) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(CampaignMember.campaign_id) == campaign_id, col(CampaignMember.user_id) == user_id
    )


async def role_of(session: AsyncSession, campaign_id: UUID, user_id: UUID) -> CampaignRole | None:
    """Return somebody's place in the team, or None."""
    found = await session.execute(_ROLE, {"campaign": campaign_id, "user": user_id})
    return found.scalar_one_or_none()


async def roles_of(session: AsyncSession, user_id: UUID) -> dict[UUID, CampaignRole]:
    """Return somebody's places in all teams, by campaign."""
    query = sa.select(col(CampaignMember.campaign_id), col(CampaignMember.role))
    found = await session.execute(query.where(col(CampaignMember.user_id) == user_id))
    return {row.campaign_id: row.role for row in found}


async def members(session: AsyncSession, campaign_id: UUID) -> list[Member]:
    """Return the team with names and addresses, in the order they joined."""
    query = (
        sa.select(
            col(CampaignMember.user_id),
            col(User.name),
            col(User.email),
            col(CampaignMember.role),
            col(CampaignMember.inserted_at),
        )
        .join(User, col(User.id) == col(CampaignMember.user_id))
        .where(col(CampaignMember.campaign_id) == campaign_id)
        .order_by(col(CampaignMember.inserted_at), col(CampaignMember.user_id))
    )
    return [Member(*row) for row in (await session.execute(query)).all()]


async def has_member_of(session: AsyncSession, campaign_id: UUID, email: str) -> bool:
    """Whether the account of this address is in the team."""
    query = sa.exists().where(
        col(CampaignMember.campaign_id) == campaign_id,
        col(CampaignMember.user_id) == col(User.id),
        col(User.email) == email,
    )
    return bool(await session.scalar(sa.select(query)))


async def has_other_owner(session: AsyncSession, campaign_id: UUID, user_id: UUID) -> bool:
    """Whether somebody else than this user owns the campaign."""
    query = sa.exists().where(
        col(CampaignMember.campaign_id) == campaign_id,
        col(CampaignMember.role) == CampaignRole.OWNER,
        col(CampaignMember.user_id) != user_id,
    )
    return bool(await session.scalar(sa.select(query)))


async def add(session: AsyncSession, campaign_id: UUID, user_id: UUID, role: CampaignRole) -> bool:
    """Add somebody to the team; False if they are in it, at whatever place."""
    added = await session.execute(
        insert(CampaignMember)
        .values(campaign_id=campaign_id, user_id=user_id, role=role)
        .on_conflict_do_nothing()
        .returning(col(CampaignMember.user_id))
    )
    return added.scalar() is not None


async def change_role(
    session: AsyncSession, campaign_id: UUID, user_id: UUID, role: CampaignRole
) -> None:
    """Give a member another place."""
    statement = sa.update(CampaignMember).where(_is_member(campaign_id, user_id)).values(role=role)
    await session.execute(statement, execution_options=_QUIET)


async def remove(session: AsyncSession, campaign_id: UUID, user_id: UUID) -> None:
    """Take a member out of the team."""
    statement = sa.delete(CampaignMember).where(_is_member(campaign_id, user_id))
    await session.execute(statement, execution_options=_QUIET)


def _is_open() -> sa.ColumnElement[bool]:
    return col(CampaignInvitation.accepted_at).is_(None)


async def put_invitation(
    session: AsyncSession, invitation: CampaignInvitation
) -> CampaignInvitation:
    """Store an invitation in place of the open one of its address, whose link ends."""
    names = CampaignInvitation.model_fields
    statement = insert(CampaignInvitation).values({n: getattr(invitation, n) for n in names})
    replaced = ("role", "invited_by", "token_hash", "inserted_at", "expires_at")
    stored = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["campaign_id", "email"],
            index_where=sa.text("accepted_at IS NULL"),
            set_={name: statement.excluded[name] for name in replaced},
        ).returning(CampaignInvitation),
        execution_options=_FRESH,
    )
    found: CampaignInvitation = stored.scalar_one()
    return found


async def open_invitations(
    session: AsyncSession, campaign_id: UUID, *, after: datetime
) -> Sequence[CampaignInvitation]:
    """Return who is invited, the last first; not what ended before ``after``."""
    query = (
        sa.select(CampaignInvitation)
        .where(
            col(CampaignInvitation.campaign_id) == campaign_id,
            _is_open(),
            col(CampaignInvitation.expires_at) > after,
        )
        .order_by(col(CampaignInvitation.inserted_at).desc(), col(CampaignInvitation.id))
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalars().all()


async def find_invitation(
    session: AsyncSession, key: UUID | str, *, is_locked: bool = False
) -> CampaignInvitation | None:
    """Return an invitation by its id (a UUID) or its token's hash, accepted or not."""
    column = CampaignInvitation.id if isinstance(key, UUID) else CampaignInvitation.token_hash
    query = (
        sa.select(CampaignInvitation)
        .where(col(column) == key)
        .execution_options(populate_existing=True)
    )
    query = query.with_for_update() if is_locked else query
    return (await session.execute(query)).scalar_one_or_none()


async def change_invitation(session: AsyncSession, invitation_id: UUID, **values: Any) -> None:
    """Write columns of an invitation."""
    statement = (
        sa.update(CampaignInvitation)
        .where(col(CampaignInvitation.id) == invitation_id)
        .values(**values)
    )
    await session.execute(statement, execution_options=_QUIET)


async def remove_invitation(
    session: AsyncSession, campaign_id: UUID, invitation_id: UUID
) -> str | None:
    """Delete an open invitation of the campaign and return its address; None if there is none."""
    removed = await session.execute(
        sa.delete(CampaignInvitation)
        .where(
            col(CampaignInvitation.id) == invitation_id,
            col(CampaignInvitation.campaign_id) == campaign_id,
            _is_open(),
        )
        .returning(col(CampaignInvitation.email)),
        execution_options=_QUIET,
    )
    return removed.scalar_one_or_none()


async def remove_invitations_by(session: AsyncSession, campaign_id: UUID, user_id: UUID) -> None:
    """Delete the open invitations that somebody made."""
    statement = sa.delete(CampaignInvitation).where(
        col(CampaignInvitation.campaign_id) == campaign_id,
        col(CampaignInvitation.invited_by) == user_id,
        _is_open(),
    )
    await session.execute(statement, execution_options=_QUIET)
