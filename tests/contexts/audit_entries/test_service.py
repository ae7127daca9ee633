from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from financial_live import db
from financial_live.contexts import audit_entries, campaigns, donations, matches
from financial_live.errors import Invalid
from tests.contexts.factories import (
    OPERATOR,
    execute,
    make_campaign,
    make_gift,
    refused,
    rows,
)
from tests.contexts.people import make_admin, quick_hashes

__all__ = ["quick_hashes"]

WHY = {"reason": "Given twice"}
HERE = "203.0.113.7"


async def acts() -> list[str]:
    return [act for (act,) in await rows("SELECT act FROM audit_entry ORDER BY id")]


@pytest.mark.usefixtures("database", "quick_hashes")
class TestRecord:
    async def test_each_act_on_a_gift_says_who_what_when_and_from_where(self) -> None:
        ana = (await make_admin("Ana")).at(HERE)
        gift = await make_gift(await make_campaign(review_policy="manual"))
        done = [
            await donations.update_donation(ana, gift.id, {"message": "x"}),
            await donations.approve(ana, gift.id),
            await donations.hide(ana, gift.id),
            await donations.show(ana, gift.id),
            await donations.refund(ana, gift.id, WHY),
            await donations.undo(ana, gift.id),
        ]
        entries = await audit_entries.entries_of(gift.id)
        assert [one.act for one in entries] == [
            "update",
            "approve",
            "hide",
            "show",
            "refund",
            "undo",
        ]
        assert {(one.caller, one.user_id, one.address) for one in entries} == {
            (ana.caller, ana.user_id, HERE)
        }
        assert {one.campaign_id for one in entries} == {gift.campaign_id}
        times = [one.inserted_at for one in entries]
        assert times == sorted(times)
        assert all(at <= one.updated_at for at, one in zip(times, done, strict=True))

    async def test_a_deletion_stays_when_the_gift_is_gone(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await donations.delete_donation(OPERATOR, gift.id)
        [entry] = await audit_entries.entries_of(gift.id)
        assert (entry.act, entry.caller, entry.address) == ("delete", "operator", "")
        assert entry.details["changed"]["amount"] == ["50000.00", None]

    async def test_an_edit_says_from_what_to_what_and_of_an_address_only_that(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        attrs = {"amount": "60000", "donor_email": "other@example.org", "show_name": False}
        await donations.update_donation(OPERATOR, gift.id, attrs)
        [entry] = await audit_entries.entries_of(gift.id)
        assert entry.details["changed"] == {
            "amount": ["50000.00", "60000.00"],
            "show_name": [True, False],
            "donor_email": None,
        }
        assert "@example.org" not in str(entry.details)

    async def test_what_the_campaigns_owners_do_is_written_down_too(self) -> None:
        campaign = await make_campaign()
        challenge = {"sponsor_name": "PT Maju", "ratio": "1", "cap": "1"}
        made = await matches.create_challenge(OPERATOR, campaign.id, challenge)
        await matches.cancel_challenge(OPERATOR, campaign.id, made.id)
        milestone = {"amount": "1", "label": "The walls stand"}
        one = await campaigns.create_milestone(OPERATOR, campaign.id, milestone)
        await campaigns.delete_milestone(OPERATOR, campaign.id, one.id)
        assert await acts() == [
            "create_challenge",
            "cancel_challenge",
            "create_milestone",
            "delete_milestone",
        ]
        assert {found for (found,) in await rows("SELECT campaign_id FROM audit_entry")} == {
            campaign.id
        }

    async def test_what_changes_nothing_writes_nothing(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await donations.show(OPERATOR, gift.id)
        await donations.update_donation(OPERATOR, gift.id, {"message": ""})
        await refused(Invalid, donations.reject(OPERATOR, gift.id, {}))
        assert await acts() == []

    async def test_is_rolled_back_with_its_act(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        with pytest.raises(RuntimeError, match="stop"):
            await approve_and_stop(gift.id)
        assert await acts() == []
        assert (await donations.get_donation(OPERATOR, gift.id)).status == "pending"

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE audit_entry SET caller = 'nobody'",
            "DELETE FROM audit_entry",
            "TRUNCATE audit_entry",
        ],
    )
    async def test_is_never_changed_or_deleted(self, statement: str) -> None:
        gift = await make_gift(await make_campaign())
        await donations.hide(OPERATOR, gift.id)
        with pytest.raises(IntegrityError, match="never changed or deleted"):
            await execute(statement)


async def approve_and_stop(donation_id: Any) -> None:
    async with db.transaction():
        await donations.approve(OPERATOR, donation_id)
        raise RuntimeError("stop")


@pytest.mark.usefixtures("own_database")
class TestAllOrNothing:
    async def test_an_act_that_cannot_be_written_down_is_not_done(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await execute("ALTER TABLE audit_entry ADD CHECK (act <> 'approve')")
        with pytest.raises(IntegrityError):
            await donations.approve(OPERATOR, gift.id)
        assert (await donations.get_donation(OPERATOR, gift.id)).status == "pending"
        assert await rows("SELECT 1 FROM ledger_entry") == []
        assert (await donations.check(OPERATOR)).problems == []
