"""The use cases of a campaign's team: who is in it, at which place, and who leaves.

Places are read from the rows at each act, and once the campaign is held: who lost theirs while the
act waited is refused. A campaign that has an owner keeps one: the last cannot leave, be removed or
be given another place. What somebody who owns it no more has invited is over.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, outbox
from financial_live.contexts.campaigns import access, events, service, team_repo
from financial_live.contexts.campaigns.members import Member, RoleInput
from financial_live.contexts.inputs import checked
from financial_live.errors import Conflict, NotFound
from financial_live.rights import Act, CampaignRole
from financial_live.scope import Scope


async def list_members(scope: Scope, campaign_id: UUID | str) -> Sequence[Member]:
    """Return a campaign's team in the order they joined; addresses for its owners only.

    Raises Unauthorized, Forbidden and NotFound.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    await access.require(scope, Act.LIST_MEMBERS, campaign.id)
    sees_emails = await access.may(scope, Act.SEE_MEMBER_EMAILS, campaign.id)
    async with db.transaction() as session:
        members = await team_repo.members(session, campaign.id)
    return members if sees_emails else [replace(member, email=None) for member in members]


async def change_member_role(
    scope: Scope, campaign_id: UUID | str, user_id: UUID | str, role: str
) -> None:
    """Give a member another place; nothing happens if they have it. Emits ``member_changed``.

    Raises Unauthorized, Forbidden, NotFound, Invalid, and Conflict for the last owner.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    async with db.transaction() as session:
        await service.locked(campaign.id)
        await access.require(scope, Act.CHANGE_MEMBER_ROLE, campaign.id)
        given = checked(RoleInput, {"role": role}).role
        member_id = _user_id(user_id)
        before = await _place(session, campaign.id, member_id)
        if before is not given:
            await _give_up(session, campaign.id, member_id, before)
            await team_repo.change_role(session, campaign.id, member_id, given)
            await outbox.append(events.member_changed(campaign.id, member_id, given))


async def remove_member(scope: Scope, campaign_id: UUID | str, user_id: UUID | str) -> None:
    """Take somebody out of a campaign's team. Emits ``member_changed``.

    Raises Unauthorized, Forbidden, NotFound, and Conflict for the last owner.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    async with db.transaction() as session:
        await service.locked(campaign.id)
        await access.require(scope, Act.REMOVE_MEMBER, campaign.id)
        await _remove(session, campaign.id, _user_id(user_id))


async def leave(scope: Scope, campaign_id: UUID | str) -> None:
    """Leave a campaign's team. Emits ``member_changed``.

    Raises Unauthorized, Forbidden and NotFound for who is not in it, and Conflict for the last
    owner.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    await access.require(scope, Act.LEAVE, campaign.id)
    assert scope.user_id is not None, "only somebody with an account may leave"
    async with db.transaction() as session:
        await service.locked(campaign.id)
        await _remove(session, campaign.id, scope.user_id)


async def _remove(session: AsyncSession, campaign_id: UUID, user_id: UUID) -> None:
    """Take somebody out of the team of a campaign that is held."""
    before = await _place(session, campaign_id, user_id)
    await _give_up(session, campaign_id, user_id, before)
    await team_repo.remove(session, campaign_id, user_id)
    await outbox.append(events.member_changed(campaign_id, user_id, None))


async def _place(session: AsyncSession, campaign_id: UUID, user_id: UUID) -> CampaignRole:
    """Return somebody's place in the team of a campaign that is held. Raises NotFound."""
    role = await team_repo.role_of(session, campaign_id, user_id)
    if role is None:
        raise NotFound("Nobody of this team is this user.")
    return role


async def _give_up(
    session: AsyncSession, campaign_id: UUID, user_id: UUID, before: CampaignRole
) -> None:
    """Let an owner go, with what they invited. Raises Conflict for the last one."""
    if before is not CampaignRole.OWNER:
        return
    if not await team_repo.has_other_owner(session, campaign_id, user_id):
        raise Conflict("A campaign keeps an owner. Make somebody else of the team one first.")
    await team_repo.remove_invitations_by(session, campaign_id, user_id)


def _user_id(value: UUID | str) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except ValueError:
        raise NotFound("Nobody of this team is this user.") from None
