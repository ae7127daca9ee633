"""The room of those who review gifts: that a gift has moved, and nothing else."""

import pytest
import sqlalchemy as sa

from financial_live import db, outbox
from financial_live.contexts import campaigns, donations
from financial_live.rooms import RoomKey, review_room
from tests.contexts.factories import OPERATOR, make_campaign, make_gift

pytestmark = pytest.mark.usefixtures("own_database")

A_SECOND = 1.0


async def told() -> list[outbox.OutboxEvent]:
    async with db.transaction() as session:
        found = await session.execute(sa.select(outbox.OutboxEvent).order_by(sa.column("id")))
        return list(found.scalars())


async def stamp(key: RoomKey) -> str:
    view = (await key.load())[1]
    assert (set(view.fields), view.rows) == ({"stamp"}, {})
    return str(view.fields["stamp"])


class TestReviewRoom:
    async def test_is_read_again_after_all_that_is_told_heard_and_their_campaigns(self) -> None:
        key = review_room()
        campaign = await make_campaign(review_policy="manual", dual_approval_from="40000")
        view = (await key.load())[1]
        gift = await make_gift(campaign)
        await donations.approve(OPERATOR, gift.id)
        await donations.undo(OPERATOR, gift.id)
        await donations.hide(OPERATOR, gift.id)
        await donations.reject(OPERATOR, gift.id, {"reason": "Not a gift"})
        await campaigns.update_campaign(OPERATOR, campaign.id, {"name": "Another"})

        heard = [event for event in await told() if key.topic in event.topics]
        assert [event.name for event in heard] == [
            "donation_created",
            "donation_endorsed",
            "donation_undone",
            "donation_moderated",
            "donation_rejected",
            "campaign_updated",
        ]
        assert all(key.apply(view, event.name, event.data) is None for event in heard)

    async def test_its_stamp_is_another_when_something_was_told_heard_and_the_same_else(
        self,
    ) -> None:
        key = review_room()
        before = await stamp(key)
        assert await stamp(key) == before
        async with db.transaction() as session:
            session.add(outbox.TopicSequence(topic=key.topic, seq=1))
        assert await stamp(key) != before

    def test_is_read_once_a_second_at_most(self) -> None:
        assert 0 < review_room().read_gap_s <= A_SECOND
