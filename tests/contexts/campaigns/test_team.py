"""A campaign's team: who joins it, by which way, and that it never loses its last owner."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from financial_live import db
from financial_live.contexts import campaigns, columns, donations
from financial_live.contexts.campaigns import Campaign, CampaignRole, Invitation
from financial_live.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR, events, make_campaign, make_gift
from tests.contexts.people import make_user, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("quick_hashes")
MANAGER = "rani@example.org"
COLLEAGUE = "budi@example.org"
EVE = "eve@example.org"
ROW = {"name": "Wells", "goal_amount": 100, "currency": "IDR"}


async def person(email: str, role: Role = Role.DONOR) -> Scope:
    user = await make_user(email, role=role.value)
    return Scope.user(user.id, role=role, is_verified=True)


async def started() -> tuple[Scope, Campaign]:
    """Return a manager, and a campaign of theirs."""
    manager = await person(MANAGER, Role.MANAGER)
    return manager, await campaigns.create_campaign(manager, ROW)


async def token_of(invitation: Invitation) -> str:
    return (await campaigns.issue_invitation(OPERATOR, invitation.id))[1]


async def join(owner: Scope, campaign: Campaign, email: str, role: str) -> Scope:
    """Bring somebody into the team."""
    scope = await person(email)
    token = await token_of(await campaigns.invite(owner, campaign.id, email, role))
    await campaigns.accept_invitation(scope, token)
    return scope


async def team(campaign: Campaign) -> list[tuple[str | None, CampaignRole]]:
    return [(m.email, m.role) for m in await campaigns.list_members(OPERATOR, campaign.id)]


async def changes() -> list[tuple[list[str], dict[str, Any]]]:
    return [(topics, data) for name, topics, data in await events() if name == "member_changed"]


async def refused(call: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await call
    return caught.value


@pytest.mark.usefixtures("database")
class TestCreate:
    async def test_who_starts_a_campaign_owns_it(self) -> None:
        _, campaign = await started()
        assert await team(campaign) == [(MANAGER, CampaignRole.OWNER)]
        # Nobody has seen it without them, so their pages need not learn of it.
        assert await changes() == []

    async def test_the_operator_and_admins_start_one_without_an_owner(self) -> None:
        admin = await person("ada@example.org", Role.ADMIN)
        assert await team(await make_campaign()) == []
        assert await team(await campaigns.create_campaign(admin, ROW)) == []

    async def test_the_team_goes_with_the_campaign(self) -> None:
        manager, campaign = await started()
        await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer")
        await campaigns.delete_campaign(manager, campaign.id)
        assert isinstance(await refused(campaigns.list_members(manager, campaign.id)), NotFound)


@pytest.mark.usefixtures("database")
class TestInvite:
    async def test_is_told_without_the_address_or_a_secret(self) -> None:
        manager, campaign = await started()
        invitation = await campaigns.invite(manager, campaign.id, COLLEAGUE.upper(), "reviewer")
        assert (invitation.email, invitation.role) == (COLLEAGUE, "reviewer")
        assert invitation.invited_by == manager.user_id
        assert invitation.expires_at - invitation.inserted_at == timedelta(days=7)
        assert (await events())[-1] == (
            "member_invited",
            [f"campaign:{campaign.id}"],
            {
                "campaign_id": str(campaign.id),
                "invitation_id": str(invitation.id),
                "role": "reviewer",
            },
        )

    async def test_again_takes_the_place_of_the_one_before(self) -> None:
        manager, campaign = await started()
        first = await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer")
        token = await token_of(first)
        await campaigns.invite(manager, campaign.id, COLLEAGUE, "owner")
        [listed] = await campaigns.list_invitations(manager, campaign.id)
        assert listed.role == "owner"
        colleague = await person(COLLEAGUE)
        assert isinstance(await refused(campaigns.accept_invitation(colleague, token)), NotFound)

    async def test_names_every_wrong_field(self) -> None:
        manager, campaign = await started()
        error = await refused(campaigns.invite(manager, campaign.id, "nobody", "king"))
        assert isinstance(error, Invalid)
        assert set(error.fields) == {"email", "role"}

    async def test_refuses_who_is_in_the_team(self) -> None:
        manager, campaign = await started()
        error = await refused(campaigns.invite(manager, campaign.id, MANAGER, "viewer"))
        assert error.fields == {"email": ["is in the team already"]}


@pytest.mark.usefixtures("database")
class TestAccept:
    async def test_joins_at_the_place_offered(self) -> None:
        manager, campaign = await started()
        colleague = await join(manager, campaign, COLLEAGUE, "reviewer")
        assert (COLLEAGUE, CampaignRole.REVIEWER) in await team(campaign)
        assert await campaigns.list_invitations(manager, campaign.id) == []
        assert (await changes())[-1][1]["user_id"] == str(colleague.user_id)

    async def test_works_once(self) -> None:
        manager, campaign = await started()
        colleague = await person(COLLEAGUE)
        token = await token_of(await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer"))
        assert (await campaigns.accept_invitation(colleague, token)).role == "viewer"
        await campaigns.leave(colleague, campaign.id)
        error = await refused(campaigns.accept_invitation(colleague, token))
        assert isinstance(error, Conflict)
        assert "accepted already" in error.message

    async def test_is_for_the_invited_address_only(self) -> None:
        manager, campaign = await started()
        other = await person("eve@example.org")
        token = await token_of(await campaigns.invite(manager, campaign.id, COLLEAGUE, "owner"))
        error = await refused(campaigns.accept_invitation(other, token))
        assert isinstance(error, Forbidden)
        assert "another address" in error.message
        assert await team(campaign) == [(MANAGER, CampaignRole.OWNER)]

    async def test_needs_a_proven_address(self) -> None:
        manager, campaign = await started()
        colleague = await person(COLLEAGUE)
        async with db.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE user_account SET verified_at = NULL")
        token = await token_of(await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer"))
        error = await refused(campaigns.accept_invitation(colleague, token))
        assert isinstance(error, Forbidden)
        assert "Prove your address" in error.message

    async def test_ends_after_seven_days(self, monkeypatch: pytest.MonkeyPatch) -> None:
        manager, campaign = await started()
        colleague = await person(COLLEAGUE)
        invitation = await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer")
        token = await token_of(invitation)
        monkeypatch.setattr(columns, "now", lambda: invitation.expires_at)
        error = await refused(campaigns.accept_invitation(colleague, token))
        assert isinstance(error, Conflict)
        assert "expired" in error.message
        assert await campaigns.list_invitations(manager, campaign.id) == []
        assert isinstance(await refused(token_of(invitation)), NotFound)

    @pytest.mark.parametrize("token", ["", "x", "\x00", "é", "x" * 500])
    async def test_what_is_no_token_is_not_found(self, token: str) -> None:
        colleague = await person(COLLEAGUE)
        assert isinstance(await refused(campaigns.accept_invitation(colleague, token)), NotFound)


@pytest.mark.usefixtures("database")
class TestCancel:
    async def test_ends_the_link(self) -> None:
        manager, campaign = await started()
        invitation = await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer")
        token = await token_of(invitation)
        await campaigns.cancel_invitation(manager, campaign.id, str(invitation.id))
        assert (await events())[-1] == (
            "invitation_cancelled",
            [f"campaign:{campaign.id}"],
            {"campaign_id": str(campaign.id), "invitation_id": str(invitation.id)},
        )
        colleague = await person(COLLEAGUE)
        assert isinstance(await refused(campaigns.accept_invitation(colleague, token)), NotFound)

    async def test_another_campaigns_is_not_found(self) -> None:
        manager, campaign = await started()
        other = await campaigns.create_campaign(manager, ROW)
        invitation = await campaigns.invite(manager, other.id, COLLEAGUE, "viewer")
        for key in (invitation.id, uuid4(), "x"):
            error = await refused(campaigns.cancel_invitation(manager, campaign.id, key))
            assert isinstance(error, NotFound)


@pytest.mark.usefixtures("database")
class TestChange:
    async def test_gives_another_place(self) -> None:
        manager, campaign = await started()
        colleague = await join(manager, campaign, COLLEAGUE, "viewer")
        assert colleague.user_id is not None
        await campaigns.change_member_role(manager, campaign.id, colleague.user_id, "owner")
        assert (COLLEAGUE, CampaignRole.OWNER) in await team(campaign)
        told = await changes()
        assert told[-1][1]["role"] == "owner"
        await campaigns.change_member_role(manager, campaign.id, colleague.user_id, "owner")
        assert await changes() == told

    async def test_the_last_owner_stays(self) -> None:
        manager, campaign = await started()
        await join(manager, campaign, COLLEAGUE, "reviewer")
        assert manager.user_id is not None
        for call in (
            campaigns.change_member_role(OPERATOR, campaign.id, manager.user_id, "viewer"),
            campaigns.remove_member(OPERATOR, campaign.id, manager.user_id),
            campaigns.leave(manager, campaign.id),
        ):
            assert isinstance(await refused(call), Conflict)

    async def test_an_owner_who_goes_takes_their_invitations_along(self) -> None:
        manager, campaign = await started()
        colleague = await join(manager, campaign, COLLEAGUE, "owner")
        await campaigns.invite(colleague, campaign.id, "eve@example.org", "owner")
        await campaigns.invite(manager, campaign.id, "dewi@example.org", "viewer")
        await campaigns.leave(colleague, campaign.id)
        [left] = await campaigns.list_invitations(manager, campaign.id)
        assert left.email == "dewi@example.org"

    async def test_who_is_not_in_the_team_is_not_found(self) -> None:
        manager, campaign = await started()
        for user_id in (uuid4(), "x", "\x00"):
            error = await refused(campaigns.remove_member(manager, campaign.id, user_id))
            assert isinstance(error, NotFound)

    async def test_removing_tells_the_removed(self) -> None:
        manager, campaign = await started()
        colleague = await join(manager, campaign, COLLEAGUE, "viewer")
        assert colleague.user_id is not None
        await campaigns.remove_member(manager, campaign.id, colleague.user_id)
        topics, data = (await changes())[-1]
        assert topics == [f"campaign:{campaign.id}", f"user:{colleague.user_id}"]
        assert data["role"] is None


@pytest.mark.usefixtures("database")
class TestListMembers:
    async def test_is_for_the_team(self) -> None:
        _, campaign = await started()
        assert isinstance(
            await refused(campaigns.list_members(await person(COLLEAGUE), campaign.id)), Forbidden
        )
        assert not isinstance(
            await refused(campaigns.list_members(VISITOR, campaign.id)), Forbidden
        )


@pytest.mark.usefixtures("own_database")
class TestAtOnce:
    async def test_of_many_who_accept_one_succeeds(self) -> None:
        manager, campaign = await started()
        colleague = await person(COLLEAGUE)
        token = await token_of(await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer"))
        outcomes = await asyncio.gather(
            *(campaigns.accept_invitation(colleague, token) for _ in range(4)),
            return_exceptions=True,
        )
        refusals = [type(o) for o in outcomes if isinstance(o, Exception)]
        assert refusals == [Conflict] * 3
        assert len(await team(campaign)) == 2

    async def test_of_two_owners_who_leave_one_stays(self) -> None:
        manager, campaign = await started()
        colleague = await join(manager, campaign, COLLEAGUE, "owner")
        outcomes = await asyncio.gather(
            campaigns.leave(manager, campaign.id),
            campaigns.leave(colleague, campaign.id),
            return_exceptions=True,
        )
        assert [type(o) for o in outcomes if o is not None] == [Conflict]
        assert len(await team(campaign)) == 1

    async def test_who_is_removed_while_they_wait_invites_nobody(self) -> None:
        manager, campaign = await started()
        colleague = await join(manager, campaign, COLLEAGUE, "owner")
        invite = campaigns.invite(colleague, campaign.id, EVE, "owner")
        refusal = await refused_after_removal(manager, campaign, colleague, invite)
        assert isinstance(refusal, Forbidden)
        assert await campaigns.list_invitations(manager, campaign.id) == []

    @pytest.mark.parametrize(
        "act",
        [
            "change_member_role",
            "remove_member",
            "cancel_invitation",
            "update_campaign",
            "delete_campaign",
            "update_donation",
            "delete_donation",
        ],
    )
    async def test_who_is_removed_while_they_wait_changes_nothing(self, act: str) -> None:
        manager, campaign = await started()
        colleague = await join(manager, campaign, COLLEAGUE, "owner")
        assert manager.user_id is not None
        invitation = await campaigns.invite(manager, campaign.id, EVE, "viewer")
        gift = await make_gift(campaign)
        calls: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "change_member_role": lambda: campaigns.change_member_role(
                colleague, campaign.id, manager.user_id or "", "viewer"
            ),
            "remove_member": lambda: campaigns.remove_member(
                colleague, campaign.id, manager.user_id or ""
            ),
            "cancel_invitation": lambda: campaigns.cancel_invitation(
                colleague, campaign.id, invitation.id
            ),
            "update_campaign": lambda: campaigns.update_campaign(
                colleague, campaign.id, {"name": "Eve"}
            ),
            "delete_campaign": lambda: campaigns.delete_campaign(colleague, campaign.id),
            "update_donation": lambda: donations.update_donation(
                colleague, gift.id, {"donor_name": "Eve"}
            ),
            "delete_donation": lambda: donations.delete_donation(colleague, gift.id),
        }
        refusal = await refused_after_removal(manager, campaign, colleague, calls[act]())
        assert isinstance(refusal, Forbidden)


async def refused_after_removal(
    owner: Scope, campaign: Campaign, other: Scope, call: Coroutine[Any, Any, Any]
) -> AppError:
    """Remove ``other`` from the team while their ``call`` waits for the campaign."""
    assert other.user_id is not None
    async with db.transaction():
        await campaigns.locked(campaign.id)
        waiting = asyncio.create_task(call)
        await somebody_waits()
        await campaigns.remove_member(owner, campaign.id, other.user_id)
    return await refused(waiting)


async def somebody_waits() -> None:
    """Return once somebody waits for a lock in this database."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with db.database().engine.connect() as connection:
        while not (await connection.exec_driver_sql(query)).scalar():
            await connection.rollback()
