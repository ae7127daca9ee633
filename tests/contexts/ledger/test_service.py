import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from financial_live.contexts import campaigns, donations, ledger
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.ledger import LedgerEntry
from financial_live.errors import Conflict, Forbidden, Invalid, NotFound
from financial_live.scope import Role, Scope
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

WHY = {"reason": "Given twice"}


async def funded(amount: str = "100", **attrs: Any) -> Campaign:
    campaign = await make_campaign(**attrs)
    await make_gift(campaign, amount=amount, currency=campaign.currency)
    return campaign


async def have(*these: Campaign) -> list[Any]:
    """Return what these campaigns have now."""
    return [(await campaigns.get_campaign(VISITOR, one.id)).total for one in these]


async def move(giver: Campaign, taker: Campaign, amount: str, **options: Any) -> LedgerEntry:
    return await ledger.transfer(OPERATOR, giver.id, taker.id, {"amount": amount}, **options)


@pytest.mark.usefixtures("database")
class TestTransfer:
    async def test_one_has_less_and_the_other_more(self) -> None:
        giver, taker = await funded(), await funded("1")
        entry = await move(giver, taker, "99.99")
        assert await have(giver, taker) == [Decimal("0.01"), Decimal("100.99")]
        found = await campaigns.get_campaign(VISITOR, giver.id)
        assert (found.total_raised, found.transferred_total) == (Decimal(100), Decimal("-99.99"))
        assert (entry.amount, entry.currency, entry.kind) == (Decimal("99.99"), "IDR", "transfer")

    async def test_each_of_the_two_hears_it_with_what_it_has_now(self) -> None:
        giver, taker = await funded(), await funded("1")
        before = len(await events())
        await move(giver, taker, "10")
        told = await events(before)
        assert [(name, data["campaign"]["total"]) for name, _, data in told] == [
            ("funds_transferred", "90.00"),
            ("funds_transferred", "11.00"),
        ]
        assert [topics for _, topics, _ in told] == [
            ["campaigns", f"campaign:{one.id}", "donations"] for one in (giver, taker)
        ]

    async def test_all_that_a_campaign_has_and_no_cent_more(self) -> None:
        giver, taker = await funded(), await make_campaign()
        error = await refused(Conflict, move(giver, taker, "100.01"))
        assert error.fields.keys() == {"amount"}
        assert await have(giver, taker) == [100, 0]
        await move(giver, taker, "100")
        await refused(Conflict, move(giver, taker, "0.01"))
        await move(taker, giver, "100")
        assert await have(giver, taker) == [100, 0]

    async def test_only_to_another_campaign_in_the_same_currency(self) -> None:
        giver, euros = await funded(), await make_campaign(currency="EUR")
        for taker, words in (
            (euros.id, "is in EUR, but must be in IDR"),
            (giver.id, "must be another campaign"),
            (giver.slug, "must be another campaign"),
            (uuid4(), "does not exist"),
            ("nowhere", "does not exist"),
        ):
            call = ledger.transfer(OPERATOR, giver.id, taker, {"amount": "1"})
            assert (await refused(Invalid, call)).fields == {"to": [words]}
        await refused(NotFound, ledger.transfer(OPERATOR, uuid4(), giver.id, {"amount": "1"}))
        assert await have(giver, euros) == [100, 0]

    @pytest.mark.parametrize("amount", [None, "", "0", "-1", "0.001", "x", 0.5, True])
    async def test_needs_an_amount_that_is_one(self, amount: object) -> None:
        giver, taker = await funded(), await make_campaign()
        call = ledger.transfer(OPERATOR, giver.id, taker.id, {"amount": amount})
        assert (await refused(Invalid, call)).fields.keys() == {"amount"}

    async def test_needs_the_right_in_both_campaigns(self) -> None:
        giver, taker = await funded(), await make_campaign()
        user = uuid4()
        scope = Scope.user(user, role=Role.MANAGER)
        await make_user_row(user)
        for mine, other in ((giver, taker), (taker, giver)):
            await join(mine, user)
            for one, two in ((mine, other), (other, mine)):
                call = ledger.transfer(scope, one.id, two.id, {"amount": "1"})
                await refused(Forbidden, call)
            await execute("DELETE FROM campaign_member WHERE user_id = %s", user)
        for one in (giver, taker):
            await join(one, user)
        await ledger.transfer(scope, giver.id, taker.id, {"amount": "1"})
        assert await have(giver, taker) == [99, 1]

    async def test_the_same_key_is_the_same_transfer(self) -> None:
        giver, taker = await funded(), await make_campaign()
        first = await move(giver, taker, "10", idempotency_key="k")
        again = await move(giver, taker, "10", idempotency_key="k")
        assert again.model_dump() == first.model_dump()
        assert await have(giver, taker) == [90, 10]
        await refused(Conflict, move(giver, taker, "11", idempotency_key="k"))

    async def test_is_written_down_in_both_campaigns(self) -> None:
        giver, taker = await funded(), await make_campaign()
        attrs = {"amount": "10", "note": "The well is paid"}
        entry = await ledger.transfer(OPERATOR, giver.id, taker.id, attrs)
        details = {
            "entry_id": str(entry.id),
            "from": str(giver.id),
            "to": str(taker.id),
            "amount": "10.00",
            "currency": "IDR",
            "note": "The well is paid",
        }
        query = "SELECT campaign_id, act, caller, details FROM audit_entry ORDER BY id"
        assert await rows(query) == [
            (one.id, "transfer", "operator", details) for one in (giver, taker)
        ]

    async def test_what_has_gone_to_another_cannot_be_given_back(self) -> None:
        giver, taker = await make_campaign(), await make_campaign()
        gift = await make_gift(giver, amount="100")
        await move(giver, taker, "60")
        error = await refused(Conflict, donations.refund(OPERATOR, gift.id, WHY))
        assert "has gone to another one" in error.message
        await donations.refund(OPERATOR, gift.id, WHY | {"amount": "40"})
        assert await have(giver, taker) == [0, 60]

    async def test_an_approval_whose_money_has_gone_cannot_be_undone(self) -> None:
        giver, taker = await make_campaign(review_policy="manual"), await make_campaign()
        gift = await make_gift(giver, amount="100")
        await donations.approve(OPERATOR, gift.id)
        await move(giver, taker, "0.01")
        await refused(Conflict, donations.undo(OPERATOR, gift.id))
        assert (await donations.get_donation(OPERATOR, gift.id)).status == "approved"

    async def test_a_campaign_that_has_moved_money_keeps_its_currency_and_stays(self) -> None:
        giver, taker = await funded(), await make_campaign()
        await move(giver, taker, "10")
        await move(taker, giver, "10")
        call = campaigns.update_campaign(OPERATOR, taker.id, {"currency": "EUR"})
        assert (await refused(Conflict, call)).fields.keys() == {"currency"}
        error = await refused(Conflict, campaigns.delete_campaign(OPERATOR, taker.id))
        assert "transfers" in error.message


