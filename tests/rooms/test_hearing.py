"""What is heard of an event is what is listed: nothing else that it may hold, now or later."""

from typing import Any
from uuid import UUID

import pytest

from financial_live.contexts import donations
from financial_live.outbox import Mark
from financial_live.rights import Act
from financial_live.rooms import Hearing, Told
from financial_live.rooms.hearing import Present
from tests.test_documentation import events

ID = UUID("01a20986-6915-76b1-bec7-a7d114a33699")
PUBLIC = Hearing(ID, frozenset())
TEAM = Hearing(ID, frozenset({Act.SEE_ALL_GIFTS, Act.LIST_MEMBERS, Act.LIST_INVITATIONS}))
CAMPAIGN = {
    "id": str(ID),
    "slug": "wells",
    "name": "Wells",
    "goal_amount": "1000",
    "currency": "USD",
    "status": "active",
    "total_raised": "10",
    "matched_total": "5",
    "transferred_total": "0",
    "total": "15",
    "gift_count": 1,
    "version": 2,
    "revision": 1,
}
GIFT: dict[str, Any] = {
    "id": "01a20986-6915-76b1-bec7-a7d114a33698",
    "campaign_id": str(ID),
    "donor_name": "Sari",
    "amount": "10",
    "currency": "USD",
    "counted_amount": "10",
    "rate": None,
    "rate_as_of": None,
    "status": "approved",
    "is_hidden": False,
    "is_test": False,
    "show_name": True,
    "show_amount": True,
    "message": "",
    "inserted_at": "2026-03-07T12:00:00.000000Z",
    "version": 2,
}
CHALLENGE = {
    "id": "01a20986-6915-76b1-bec7-a7d114a33697",
    "campaign_id": str(ID),
    "sponsor_name": "Yayasan Harapan",
    "ratio": "1.00",
    "cap": "100.00",
    "matched_amount": "10.00",
    "remaining": "90.00",
    "starts_at": "2026-03-07T12:00:00.000000Z",
    "ends_at": None,
    "cancelled_at": None,
}
NOW = Present({GIFT["id"]: donations.public_gift(GIFT)}, None)
KNOWN = {
    "campaign_created",
    "campaign_updated",
    "campaign_deleted",
    "donation_created",
    "donations_created",
    "donation_updated",
    "donation_deleted",
    "donation_approved",
    "donation_endorsed",
    "donation_rejected",
    "donation_refunded",
    "donation_undone",
    "donation_moderated",
    "milestone_reached",
    "milestone_created",
    "milestone_deleted",
    "challenge_created",
    "challenge_cancelled",
    "funds_transferred",
}
BESIDE = {"milestone": {"id": "1"}, "challenge": {"id": "2"}, "transfer": {"id": "3"}}
OF_THE_TEAM = {"member_changed", "member_invited", "invitation_cancelled"}


def heard(hearing: Hearing, name: str, **data: Any) -> Any:
    told = hearing.of_event(Told(Mark(1, 2), name, {"campaign": CAMPAIGN, **BESIDE, **data}))
    return None if told is None else told.data


class TestWhatThePublicHears:
    @pytest.mark.parametrize("name", [*events(), "something_new"])
    def test_is_listed_by_name(self, name: str) -> None:
        data = heard(PUBLIC, name, donation=GIFT)
        assert (data is not None) is (name in KNOWN)

    def test_is_listed_by_field(self) -> None:
        secret = {"secret": "new"}
        for name in sorted(KNOWN):
            data = heard(
                PUBLIC,
                name,
                donation=GIFT | secret,
                campaign=CAMPAIGN | secret,
                challenges=[CHALLENGE | secret],
                **secret,
            )
            assert "secret" not in str(data)

    def test_has_what_remains_of_challenges_but_not_when_it_is_told_again(self) -> None:
        told = Told(
            Mark(1, 2),
            "donation_created",
            {"campaign": CAMPAIGN, "donation": GIFT, "challenges": [CHALLENGE]},
        )
        live, later = PUBLIC.of_event(told), PUBLIC.of_event(told, NOW)
        assert live is not None
        assert later is not None
        assert live.data["challenges"] == [CHALLENGE]
        assert set(later.data) == {"donation", "campaign"}


class TestWhatTheTeamHears:
    @pytest.mark.parametrize("name", [*events(), "something_new"])
    def test_is_of_its_campaign(self, name: str) -> None:
        data = heard(TEAM, name, donation=GIFT)
        assert (data is not None) is (name in KNOWN | OF_THE_TEAM)

    @pytest.mark.parametrize("name", sorted(OF_THE_TEAM))
    def test_of_itself_is_what_each_may_see(self, name: str) -> None:
        assert heard(Hearing(ID, frozenset({Act.SEE_ALL_GIFTS})), name) is None
