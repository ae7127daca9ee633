"""Donors with an account are told what becomes of their gifts, together with that or not at all."""

from typing import Any

import pytest

from financial_live import db
from financial_live.contexts import audit_entries, campaigns, donations, notifications
from financial_live.contexts.donations import Donation
from financial_live.errors import Unauthorized, Unavailable
from financial_live.scope import Scope
from tests.contexts.factories import (
    OPERATOR,
    VISITOR,
    events,
    make_campaign,
    make_gift,
)
from tests.contexts.people import make_user, quick_hashes

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("quick_hashes")
WHY = {"reason": "Bounced"}


async def donor() -> Scope:
    return Scope.user((await make_user()).id, is_verified=True)


async def waiting(scope: Scope, **attrs: Any) -> Donation:
    campaign = await make_campaign(review_policy="manual", **attrs)
    return await make_gift(campaign, scope)


async def told(scope: Scope) -> list[str]:
    """Return what somebody was told, the last first, as it is read."""
    return [one.message for one in await notifications.list_notifications(scope)]


@pytest.mark.usefixtures("database")
class TestNotify:
    async def test_tells_the_account_that_gave(self) -> None:
        scope = await donor()
        gift = await waiting(scope)
        await donations.approve(OPERATOR, gift.id)
        [one] = await notifications.list_notifications(scope)
        assert one.message == "Your donation has been approved: Rp\u00a050.000 for Build Mosque."
        assert (one.donation_id, one.read_at) == (gift.id, None)

    async def test_tells_each_act_but_the_first_of_two_approvals(self) -> None:
        scope = await donor()
        gift = await waiting(scope, dual_approval_from="1")
        await donations.approve(OPERATOR, gift.id)
        assert await told(scope) == []
        other = Scope.user((await make_user("sari@example.org", role="admin")).id)
        await donations.approve(Scope.operator("another"), gift.id)
        await donations.refund(OPERATOR, gift.id, WHY)
        await donations.undo(OPERATOR, gift.id)
        starts = [message.split(":")[0] for message in await told(scope)]
        assert starts == [
            "A decision about your donation was taken back; it is approved now",
            "Your donation has been refunded",
            "Your donation has been approved",
        ]
        assert await told(other) == []

    async def test_who_gave_without_an_account_is_told_nothing(self) -> None:
        gift = await waiting(VISITOR)
        await donations.reject(OPERATOR, gift.id, WHY)
        async with db.transaction() as session:
            connection = await session.connection()
            found = await connection.exec_driver_sql("SELECT count(*) FROM notification")
        assert found.scalar_one() == 0

    async def test_an_account_that_is_gone_stops_nothing(self) -> None:
        scope = await donor()
        gift = await waiting(scope)
        async with db.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("DELETE FROM user_account")
        assert (await donations.approve(OPERATOR, gift.id)).status == "approved"

    async def test_is_for_those_logged_in(self) -> None:
        with pytest.raises(Unauthorized):
            await notifications.list_notifications(VISITOR)


@pytest.mark.usefixtures("own_database")
class TestAllOrNothing:
    async def test_an_approval_that_cannot_notify_leaves_nothing_behind(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gift = await waiting(await donor())
        before = await campaigns.get_campaign(OPERATOR, gift.campaign_id)
        told_before = await events()

        async def fail(*args: Any, **kwargs: Any) -> None:
            raise Unavailable("The database went away.")

        monkeypatch.setattr(notifications, "notify", fail)
        with pytest.raises(Unavailable):
            await donations.approve(OPERATOR, gift.id)
        after = await campaigns.get_campaign(OPERATOR, gift.campaign_id)
        assert (after.total_raised, after.version) == (before.total_raised, before.version)
        assert (await donations.get_donation(OPERATOR, gift.id)).status == "pending"
        assert await audit_entries.entries_of(gift.id) == []
        assert await events() == told_before
        assert (await donations.check(OPERATOR)).problems == []
