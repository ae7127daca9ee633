"""The use cases of invitations: an owner asks an address into the team, its reader accepts.

The link is made when the mail is sent, works once, for seven days, and only for the account of the
address it was sent to: who is shown the link, or finds it, gets nowhere.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, outbox, rights
from financial_live.contexts import accounts, columns
from financial_live.contexts.campaigns import access, events, service, team_repo
from financial_live.contexts.campaigns.members import (
    CampaignInvitation,
    CampaignMember,
    Invitation,
    InvitationInput,
)
from financial_live.contexts.inputs import checked
from financial_live.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from financial_live.rights import Act
from financial_live.scope import Scope

INVITATION_LIFETIME = accounts.TOKEN_LIFETIMES[accounts.Purpose.INVITE]
MOST_OPEN = 100
MOST_A_DAY = 100
_DAY = timedelta(days=1)


async def invite(scope: Scope, campaign_id: UUID | str, email: str, role: str) -> Invitation:
    """Invite an address into a campaign's team, for seven days, in place of an earlier invitation.

    Emits ``member_invited``, which has the link mailed. Raises Unauthorized, Forbidden, NotFound,
    Invalid naming every wrong field, an address of somebody in the team included, Conflict while
    100 other addresses are invited, and TooMany for who has invited 100 times within a day, into
    whatever campaigns; the operator may more often.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    async with db.transaction() as session:
        await service.locked(campaign.id)
        await access.require(scope, Act.INVITE, campaign.id)
        given = checked(InvitationInput, {"email": email, "role": role})
        moment = columns.now()
        if await team_repo.has_member_of(session, campaign.id, given.email):
            raise Invalid({"email": ["is in the team already"]})
        await _refuse_another(session, campaign.id, given.email, moment)
        if scope.user_id is not None:
            await _count(session, scope.user_id, moment)
        invitation = await team_repo.put_invitation(
            session,
            CampaignInvitation(
                campaign_id=campaign.id,
                email=given.email,
                role=given.role,
                invited_by=scope.user_id,
                inserted_at=moment,
                expires_at=moment + INVITATION_LIFETIME,
            ),
        )
        await outbox.append(events.member_invited(campaign.id, invitation.id, given.role))
    return _shown(invitation)


async def _refuse_another(
    session: AsyncSession, campaign_id: UUID, email: str, moment: datetime
) -> None:
    others = await team_repo.count_open_invitations(session, campaign_id, after=moment, but=email)
    if others >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} addresses are invited into this team, which is the most there may be at "
            "once. Cancel an invitation, or wait until one is accepted."
        )


async def _count(session: AsyncSession, user_id: UUID, moment: datetime) -> None:
    inviter = await team_repo.count_invitation(session, user_id, moment, span=_DAY)
    if inviter.invitations > MOST_A_DAY:
        wait_s = math.ceil((inviter.begun_at + _DAY - moment).total_seconds())
        raise TooMany(
            f"You have invited {MOST_A_DAY} times within a day, which is the most you may. Wait "
            f"{math.ceil(wait_s / 3600)} h before you invite again.",
            retry_after_s=wait_s,
        )


def _shown(row: CampaignInvitation) -> Invitation:
    return Invitation(
        row.id,
        row.campaign_id,
        row.email,
        row.role,
        row.invited_by,
        row.inserted_at,
        row.expires_at,
    )


async def list_invitations(scope: Scope, campaign_id: UUID | str) -> Sequence[Invitation]:
    """Return who is invited into a campaign's team, the last first; not what has expired.

    Raises Unauthorized, Forbidden and NotFound.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    await access.require(scope, Act.LIST_INVITATIONS, campaign.id)
    async with db.transaction() as session:
        rows = await team_repo.open_invitations(session, campaign.id, after=columns.now())
    return [_shown(row) for row in rows]


async def cancel_invitation(scope: Scope, campaign_id: UUID | str, id: UUID | str) -> None:
    """Take an invitation into a campaign's team back: its link ends.

    Emits ``invitation_cancelled``. Raises Unauthorized, Forbidden, and NotFound, also for one that
    was accepted.
    """
    campaign = await service.get_campaign(scope, campaign_id)
    async with db.transaction() as session:
        await service.locked(campaign.id)
        await access.require(scope, Act.CANCEL_INVITATION, campaign.id)
        gone = NotFound("There is no such invitation any more.")
        try:
            invitation_id = id if isinstance(id, UUID) else UUID(id)
        except ValueError:
            raise gone from None
        if await team_repo.remove_invitation(session, campaign.id, invitation_id) is None:
            raise gone
        await outbox.append(events.invitation_cancelled(campaign.id, invitation_id))


async def accept_invitation(scope: Scope, token: str) -> CampaignMember:
    """Join the team that the caller's address was invited into; return which, and the place in it.

    Somebody who is in it keeps their place. Emits ``member_changed``. Raises Unauthorized, NotFound
    for a link that is unknown or not the last one mailed, Forbidden unless the caller has proven to
    read the invited address, and Conflict for an invitation that was accepted or has expired.
    """
    user_id = rights.require_user(scope, Act.ACCEPT_INVITATION)
    token_hash = accounts.token_digest(token)
    user = await accounts.find_user(scope, user_id)
    async with db.transaction() as session:
        found = await team_repo.find_invitation(session, token_hash)
        if found is None:
            raise _unknown()
        await service.locked(found.campaign_id)
        invitation = await team_repo.find_invitation(session, token_hash)
        if invitation is None:
            raise _unknown()
        _refuse_other(invitation, user)
        _refuse_over(invitation)
        await team_repo.change_invitation(session, invitation.id, accepted_at=columns.now())
        return await _join(session, invitation, user_id)


def _unknown() -> NotFound:
    return NotFound("This invitation does not work any more. Ask for a new one.")


def _refuse_other(invitation: CampaignInvitation, user: accounts.User) -> None:
    if user.email != invitation.email:
        raise Forbidden(
            "This invitation is for another address. Log in with the account of the address that "
            "it was sent to."
        )
    if not user.is_verified:
        raise Forbidden("Prove your address first; then open the link of the invitation again.")


def _refuse_over(invitation: CampaignInvitation) -> None:
    if invitation.accepted_at is not None:
        raise Conflict("This invitation was accepted already.")
    if invitation.expires_at <= columns.now():
        raise Conflict("This invitation has expired. Ask for a new one.")


async def _join(
    session: AsyncSession, invitation: CampaignInvitation, user_id: UUID
) -> CampaignMember:
    campaign_id = invitation.campaign_id
    if await team_repo.add(session, campaign_id, user_id, invitation.role):
        await outbox.append(events.member_changed(campaign_id, user_id, invitation.role))
    role = await team_repo.role_of(session, campaign_id, user_id)
    assert role is not None, "who was added is in the team"
    return CampaignMember(campaign_id=campaign_id, user_id=user_id, role=role)


async def issue_invitation(scope: Scope, id: UUID) -> tuple[str, str]:
    """Make the token of an invitation's link; return the address to mail it to, and the token.

    The one made before ends. Raises Forbidden, and NotFound if the invitation was accepted or
    cancelled, or has expired.
    """
    rights.require(scope, Act.ISSUE_INVITATION)
    async with db.transaction() as session:
        found = await team_repo.find_invitation(session, id, is_locked=True)
        if found is None or found.accepted_at or found.expires_at <= columns.now():
            raise NotFound("There is nobody to send this to.")
        token, token_hash = accounts.mint_token()
        await team_repo.change_invitation(session, id, token_hash=token_hash)
        return found.email, token
