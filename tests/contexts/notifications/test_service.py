from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from financial_live.contexts import campaigns, donations, notifications
from financial_live.contexts.donations import Donation
from financial_live.errors import Unauthorized
from financial_live.scope import Scope
from tests.contexts.factories import (
    OPERATOR,
    VISITOR,
    events,
    execute,
    make_campaign,
    make_gift,
    refused,
    rows,
)
from tests.contexts.people import make_user, quick_hashes

__all__ = ["quick_hashes"]

WHY = {"reason": "Given twice"}


async def donor(email: str = "siti@example.org") -> Scope:
    return Scope.user((await make_user(email)).id)


async def waiting(scope: Scope, **attrs: Any) -> Donation:
    return await make_gift(await make_campaign(review_policy="manual", **attrs), scope)


async def kinds(scope: Scope) -> list[str]:
    return [str(one.kind) for one in await notifications.list_notifications(scope)]


@pytest.mark.usefixtures("database", "quick_hashes")
class TestNotify:
    async def test_an_approval_is_told_to_the_account_that_gave(self) -> None:
        siti, budi = await donor(), await donor("budi@example.org")
        gift = await waiting(siti)
        await donations.approve(OPERATOR, gift.id)
        [found] = await notifications.list_notifications(siti)
        assert (found.user_id, found.donation_id) == (siti.user_id, gift.id)
        assert found.message == (
            "Your donation has been approved: Rp\u00a050.000 for Build Mosque."
        )
        assert found.read_at is None
        assert await kinds(budi) == []

    async def test_every_act_that_changes_what_became_of_it_is_told(self) -> None:
        siti = await donor()
        gift = await waiting(siti)
        await donations.reject(OPERATOR, gift.id, WHY)
        await donations.undo(OPERATOR, gift.id)
        await donations.approve(OPERATOR, gift.id)
        await donations.refund(OPERATOR, gift.id, WHY)
        assert await kinds(siti) == [
            "donation_refunded",
            "donation_approved",
            "donation_undone",
            "donation_rejected",
        ]

    async def test_what_the_team_does_among_itself_is_not(self) -> None:
        siti = await donor()
        gift = await waiting(siti, dual_approval_from="1")
        await donations.approve(OPERATOR, gift.id)
        await donations.undo(OPERATOR, gift.id)
        await donations.hide(OPERATOR, gift.id)
        await donations.update_donation(OPERATOR, gift.id, {"message": "x"})
        assert await kinds(siti) == []

    async def test_the_reason_stays_in_the_team(self) -> None:
        siti = await donor()
        await donations.reject(OPERATOR, (await waiting(siti)).id, WHY)
        [found] = await notifications.list_notifications(siti)
        assert WHY["reason"] not in found.message

    async def test_a_donor_without_an_account_is_told_nothing(self) -> None:
        gift = await waiting(VISITOR)
        assert (await donations.approve(OPERATOR, gift.id)).is_counted
        assert await rows("SELECT 1 FROM notification") == []

    async def test_an_account_that_is_gone_keeps_no_gift_from_counting(self) -> None:
        siti = await donor()
        gift = await waiting(siti)
        await execute("DELETE FROM user_account WHERE id = %s", siti.user_id)
        assert (await donations.approve(OPERATOR, gift.id)).is_counted
        assert await rows("SELECT 1 FROM notification") == []

    async def test_who_enters_a_gift_by_hand_is_not_its_donor(self) -> None:
        siti = await donor()
        campaign = await make_campaign(review_policy="manual")
        await execute(
            "INSERT INTO campaign_member (campaign_id, user_id, role) VALUES (%s, %s, 'reviewer')",
            campaign.id,
            siti.user_id,
        )
        attrs = {"donor_name": "Kotak amal", "amount": "5", "currency": "IDR"}
        gift = await donations.give(siti, attrs, campaign=campaign.id, source="offline")
        await donations.approve(OPERATOR, gift.id)
        assert await kinds(siti) == []

    async def test_goes_with_a_gift_that_is_deleted(self) -> None:
        siti = await donor()
        gift = await waiting(siti)
        await donations.reject(OPERATOR, gift.id, WHY)
        await donations.delete_donation(OPERATOR, gift.id)
        assert await kinds(siti) == []


@pytest.mark.usefixtures("database", "quick_hashes")
class TestList:
    async def test_is_of_the_last_hundred_of_who_asks(self) -> None:
        siti = await donor()
        gift = await waiting(siti)
        for number in range(101):
            await notifications.notify(
                siti.user_id,
                notifications.NotificationKind.DONATION_UNDONE,
                str(number),
                donation_id=gift.id,
            )
        found = await notifications.list_notifications(siti)
        assert [one.message for one in found] == [str(number) for number in range(100, 0, -1)]
        await refused(Unauthorized, notifications.list_notifications(VISITOR))


@pytest.mark.usefixtures("own_database", "quick_hashes")
class TestAllOrNothing:
    """The seed's Multi: an approval whose notification fails has changed nothing at all."""

    @pytest.mark.parametrize("act", ["approve", "reject"])
    async def test_a_notification_that_fails_takes_the_act_with_it(self, act: str) -> None:
        siti = await donor()
        gift = await waiting(siti)
        before = await everything(gift)
        await execute("ALTER TABLE notification ADD CHECK (false)")
        with pytest.raises(IntegrityError):
            await (
                donations.approve(OPERATOR, gift.id)
                if act == "approve"
                else donations.reject(OPERATOR, gift.id, WHY)
            )
        assert await everything(gift) == before
        assert (await donations.check(OPERATOR)).problems == []


async def everything(gift: Donation) -> list[Any]:
    """Return all that an approval changes."""
    return [
        (await donations.get_donation(OPERATOR, gift.id)).model_dump(),
        (await campaigns.get_campaign(VISITOR, gift.campaign_id)).model_dump(),
        await rows("SELECT count(*) FROM ledger_entry"),
        await rows("SELECT count(*) FROM audit_entry"),
        await rows("SELECT count(*) FROM notification"),
        await events(),
    ]
