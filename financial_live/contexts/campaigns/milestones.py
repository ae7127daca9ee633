"""The use cases of milestones. Everybody sees them; a campaign's owners set them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from financial_live import db, outbox, rights
from financial_live.contexts import audit_entries, columns
from financial_live.contexts.campaigns import access, events, service
from financial_live.contexts.campaigns.models import (
    CONSTRAINTS,
    Milestone,
    MilestoneInput,
)
from financial_live.contexts.campaigns.reaching import milestones_of
from financial_live.contexts.constraints import refusals
from financial_live.contexts.inputs import checked
from financial_live.errors import Conflict, NotFound
from financial_live.rights import Act
from financial_live.scope import Scope

MOST = 50


async def list_milestones(scope: Scope, campaign_id: UUID | str) -> Sequence[Milestone]:
    """Return a campaign's milestones, the lowest first. Raises NotFound, MissingScope."""
    rights.require(scope, Act.LIST_MILESTONES)
    campaign = await service.get_campaign(scope, campaign_id)
    async with db.reading() as session:
        return await milestones_of(session, campaign.id)


async def create_milestone(
    scope: Scope, campaign_id: UUID | str, attrs: Mapping[str, Any]
) -> Milestone:
    """Set a milestone; one that the total has passed already counts as reached, and is not told.

    Emits ``milestone_created``; the campaign's settings are another revision. Raises Unauthorized,
    Forbidden, NotFound, Invalid naming every wrong field, and Conflict where there are 50 already.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    with refusals(CONSTRAINTS, overflow="amount"):
        async with db.transaction() as session:
            held = await service.locked(campaign.id)
            await access.require(scope, Act.CREATE_MILESTONE, held.id)
            given = checked(MilestoneInput, attrs)
            if len(await milestones_of(session, held.id)) >= MOST:
                raise Conflict(f"A campaign has {MOST} milestones at most; delete one first.")
            reached = columns.now() if held.total >= given.amount else None
            milestone = Milestone(campaign_id=held.id, reached_at=reached, **given.model_dump())
            session.add(milestone)
            await session.flush()
            await _tell(scope, "create_milestone", milestone, events.milestone_created)
    return milestone


async def delete_milestone(
    scope: Scope, campaign_id: UUID | str, milestone_id: UUID | str
) -> Milestone:
    """Take a milestone back, and return what it was. Emits ``milestone_deleted``.

    Raises Unauthorized, Forbidden and NotFound.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    async with db.transaction() as session:
        held = await service.locked(campaign.id)
        await access.require(scope, Act.DELETE_MILESTONE, held.id)
        known = {str(one.id): one for one in await milestones_of(session, held.id)}
        milestone = known.get(str(milestone_id))
        if milestone is None:
            raise NotFound("There is no such milestone in this campaign.")
        await session.execute(sa.delete(Milestone).where(col(Milestone.id) == milestone.id))
        session.expunge(milestone)
        await _tell(scope, "delete_milestone", milestone, events.milestone_deleted)
    return milestone


async def _tell(scope: Scope, act: str, milestone: Milestone, event: Any) -> None:
    after = await service.edited(milestone.campaign_id)
    details = {"milestone": events.milestone_row(milestone)}
    await audit_entries.record(scope, act, campaign_id=after.id, details=details)
    await outbox.append(event(milestone, after))
