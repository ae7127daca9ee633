"""What is heard of an event is what is listed: nothing else that it may hold, now or later."""

from typing import Any
from uuid import UUID

import pytest

from financial_live.outbox import Mark
from financial_live.rights import Act
from financial_live.rooms import Hearing, Told
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
    "status": "approved",
    "is_test": False,
    "show_name": True,
    "show_amount": True,
    "message": "",
    "inserted_at": "2026-03-07T12:00:00.000000Z",
    "version": 2,
}
KNOWN = {
    "campaign_created",
    "campaign_updated",
    "campaign_deleted",
    "donation_created",
    "donations_created",
    "donation_updated",
    "donation_deleted",
}
OF_THE_TEAM = {"member_changed", "member_invited", "invitation_cancelled"}


def heard(hearing: Hearing, name: str, **data: Any) -> Any:
    told = hearing.of_event(Told(Mark(1, 2), name, {"campaign": CAMPAIGN, **data}))
    return None if told is None else told.data


class TestWhatThePublicHears:
    @pytest.mark.parametrize("name", [*events(), "something_new"])
    def test_is_listed_by_name(self, name: str) -> None:
        data = heard(PUBLIC, name, donation=GIFT)
        assert (data is not None) is (name in KNOWN)

    def test_is_listed_by_field(self) -> None:
        secret = {"secret": "new"}
        for name in sorted(KNOWN):
            data = heard(PUBLIC, name, donation=GIFT | secret, campaign=CAMPAIGN | secret, **secret)
            assert "secret" not in str(data)


class TestWhatTheTeamHears:
    @pytest.mark.parametrize("name", [*events(), "something_new"])
    def test_is_of_its_campaign(self, name: str) -> None:
        data = heard(TEAM, name, donation=GIFT)
        assert (data is not None) is (name in KNOWN | OF_THE_TEAM)

    @pytest.mark.parametrize("name", sorted(OF_THE_TEAM))
    def test_of_itself_is_what_each_may_see(self, name: str) -> None:
        assert heard(Hearing(ID, frozenset({Act.SEE_ALL_GIFTS})), name) is None
