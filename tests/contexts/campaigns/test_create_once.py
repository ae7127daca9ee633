import pytest

from financial_live.contexts import campaigns
from financial_live.errors import Conflict, Invalid
from tests.contexts.factories import OPERATOR, events

pytestmark = pytest.mark.usefixtures("database")

WELLS = {"name": "Wells", "goal_amount": 5, "currency": "EUR"}


class TestCreateOnce:
    async def test_the_same_key_is_the_same_campaign_as_it_is_now(self) -> None:
        first = await campaigns.create_campaign(OPERATOR, WELLS, idempotency_key="k")
        await campaigns.update_campaign(OPERATOR, first.id, {"status": "paused"})
        again = await campaigns.create_campaign(OPERATOR, WELLS, idempotency_key="k")

        assert (again.id, again.status) == (first.id, "paused")
        assert [name for name, _, _ in await events()].count("campaign_created") == 1

    async def test_an_error_leaves_no_key(self) -> None:
        with pytest.raises(Invalid):
            await campaigns.create_campaign(OPERATOR, {}, idempotency_key="k")

        made = await campaigns.create_campaign(OPERATOR, WELLS, idempotency_key="k")

        assert made.name == "Wells"

    async def test_one_that_was_deleted_since_is_a_conflict(self) -> None:
        first = await campaigns.create_campaign(OPERATOR, WELLS, idempotency_key="k")
        await campaigns.delete_campaign(OPERATOR, first.id)

        with pytest.raises(Conflict, match="deleted since"):
            await campaigns.create_campaign(OPERATOR, WELLS, idempotency_key="k")
