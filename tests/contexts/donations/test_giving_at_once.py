import asyncio
from decimal import Decimal
from typing import Any

import pytest

from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.errors import AppError, Invalid
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, make_campaign, make_gift


async def totals(campaign: Campaign) -> tuple[Decimal, int, int]:
    found = await campaigns.get_campaign(VISITOR, campaign.id)
    return found.total_raised, found.gift_count, found.version


@pytest.mark.usefixtures("own_database")
class TestAtOnce:
    async def settle(self, *calls: Any) -> list[Any]:
        return await asyncio.gather(*calls, return_exceptions=True)

    async def test_one_key_makes_one_gift(self) -> None:
        campaign = await make_campaign()
        call: dict[str, Any] = {"campaign": campaign.id, "idempotency_key": "k"}
        gifts = await self.settle(*(donations.give(VISITOR, GIFT, **call) for _ in range(12)))
        assert len({gift.id for gift in gifts}) == 1
        assert await totals(campaign) == (Decimal(50_000), 1, 2)

    async def test_one_external_id_makes_one_gift_even_to_two_campaigns(self) -> None:
        both = [await make_campaign(), await make_campaign()]
        gifts = await self.settle(
            *(
                donations.give(
                    VISITOR, GIFT, campaign=both[n % 2].id, source="queue", external_id="p1"
                )
                for n in range(12)
            )
        )
        assert len({gift.id for gift in gifts}) == 1
        assert sorted([(await totals(c))[1] for c in both]) == [0, 1]

    async def test_one_donor_makes_one_gift(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        outcomes = await self.settle(*(make_gift(campaign) for _ in range(12)))
        refused = [o for o in outcomes if isinstance(o, AppError)]
        assert len(refused) == 11
        assert all(o.fields == {"donor_email": ["has already been taken"]} for o in refused)
        assert await totals(campaign) == (Decimal(50_000), 1, 2)

    async def test_gifts_of_a_hundred_donors_all_count(self) -> None:
        campaign = await make_campaign()
        gifts = await self.settle(*(make_gift(campaign) for _ in range(100)))
        assert sorted(gift.version for gift in gifts) == list(range(2, 102))
        assert await totals(campaign) == (Decimal(5_000_000), 100, 101)

    async def test_a_gift_is_checked_against_the_settings_it_is_counted_under(self) -> None:
        """The gift read an open campaign, and waits for its row while somebody closes it."""
        campaign = await make_campaign()
        async with db.transaction():
            await campaigns.update_campaign(OPERATOR, campaign.id, {"status": "closed"})
            waiting = asyncio.create_task(make_gift(campaign))
            await somebody_waits()
        with pytest.raises(Invalid) as caught:
            await waiting
        assert caught.value.fields == {"campaign_id": ["is closed"]}

    async def test_a_gift_follows_a_change_of_the_review_meanwhile(self) -> None:
        campaign = await make_campaign()
        async with db.transaction():
            await campaigns.update_campaign(OPERATOR, campaign.id, {"review_policy": "manual"})
            waiting = asyncio.create_task(make_gift(campaign))
            await somebody_waits()
        assert (await waiting).status == "pending"
        assert await totals(campaign) == (Decimal(0), 0, 3)

    async def test_a_campaign_deleted_meanwhile_does_not_exist(self) -> None:
        campaign = await make_campaign()
        async with db.transaction():
            await campaigns.delete_campaign(OPERATOR, campaign.id)
            waiting = asyncio.create_task(make_gift(campaign))
            await somebody_waits()
        with pytest.raises(Invalid) as caught:
            await waiting
        assert caught.value.fields == {"campaign_id": ["does not exist"]}


async def somebody_waits() -> None:
    """Return once somebody waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with db.database().engine.connect() as connection:
        while not (await connection.exec_driver_sql(query)).scalar():
            await connection.rollback()
