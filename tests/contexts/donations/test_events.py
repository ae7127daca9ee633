from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest

from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation, DonationSource, DonationStatus

CAMPAIGN_ID = UUID("01a20986-6915-76b1-bec7-a7d114a33699")
GIFT_ID = UUID("01a20986-b66c-7571-8e82-8a0d1a76d1f6")
CAMPAIGN = Campaign(
    id=CAMPAIGN_ID, slug="m", name="M", goal_amount=Decimal(1000), currency="IDR", version=7
)
MOMENT = datetime(2026, 3, 7, 12, tzinfo=UTC)


def gift(**changes: Any) -> Donation:
    values: dict[str, Any] = {
        "id": GIFT_ID,
        "campaign_id": CAMPAIGN_ID,
        "donor_name": "Siti",
        "donor_email": "siti@example.org",
        "amount": Decimal(50),
        "currency": "IDR",
        "counted_amount": Decimal(50),
        "status": DonationStatus.APPROVED,
        "source": DonationSource.WEB,
        "external_id": "pay-1",
        "message": "Semoga lancar",
        "version": 7,
        "inserted_at": MOMENT,
        "updated_at": MOMENT,
    }
    return Donation(**(values | changes))


class TestRow:
    def test_is_json_without_the_address(self) -> None:
        row = donations.row(gift())
        assert orjson.loads(orjson.dumps(row)) == row
        assert "siti@example.org" not in str(row)
        assert row["amount"] == row["counted_amount"] == "50.00"
        assert row["inserted_at"] == "2026-03-07T12:00:00.000000Z"

    def test_has_every_column_but_the_address_and_the_rule(self) -> None:
        left_out = {"donor_email", "one_per_donor"}
        assert donations.row(gift()).keys() == Donation.model_fields.keys() - left_out


class TestPublicGift:
    def test_shows_what_everybody_may_see(self) -> None:
        assert donations.public_gift(gift()) == {
            "id": str(GIFT_ID),
            "campaign_id": str(CAMPAIGN_ID),
            "donor_name": "Siti",
            "amount": "50.00",
            "currency": "IDR",
            "counted_amount": "50.00",
            "rate": None,
            "rate_as_of": None,
            "status": "approved",
            "message": "Semoga lancar",
            "inserted_at": "2026-03-07T12:00:00.000000Z",
            "version": 7,
        }

    def test_hides_what_the_donor_hides(self) -> None:
        assert donations.public_gift(gift(show_name=False))["donor_name"] is None
        public = donations.public_gift(gift(show_amount=False))
        assert (public["amount"], public["counted_amount"]) == (None, None)

    def test_hides_what_the_team_hides(self) -> None:
        public = donations.public_gift(gift(is_hidden=True))
        assert (public["donor_name"], public["message"]) == (None, "")
        assert public["amount"] == "50.00"

    def test_names_the_rate_of_another_currency(self) -> None:
        by = {"rate": Decimal("15000.50000000000000"), "rate_as_of": MOMENT.date()}
        public = donations.public_gift(gift(currency="USD", rate_source="ECB", **by))
        assert (public["rate"], public["rate_as_of"]) == ("15000.5", "2026-03-07")

    @pytest.mark.parametrize("show_name", [True, False])
    @pytest.mark.parametrize("show_amount", [True, False])
    def test_masks_a_row_and_an_event_alike(self, show_name: bool, show_amount: bool) -> None:
        donation = gift(show_name=show_name, show_amount=show_amount)
        told = donations.donation_created(donation, CAMPAIGN).data["donation"]
        assert donations.public_gift(donation) == donations.public_gift(told)


class TestIsPublic:
    @pytest.mark.parametrize(
        ("status", "is_test", "is_public"),
        [
            (DonationStatus.APPROVED, False, True),
            (DonationStatus.REFUNDED, False, True),
            (DonationStatus.PENDING, False, False),
            (DonationStatus.REJECTED, False, False),
            (DonationStatus.APPROVED, True, False),
        ],
    )
    def test_only_counted_gifts_are(
        self, status: DonationStatus, is_test: bool, is_public: bool
    ) -> None:
        donation = gift(status=status, is_test=is_test)
        assert donations.is_public(donation) is is_public
        assert donations.is_public(donations.row(donation)) is is_public


class TestEvents:
    def test_go_to_donations_campaigns_and_the_campaign(self) -> None:
        for make in (
            donations.donation_created,
            donations.donation_updated,
            donations.donation_deleted,
        ):
            event = make(gift(), CAMPAIGN)
            assert event.name == make.__name__
            assert event.topics == ("donations", "campaigns", f"campaign:{CAMPAIGN_ID}")
            assert event.data == {
                "donation": donations.row(gift()),
                "campaign": campaigns.summary(CAMPAIGN),
            }

    def test_the_campaign_a_gift_left_hears_it_too(self) -> None:
        event = donations.donation_updated(gift(), CAMPAIGN, left=GIFT_ID)
        assert event.topics[-1] == f"campaign:{GIFT_ID}"