async def make_user_row(user: UUID) -> None:
    await execute(
        "INSERT INTO user_account (id, email, name, password_hash, role)"
        " VALUES (%s, 'rini@example.org', 'Rini', 'x', 'manager')",
        user,
    )


async def join(campaign: Campaign, user: UUID) -> None:
    await execute(
        "INSERT INTO campaign_member (campaign_id, user_id, role) VALUES (%s, %s, 'owner')",
        campaign.id,
        user,
    )


@pytest.mark.usefixtures("database")
class TestEntries:
    """What the database itself refuses, whoever asks."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_entry SET amount = 1",
            "UPDATE ledger_entry SET amount = amount WHERE false",
            "DELETE FROM ledger_entry",
            "TRUNCATE ledger_entry",
        ],
    )
    async def test_are_never_changed_or_deleted(self, statement: str) -> None:
        await funded()
        # What waits for the end of the transaction would be in the way of the statement.
        await execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="never changed or deleted"):
            await execute(statement)

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"amount": "0"}, "amount_must_be_positive"),
            ({"amount": "-1"}, "amount_must_be_positive"),
            ({"credit_account": "'donors'"}, "accounts_must_match_kind"),
            ({"debit_account": "'sponsors'"}, "accounts_must_match_kind"),
            ({"kind": "'refund'"}, "accounts_must_match_kind"),
            ({"credit_account": "'cash'"}, "valid_credit_account|accounts_must_match_kind"),
            ({"kind": "'theft'"}, "valid_kind|accounts_must_match_kind"),
            ({"credit_campaign_id": "%(other)s"}, "only_transfers_cross_campaigns"),
            ({"donation_id": "NULL"}, "all_but_transfers_name_a_gift"),
            (
                {"kind": "'match'", "debit_account": "'sponsors'", "credit_account": "'matches'"},
                "only_matches_name_a_challenge",
            ),
            (
                {"kind": "'transfer'", "debit_account": "'transfers'"}
                | {"credit_account": "'transfers'", "donation_id": "NULL"},
                "only_transfers_cross_campaigns",
            ),
            ({"credit_account": "NULL"}, None),
            ({"debit_account": "NULL"}, None),
        ],
    )
    async def test_balance_between_the_accounts_of_their_kind(
        self, changes: dict[str, str], constraint: str | None
    ) -> None:
        campaign, other = await make_campaign(), await make_campaign()
        gift = await make_gift(campaign)
        values = {
            "id": "gen_random_uuid()",
            "kind": "'gift'",
            "debit_campaign_id": f"'{campaign.id}'",
            "debit_account": "'donors'",
            "credit_campaign_id": f"'{campaign.id}'",
            "credit_account": "'gifts'",
            "amount": "1",
            "currency": "'IDR'",
            "donation_id": f"'{gift.id}'",
        } | {name: value.replace("%(other)s", f"'{other.id}'") for name, value in changes.items()}
        names, given = ", ".join(values), ", ".join(values.values())
        statement = f"INSERT INTO ledger_entry ({names}) VALUES ({given})"
        with pytest.raises(IntegrityError, match=constraint or "null value"):
            await execute(statement)


@pytest.mark.usefixtures("own_database")
class TestAtOnce:
    async def test_opposite_transfers_are_exact_and_wait_in_no_circle(self) -> None:
        these = [await funded("1000") for _ in range(3)]
        pairs = [(one, two) for one in these for two in these if one is not two]
        await asyncio.gather(
            *(move(one, two, "3.33") for one, two in pairs * 8),
            *(make_gift(one, amount="0.01") for one in these * 4),
        )
        assert await have(*these) == [Decimal("1000.04")] * 3
        assert (await donations.check(OPERATOR)).problems == []

    async def test_nobody_takes_more_than_there_is(self) -> None:
        giver, taker = await make_campaign(), await make_campaign()
        gift = await make_gift(giver, amount="100")
        found = await asyncio.gather(
            *(move(giver, taker, "30") for _ in range(8)),
            *(donations.refund(OPERATOR, gift.id, WHY | {"amount": "30"}) for _ in range(8)),
            return_exceptions=True,
        )
        done = sum(not isinstance(one, BaseException) for one in found)
        assert done == 3
        assert {type(one) for one in found} <= {LedgerEntry, donations.Donation, Conflict, Invalid}
        left = (await have(giver))[0]
        assert left == 10
        assert (await donations.check(OPERATOR)).problems == []

    async def test_one_key_is_one_transfer(self) -> None:
        giver, taker = await funded(), await make_campaign()
        moved = await asyncio.gather(
            *(move(giver, taker, "10", idempotency_key="k") for _ in range(8))
        )
        assert len({entry.id for entry in moved}) == 1
        assert await have(giver, taker) == [90, 10]

    async def test_is_all_or_nothing(self) -> None:
        giver, taker = await funded(), await make_campaign()
        await execute("ALTER TABLE audit_entry ADD CHECK (act <> 'transfer')")
        with pytest.raises(IntegrityError):
            await move(giver, taker, "10")
        assert await have(giver, taker) == [100, 0]
        assert await rows("SELECT 1 FROM ledger_entry WHERE kind = 'transfer'") == []
        assert "funds_transferred" not in {name for name, _, _ in await events()}
