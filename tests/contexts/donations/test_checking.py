import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from financial_live import db
from financial_live.contexts import campaigns, donations, ledger, matches
from financial_live.contexts.donations import CheckReport
from financial_live.errors import Unauthorized
from tests.contexts.factories import OPERATOR, VISITOR, make_campaign, make_gift


async def execute(*statements: str) -> None:
    async with db.transaction() as session:
        for statement in statements:
            await session.execute(sa.text(statement))


@pytest.mark.usefixtures("own_database")
class TestCheck:
    async def test_an_empty_database_has_nothing_to_say(self) -> None:
        assert await donations.check(OPERATOR) == CheckReport(0, 0, [])

    async def test_what_the_use_cases_made_is_right(self) -> None:
        for policy in ("manual", "automatic"):
            campaign = await make_campaign(review_policy=policy)
            await make_gift(campaign)
            await make_gift(campaign, OPERATOR, is_test=True)
        assert await donations.check(OPERATOR) == CheckReport(2, 4, [])

    async def test_partly_refunded_gifts_count_with_the_rest(self) -> None:
        gift = await make_gift(await make_campaign())
        await donations.refund(OPERATOR, gift.id, {"amount": "20000", "reason": "Given twice"})
        assert (await donations.check(OPERATOR)).problems == []

    @pytest.mark.parametrize(
        ("damage", "problem"),
        [
            (
                "UPDATE campaign SET total_raised = 49999.99",
                "total_raised is 49999.99, but its gifts make 50000.00",
            ),
            ("UPDATE campaign SET gift_count = 2", "gift_count is 2, but 1 gifts are counted"),
            ("UPDATE campaign SET version = 1", "version is 1, but a gift has 2"),
            ("UPDATE donation SET currency = 'USD'", "is in USD, but its campaign"),
            ("UPDATE donation SET one_per_donor = true", "one_per_donor is t, but its campaign"),
            ("UPDATE donation SET refunded_amount = 1", "but its gifts make 49999.00"),
            (
                "UPDATE campaign SET total_raised = total_raised + 1",
                "total_raised is 50001.00, but its ledger account makes 50000.00",
            ),
            (
                "UPDATE donation SET refunded_amount = 1",
                "the total contains 49999.00 of it, but its ledger entries make 50000.00",
            ),
            (
                "UPDATE outbox SET position = id * 2",
                "outbox: 2 events have the positions 2 to 4",
            ),
            (
                "UPDATE outbox SET position = id",
                "outbox: topic campaigns is at seq 0, but 2 events of it are placed",
            ),
        ],
    )
    async def test_damage_is_found_and_named(self, damage: str, problem: str) -> None:
        await make_gift(await make_campaign())
        await execute(damage)
        assert problem in "\n".join((await donations.check(OPERATOR)).problems)

    @pytest.mark.parametrize(
        ("damage", "problem"),
        [
            (
                "UPDATE campaign SET matched_total = matched_total + 1",
                "matched_total is 40001.00, but its ledger account makes 40000.00",
            ),
            (
                (
                    "UPDATE campaign SET transferred_total = transferred_total + 1"
                    " WHERE transferred_total < 0"
                ),
                "transferred_total is -9.00, but its ledger account makes -10.00",
            ),
            (
                "UPDATE gift_match SET amount = amount - 1",
                "adds 39999.00 to it, but its ledger entries make 40000.00",
            ),
            ("DELETE FROM gift_match", "adds 0 to it, but its ledger entries make 40000.00"),
            (
                "UPDATE match_challenge SET matched_amount = 39999",
                "of PT Maju: has matched 39999.00, but its gifts make 40000.00",
            ),
            (
                "UPDATE milestone SET reached_at = NULL",
                "the total 89990.00 is past it, but it is not reached",
            ),
            (
                "DELETE FROM ledger_entry WHERE kind = 'gift'",
                "the total contains 50000.00 of it, but its ledger entries make 0",
            ),
            (
                "DELETE FROM ledger_entry WHERE kind = 'gift'",
                "total_raised is 50000.00, but its ledger account makes 0",
            ),
            (
                "DELETE FROM ledger_entry WHERE kind = 'match'",
                "adds 40000.00 to it, but its ledger entries make 0",
            ),
            (
                "DELETE FROM ledger_entry WHERE kind = 'transfer'",
                "transferred_total is 10.00, but its ledger account makes 0",
            ),
            (
                "UPDATE ledger_entry SET amount = 60000 WHERE kind = 'gift'",
                "but its ledger entries make 60000.00",
            ),
            ("UPDATE ledger_entry SET currency = 'USD'", "is in USD, but campaign"),
            (
                (
                    "UPDATE ledger_entry SET credit_campaign_id = c.id, debit_campaign_id = c.id"
                    " FROM campaign c WHERE c.transferred_total > 0 AND kind = 'gift'"
                ),
                "but 50000.00 of it stand in the ledger of",
            ),
        ],
    )
    async def test_damage_to_what_stands_behind_a_total_is_found_and_named(
        self, damage: str, problem: str
    ) -> None:
        campaign, other = await make_campaign(), await make_campaign()
        challenge = {"sponsor_name": "PT Maju", "ratio": "1", "cap": "40000"}
        await matches.create_challenge(OPERATOR, campaign.id, challenge)
        milestone = {"amount": "80000", "label": "The walls stand"}
        await campaigns.create_milestone(OPERATOR, campaign.id, milestone)
        await make_gift(campaign)
        await ledger.transfer(OPERATOR, campaign.id, other.id, {"amount": "10"})
        assert (await donations.check(OPERATOR)).problems == []
        # The database refuses to change an entry, so this is what only its owner can do.
        await execute(
            "ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final",
            damage,
        )
        assert problem in "\n".join((await donations.check(OPERATOR)).problems)

    async def test_a_gift_with_entries_cannot_vanish(self) -> None:
        await make_gift(await make_campaign())
        with pytest.raises(IntegrityError, match="ledger_entry_donation_id_fkey"):
            await execute("DELETE FROM donation")

    async def test_a_counted_gift_without_its_counted_amount_is_found(self) -> None:
        await make_gift(await make_campaign())
        await execute(
            "ALTER TABLE donation DROP CONSTRAINT counted_amount_must_match_status",
            "UPDATE donation SET counted_amount = NULL",
        )
        problems = "\n".join((await donations.check(OPERATOR)).problems)
        assert "is approved, but has no counted_amount" in problems

    async def test_events_that_were_placed_and_pruned_are_right(self) -> None:
        campaign = await make_campaign()
        await make_gift(campaign)
        topics = "SELECT topic, count(*) FROM outbox, unnest(topics) topic GROUP BY topic"
        await execute(
            "UPDATE outbox SET position = id",
            f"INSERT INTO topic_sequence (topic, seq) {topics} UNION SELECT '*', 2",
        )
        assert (await donations.check(OPERATOR)).problems == []
        await execute("DELETE FROM outbox WHERE id = 1")
        assert (await donations.check(OPERATOR)).problems == []
        await execute("UPDATE topic_sequence SET seq = 3 WHERE topic = '*'")
        assert (await donations.check(OPERATOR)).problems == [
            "outbox: the last event has position 2, but 3 were given"
        ]

    async def test_sees_one_moment_while_gifts_arrive(self) -> None:
        campaign = await make_campaign()
        giving = asyncio.gather(*(make_gift(campaign) for _ in range(60)))
        reports = [await donations.check(OPERATOR) for _ in range(5)]
        await giving
        assert [report.problems for report in reports] == [[]] * 5

    async def test_is_not_for_a_visitor(self) -> None:
        with pytest.raises(Unauthorized):
            await donations.check(VISITOR)
