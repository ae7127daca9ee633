"""What a caller may do in a campaign: the table of rights, asked with the place in its team."""

from collections.abc import Mapping
from uuid import UUID

from financial_live import db, rights
from financial_live.contexts.campaigns import team_repo
from financial_live.rights import Act, CampaignRole
from financial_live.scope import Scope


async def may(scope: Scope, act: Act, campaign_id: UUID | None = None) -> bool:
    """Whether the caller may do ``act`` in a campaign; in none, only the account's role counts.

    The place in the team is read in the task's transaction: it may have been lost since the page
    was opened. Raises Unavailable.
    """
    role = await _role(scope, campaign_id)
    return rights.allows(scope, act, role=role, owner=scope.user_id)


async def require(scope: Scope, act: Act, campaign_id: UUID | None = None) -> None:
    """Raise Unauthorized or Forbidden unless the caller may do ``act`` in a campaign.

    An act that changes something asks once it holds the campaign: a place may be lost meanwhile.
    """
    if not await may(scope, act, campaign_id):
        raise rights.refusal(scope, act)


async def roles(scope: Scope) -> Mapping[UUID, CampaignRole]:
    """Return the caller's places, by campaign, as they are now."""
    if scope.user_id is None:
        return {}
    async with db.reading() as session:
        return await team_repo.roles_of(session, scope.user_id)


async def _role(scope: Scope, campaign_id: UUID | None) -> CampaignRole | None:
    if scope.user_id is None or campaign_id is None:
        return None
    async with db.reading() as session:
        return await team_repo.role_of(session, campaign_id, scope.user_id)
