from decimal import Decimal
from uuid import UUID

import orjson

from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import Campaign

ID = UUID("01a20986-6915-76b1-bec7-a7d114a33699")
CAMPAIGN = Campaign(
    id=ID, slug="build-mosque", name="Build Mosque", goal_amount=Decimal(1000), currency="IDR"
)


class TestSummary:
    def test_is_json_with_money_as_text(self) -> None:
        summary = campaigns.summary(CAMPAIGN)
        assert orjson.loads(orjson.dumps(summary)) == {
            "id": str(ID),
            "slug": "build-mosque",
            "name": "Build Mosque",
            "goal_amount": "1000.00",
            "currency": "IDR",
            "status": "active",
            "total_raised": "0.00",
            "matched_total": "0.00",
            "transferred_total": "0.00",
            "total": "0.00",
            "gift_count": 0,
            "version": 1,
            "revision": 1,
        }


class TestEvents:
    def test_go_to_all_campaigns_and_to_this_one(self) -> None:
        for make in (campaigns.campaign_created, campaigns.campaign_deleted):
            event = make(CAMPAIGN)
            assert event.name == make.__name__
            assert event.topics == ("campaigns", f"campaign:{ID}")
            assert event.data == {"campaign": campaigns.summary(CAMPAIGN)}

    def test_lists_of_gifts_hear_of_a_campaigns_new_name(self) -> None:
        event = campaigns.campaign_updated(CAMPAIGN)
        assert event.topics == ("campaigns", f"campaign:{ID}", "donations")
        assert event.data == {"campaign": campaigns.summary(CAMPAIGN)}
