from typing import Any

import pytest

from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.errors import AppError, Conflict
from tests.contexts.factories import OPERATOR, make_campaign, make_gift, set_status


async def refused(call: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await call
    return caught.value


@pytest.mark.usefixtures("database")
class TestOneGiftPerDonor:
    async def switch(self, campaign: Campaign, *, is_on: bool) -> Campaign:
        return await campaigns.update_campaign(OPERATOR, campaign.id, {"one_gift_per_donor": is_on})

    async def test_switching_on_holds_for_gifts_already_there(self) -> None:
        campaign = await make_campaign()
        gift = await make_gift(campaign)
        await self.switch(campaign, is_on=True)
        assert (await donations.get_donation(OPERATOR, gift.id)).one_per_donor
        error = await refused(make_gift(campaign, donor_email="SITI@example.org"))
        assert error.fields == {"donor_email": ["has already been taken"]}

    async def test_switching_off_lets_donors_give_again(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        gift = await make_gift(campaign)
        await self.switch(campaign, is_on=False)
        assert not (await donations.get_donation(OPERATOR, gift.id)).one_per_donor
        assert not (await make_gift(campaign)).one_per_donor

    async def test_is_refused_with_a_list_where_donors_gave_twice(self) -> None:
        campaign = await make_campaign()
        for email in ("siti@example.org", "Siti@Example.org", "b@x.de", "b@x.de", "b@x.de", "c@x"):
            await make_gift(campaign, donor_email=email)
        error = await refused(self.switch(campaign, is_on=True))
        assert isinstance(error, Conflict)
        assert error.fields == {
            "one_gift_per_donor": [
                (
                    "cannot be switched on: 2 donor(s) gave more than once: "
                    "b***@x.de (3 gifts), s***@example.org (2 gifts)"
                )
            ]
        }

    async def test_the_list_is_short_however_many_they_are(self) -> None:
        campaign = await make_campaign()
        for number in range(12):
            await make_gift(campaign, donor_email=f"{number}@x")
            await make_gift(campaign, donor_email=f"{number}@x")
        error = await refused(self.switch(campaign, is_on=True))
        assert error.message.endswith(", and 2 more.")
        assert error.message.count("***@") == 10

    async def test_tests_and_rejected_gifts_do_not_count(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        await make_gift(campaign)
        await make_gift(campaign, OPERATOR, is_test=True)
        await set_status(await make_gift(campaign), "rejected")
        assert (await self.switch(campaign, is_on=True)).one_gift_per_donor

    async def test_gifts_without_an_address_do_not_count(self) -> None:
        campaign = await make_campaign()
        for _ in range(2):
            attrs = {"donor_name": "Kotak amal", "amount": 5, "currency": "IDR"}
            await donations.give(OPERATOR, attrs, campaign=campaign.id, source="offline")
        assert (await self.switch(campaign, is_on=True)).one_gift_per_donor
