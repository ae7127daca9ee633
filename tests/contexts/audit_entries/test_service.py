"""The audit trail is written with the act, or not at all, and never changed."""

import pytest
from sqlalchemy.exc import DBAPIError

from financial_live import db
from financial_live.contexts import audit_entries, columns, donations
from financial_live.errors import Conflict
from financial_live.scope import Scope
from tests.contexts.factories import OPERATOR, make_campaign, make_gift

pytestmark = pytest.mark.usefixtures("database")


async def execute(statement: str) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement)


class TestRecord:
    async def test_keeps_who_and_from_where(self) -> None:
        gift, campaign = columns.new_id(), columns.new_id()
        scope = Scope.user(columns.new_id()).at("198.51.100.9")
        async with db.transaction():
            await audit_entries.record(
                scope, "approve", campaign_id=campaign, donation_id=gift, details={"why": "seen"}
            )
        [entry] = await audit_entries.entries_of(gift)
        assert (entry.caller, entry.user_id) == (scope.caller, scope.user_id)
        assert (entry.act, entry.address, entry.campaign_id) == ("approve", scope.address, campaign)
        assert entry.details == {"why": "seen"}

    async def test_goes_with_the_transaction_it_was_written_in(self) -> None:
        gift = columns.new_id()
        with pytest.raises(Conflict):
            async with db.transaction():
                await audit_entries.record(
                    OPERATOR, "approve", campaign_id=columns.new_id(), donation_id=gift
                )
                raise Conflict("no")
        assert await audit_entries.entries_of(gift) == []

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE audit_entry SET act = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"],
    )
    async def test_the_database_refuses_to_change_one(self, statement: str) -> None:
        async with db.transaction():
            await audit_entries.record(OPERATOR, "approve", campaign_id=columns.new_id())
        with pytest.raises(DBAPIError, match="never changed or deleted"):
            await execute(statement)


class TestLastOf:
    async def test_is_the_last_act_but_those_left_out(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await donations.approve(OPERATOR, gift.id)
        await donations.hide(OPERATOR, gift.id)
        last = await audit_entries.last_of(gift.id)
        other = await audit_entries.last_of(gift.id, without=("hide",))
        assert (last and last.act, other and other.act) == ("hide", "approve")

    async def test_is_none_where_nothing_was_done(self) -> None:
        assert await audit_entries.last_of(columns.new_id()) is None
