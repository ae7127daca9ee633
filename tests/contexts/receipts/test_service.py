"""Receipts: for whom, of which gifts, and that what was issued stays as it is."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from financial_live import db
from financial_live.contexts import campaigns, columns, donations, receipts
from financial_live.contexts.donations import Donation
from financial_live.errors import AppError, Conflict, Forbidden, NotFound, Unauthorized
from financial_live.scope import Scope
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign, make_gift, set_status
from tests.contexts.people import EMAIL, make_user, quick_hashes, registered

__all__ = ["quick_hashes"]

pytestmark = pytest.mark.usefixtures("quick_hashes")


async def somebody(email: str = EMAIL) -> Scope:
    """Return the scope of somebody whose address is proven."""
    return Scope.user((await make_user(email)).id, is_verified=True)


async def execute(statement: str, *values: object) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement, values)


async def serials() -> list[int]:
    """Return the serials of this year's receipts, in order."""
    async with db.transaction() as session:
        connection = await session.connection()
        found = await connection.exec_driver_sql("SELECT serial FROM receipt ORDER BY serial")
        return list(found.scalars())


@pytest.fixture
def in_december(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Let it be the last moment of a year."""
    moment = datetime(2031, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    monkeypatch.setattr(columns, "now", lambda: moment)
    return moment


@pytest.mark.usefixtures("database")
class TestIssueReceipt:
    async def test_says_all_of_the_gift_whatever_is_hidden_from_others(self) -> None:
        campaign = await make_campaign(name="Build Mosque")
        gift = await make_gift(campaign, show_name=False, show_amount=False, amount="75000.50")
        issued = await receipts.issue_receipt(await somebody(), gift.id)
        assert (issued.donor_name, issued.amount, issued.currency, issued.campaign_name) == (
            "Siti Nurhaliza",
            Decimal("75000.50"),
            "IDR",
            "Build Mosque",
        )
        assert issued.given_at == gift.inserted_at
        assert issued.given_at < issued.issued_at <= columns.now()

    async def test_numbers_begin_anew_with_each_year(
        self, in_december: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign, scope = await make_campaign(), await somebody()
        gifts = [await make_gift(campaign) for _ in range(3)]
        numbers = [(await receipts.issue_receipt(scope, gift.id)).number for gift in gifts[:2]]
        monkeypatch.setattr(columns, "now", lambda: datetime(2032, 1, 1, tzinfo=UTC))
        numbers.append((await receipts.issue_receipt(scope, gifts[2].id)).number)
        assert numbers == ["2031-000001", "2031-000002", "2032-000001"]

    async def test_asked_again_it_is_the_same_whatever_was_renamed_since(self) -> None:
        campaign, scope = await make_campaign(name="Before"), await somebody()
        gift = await make_gift(campaign)
        first = await receipts.issue_receipt(scope, gift.id)
        await campaigns.update_campaign(OPERATOR, campaign.id, {"name": "After"})
        await donations.update_donation(OPERATOR, gift.id, {"donor_name": "Somebody Else"})
        again = await receipts.issue_receipt(scope, str(gift.id))
        assert (again.id, again.number) == (first.id, first.number)
        assert (again.campaign_name, again.donor_name) == ("Before", "Siti Nurhaliza")
        assert await serials() == [1]

    @pytest.mark.parametrize("status", ["pending", "rejected"])
    async def test_refuses_what_is_not_counted(self, status: str) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        await set_status(gift, status)
        with pytest.raises(Conflict):
            await receipts.issue_receipt(await somebody(), gift.id)

    async def test_refuses_a_test(self) -> None:
        gift = await make_gift(await make_campaign(), OPERATOR, is_test=True)
        with pytest.raises(Conflict):
            await receipts.issue_receipt(await somebody(), gift.id)

    async def test_what_was_given_back_keeps_its_receipt_and_gets_no_first_one(self) -> None:
        campaign, scope = await make_campaign(), await somebody()
        before, after = await make_gift(campaign), await make_gift(campaign)
        issued = await receipts.issue_receipt(scope, before.id)
        for gift in (before, after):
            await donations.refund(OPERATOR, gift.id, {"reason": "Asked for it back"})
        assert (await receipts.issue_receipt(scope, before.id)).number == issued.number
        with pytest.raises(Conflict, match="given back"):
            await receipts.issue_receipt(scope, after.id)

    async def test_does_not_find_somebody_elses_gift(self) -> None:
        gift = await make_gift(await make_campaign())
        unproven = Scope.user(await registered())
        for scope in (await somebody("budi@example.org"), unproven):
            with pytest.raises(NotFound):
                await receipts.issue_receipt(scope, gift.id)

    @pytest.mark.parametrize("id", ["", "1", uuid4(), "00000000-0000-7000-8000-000000000000"])
    async def test_does_not_find_what_is_not_there(self, id: UUID | str) -> None:
        with pytest.raises(NotFound):
            await receipts.issue_receipt(await somebody(), id)

    @pytest.mark.parametrize(
        ("scope", "error"), [(VISITOR, Unauthorized), (OPERATOR, Forbidden)], ids=["nobody", "cli"]
    )
    async def test_is_for_those_logged_in(self, scope: Scope, error: type[AppError]) -> None:
        gift = await make_gift(await make_campaign())
        with pytest.raises(error):
            await receipts.issue_receipt(scope, gift.id)


@pytest.mark.usefixtures("database")
class TestGetReceipt:
    async def test_is_what_was_issued(self) -> None:
        gift, scope = await make_gift(await make_campaign()), await somebody()
        issued = await receipts.issue_receipt(scope, gift.id)
        found = (await receipts.get_receipt(scope, str(issued.id))).receipt
        assert (found.number, found.donation_id) == (issued.number, gift.id)

    async def test_does_not_find_somebody_elses(self) -> None:
        gift, scope = await make_gift(await make_campaign()), await somebody()
        issued = await receipts.issue_receipt(scope, gift.id)
        with pytest.raises(NotFound):
            await receipts.get_receipt(await somebody("budi@example.org"), issued.id)

    async def test_an_address_that_was_corrected_takes_the_receipt_along(self) -> None:
        gift, scope = await make_gift(await make_campaign()), await somebody()
        issued = await receipts.issue_receipt(scope, gift.id)
        await donations.update_donation(OPERATOR, gift.id, {"donor_email": "budi@example.org"})
        with pytest.raises(NotFound):
            await receipts.get_receipt(scope, issued.id)
        other = await somebody("budi@example.org")
        assert (await receipts.get_receipt(other, issued.id)).receipt.number == issued.number

    @pytest.mark.parametrize("id", ["", "1", "../x", uuid4()])
    async def test_does_not_find_what_is_not_there(self, id: UUID | str) -> None:
        with pytest.raises(NotFound):
            await receipts.get_receipt(await somebody(), id)


class TestWhatWasIssued:
    """The database itself keeps it, whoever asks."""

    async def issued(self) -> tuple[Donation, receipts.Receipt]:
        gift, scope = await make_gift(await make_campaign()), await somebody()
        return gift, await receipts.issue_receipt(scope, gift.id)

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE receipt SET donor_name = 'X'", "DELETE FROM receipt", "TRUNCATE receipt"],
    )
    async def test_is_never_changed_or_deleted(
        self, own_database: db.Database, statement: str
    ) -> None:
        await self.issued()
        with pytest.raises(DBAPIError, match="never changed or deleted"):
            await execute(statement)
        assert await serials() == [1]

    async def test_keeps_its_gift(self, own_database: db.Database) -> None:
        gift, _ = await self.issued()
        with pytest.raises(Conflict, match="Refund instead"):
            await donations.delete_donation(OPERATOR, gift.id)
        with pytest.raises(DBAPIError, match="receipt_donation_id_fkey"):
            await execute("DELETE FROM donation WHERE id = %s", gift.id)


class TestAtOnce:
    async def test_two_tabs_get_one_receipt(self, own_database: db.Database) -> None:
        gift, scope = await make_gift(await make_campaign()), await somebody()
        asked = [receipts.issue_receipt(scope, gift.id) for _ in range(8)]
        assert len({(one.id, one.number) for one in await asyncio.gather(*asked)}) == 1
        assert await serials() == [1]

    async def test_numbers_have_no_gap_and_no_twin(self, own_database: db.Database) -> None:
        campaign, scope = await make_campaign(), await somebody()
        gifts = [await make_gift(campaign) for _ in range(12)]
        issued = await asyncio.gather(*[receipts.issue_receipt(scope, one.id) for one in gifts])
        assert sorted(one.serial for one in issued) == list(range(1, 13))

    async def test_a_transaction_that_fails_takes_no_number(
        self, own_database: db.Database
    ) -> None:
        campaign, scope = await make_campaign(), await somebody()
        lost, kept = await make_gift(campaign), await make_gift(campaign)
        is_taken, may_fail = asyncio.Event(), asyncio.Event()

        async def fail() -> None:
            async with db.transaction():
                await receipts.issue_receipt(scope, lost.id)
                is_taken.set()
                await may_fail.wait()
                raise ZeroDivisionError

        failing = asyncio.create_task(fail())
        await is_taken.wait()
        waiting = asyncio.create_task(receipts.issue_receipt(scope, kept.id))
        await self.somebody_waits_for_a_lock()
        assert not waiting.done()
        may_fail.set()
        with pytest.raises(ZeroDivisionError):
            await failing
        assert (await waiting).serial == 1
        assert (await receipts.issue_receipt(scope, lost.id)).serial == 2

    @staticmethod
    async def somebody_waits_for_a_lock() -> None:
        query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        query += " AND datname = current_database()"
        while True:
            async with db.transaction() as session:
                connection = await session.connection()
                if (await connection.exec_driver_sql(query)).first():
                    return
