"""Invitations into a team: who is invited and how often, and who may accept."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from financial_live import db
from financial_live.contexts import campaigns, columns
from financial_live.contexts.campaigns import Campaign, CampaignRole
from financial_live.contexts.campaigns.invitations import MOST_A_DAY, MOST_OPEN
from financial_live.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from tests.contexts.campaigns.test_team import (
    COLLEAGUE,
    EVE,
    MANAGER,
    ROW,
    changes,
    join,
    person,
    refused,
    started,
    team,
    token_of,
)
from tests.contexts.factories import OPERATOR, events
from tests.contexts.people import quick_hashes, still_clock

__all__ = ["quick_hashes", "still_clock"]

pytestmark = pytest.mark.usefixtures("quick_hashes")
DEWI = "dewi@example.org"


async def fill(campaign: Campaign, count: int) -> None:
    """Have so many addresses been invited."""
    await execute(
        "INSERT INTO campaign_invitation (id, campaign_id, email, role, expires_at)"
        f" SELECT gen_random_uuid(), '{campaign.id}', n || '@example.org', 'viewer',"
        f" now() + interval '1 day' FROM generate_series(1, {count}) n"
    )


async def execute(statement: str) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement)


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
        again = await campaigns.invite(manager, campaign.id, COLLEAGUE, "owner")
        [listed] = await campaigns.list_invitations(manager, campaign.id)
        assert (listed.id, listed.role) == (again.id, "owner")
        colleague = await person(COLLEAGUE)
        newer = await token_of(again)
        assert isinstance(await refused(campaigns.accept_invitation(colleague, token)), NotFound)
        assert (await campaigns.accept_invitation(colleague, newer)).role == "owner"

    async def test_again_leaves_the_link_alive_until_another_is_mailed(self) -> None:
        manager, campaign = await started()
        token = await token_of(await campaigns.invite(manager, campaign.id, COLLEAGUE, "owner"))
        await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer")
        colleague = await person(COLLEAGUE)
        assert (await campaigns.accept_invitation(colleague, token)).role == "viewer"

    async def test_names_every_wrong_field(self) -> None:
        manager, campaign = await started()
        error = await refused(campaigns.invite(manager, campaign.id, "nobody", "king"))
        assert isinstance(error, Invalid)
        assert set(error.fields) == {"email", "role"}

    async def test_refuses_who_is_in_the_team(self) -> None:
        manager, campaign = await started()
        error = await refused(campaigns.invite(manager, campaign.id, MANAGER, "viewer"))
        assert error.fields == {"email": ["is in the team already"]}

    async def test_refuses_more_than_a_hundred_at_once(self) -> None:
        manager, campaign = await started()
        await fill(campaign, MOST_OPEN - 1)
        last = await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer")
        for scope in (manager, OPERATOR):
            error = await refused(campaigns.invite(scope, campaign.id, EVE, "viewer"))
            assert isinstance(error, Conflict)
            assert "100 addresses are invited" in error.message
        # Who is invited may be invited again, and another campaign has room of its own.
        await campaigns.invite(manager, campaign.id, COLLEAGUE, "owner")
        other = await campaigns.create_campaign(manager, ROW)
        await campaigns.invite(manager, other.id, EVE, "viewer")
        await campaigns.cancel_invitation(manager, campaign.id, last.id)
        await campaigns.invite(manager, campaign.id, EVE, "viewer")

    @pytest.mark.parametrize(
        "change",
        ["inserted_at = now() - interval '7 days', expires_at = now()", "accepted_at = now()"],
    )
    async def test_what_is_over_takes_no_room(self, change: str) -> None:
        manager, campaign = await started()
        await fill(campaign, MOST_OPEN)
        assert isinstance(
            await refused(campaigns.invite(manager, campaign.id, EVE, "viewer")), Conflict
        )
        await execute(f"UPDATE campaign_invitation SET {change} WHERE email = '7@example.org'")
        await campaigns.invite(manager, campaign.id, EVE, "viewer")

    async def test_refuses_who_has_invited_a_hundred_times_within_a_day(
        self, still_clock: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manager, campaign = await started()
        other = await campaigns.create_campaign(manager, ROW)
        # It is all the same whether they are replaced, cancelled or gone with their campaign.
        for number in range(MOST_A_DAY):
            place = campaign if number % 2 else other
            made = await campaigns.invite(manager, place.id, COLLEAGUE, "viewer")
        await campaigns.cancel_invitation(manager, campaign.id, made.id)
        await campaigns.delete_campaign(manager, other.id)
        told = len(await events())
        monkeypatch.setattr(columns, "now", lambda: still_clock + timedelta(hours=21, seconds=1))
        for _ in range(2):
            error = await refused(campaigns.invite(manager, campaign.id, EVE, "viewer"))
            assert isinstance(error, TooMany)
            assert error.retry_after_s == 3 * 3600 - 1
            assert "Wait 3 h" in error.message
        assert len(await events()) == told
        await campaigns.invite(OPERATOR, campaign.id, EVE, "viewer")
        dewi = await join(OPERATOR, campaign, DEWI, "owner")
        await campaigns.invite(dewi, campaign.id, EVE, "viewer")
        monkeypatch.setattr(columns, "now", lambda: still_clock + timedelta(days=1))
        await campaigns.invite(manager, campaign.id, EVE, "viewer")


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
        await execute("UPDATE user_account SET verified_at = NULL")
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

    async def test_of_two_who_take_the_last_room_one_is_refused(self) -> None:
        manager, campaign = await started()
        await fill(campaign, MOST_OPEN - 1)
        outcomes = await asyncio.gather(
            *(campaigns.invite(manager, campaign.id, to, "viewer") for to in (EVE, COLLEAGUE)),
            return_exceptions=True,
        )
        assert [type(o) for o in outcomes if isinstance(o, Exception)] == [Conflict]

    async def test_of_two_last_invitations_of_a_day_one_is_refused(self) -> None:
        manager, campaign = await started()
        other = await campaigns.create_campaign(manager, ROW)
        await campaigns.invite(manager, campaign.id, COLLEAGUE, "viewer")
        await execute(f"UPDATE campaign_inviter SET invitations = {MOST_A_DAY - 1}")
        outcomes = await asyncio.gather(
            *(campaigns.invite(manager, one.id, EVE, "viewer") for one in (campaign, other)),
            return_exceptions=True,
        )
        assert [type(o) for o in outcomes if isinstance(o, Exception)] == [TooMany]
