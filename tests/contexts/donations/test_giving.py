from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation
from financial_live.errors import Conflict, Invalid, Unauthorized
from financial_live.scope import Scope
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, events, make_campaign, make_gift


async def fields(campaign: UUID | str | None, scope: Scope = VISITOR, **attrs: Any) -> Any:
    """Return what is wrong with a gift."""
    with pytest.raises(Invalid) as caught:
        await donations.give(scope, GIFT | attrs, campaign=campaign)
    return caught.value.fields


async def totals(campaign: Campaign) -> tuple[Decimal, int, int]:
    found = await campaigns.get_campaign(VISITOR, campaign.id)
    return found.total_raised, found.gift_count, found.version


@pytest.mark.usefixtures("database")
class TestGive:
    async def test_is_stored_as_given(self) -> None:
        campaign = await make_campaign()
        name = "\u202bفاطمة الزهراء\u202c"
        given = await make_gift(
            campaign, donor_name=f" {name} ", message="Semoga\nlancar", show_name="off", extra=1
        )
        found = await donations.get_donation(OPERATOR, given.id)
        assert found.model_dump() == given.model_dump()
        assert found.donor_name == name
        assert (found.message, found.show_name, found.show_amount) == (
            "Semoga\nlancar",
            False,
            True,
        )
        assert given.campaign.id == found.campaign.id == campaign.id

    async def test_automatic_review_counts_at_once(self) -> None:
        campaign = await make_campaign()
        given = await make_gift(campaign)
        assert (str(given.status), given.version) == ("approved", 2)
        assert given.counted_amount == 50_000
        assert given.campaign.total_raised == 50_000
        assert await totals(campaign) == (Decimal(50_000), 1, 2)

    async def test_manual_review_counts_nothing_but_a_version(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        given = await make_gift(campaign)
        assert (str(given.status), given.counted_amount, given.version) == ("pending", None, 2)
        assert await totals(campaign) == (Decimal(0), 0, 2)

    async def test_a_test_gift_is_never_counted(self) -> None:
        campaign = await make_campaign()
        given = await make_gift(campaign, OPERATOR, is_test=True)
        assert (str(given.status), given.counted_amount, given.version) == ("approved", None, 2)
        assert await totals(campaign) == (Decimal(0), 0, 2)

    async def test_is_announced_with_the_campaign_as_it_is_after(self) -> None:
        campaign = await make_campaign()
        given = await make_gift(campaign)
        after = await campaigns.get_campaign(VISITOR, campaign.id)
        [(name, topics, data)] = await events(after=1)
        assert name == "donation_created"
        assert topics == ["donations", "campaigns", f"campaign:{campaign.id}"]
        assert data == {"donation": donations.row(given), "campaign": campaigns.summary(after)}

    async def test_the_campaign_is_named_by_id_or_slug_or_in_the_gift(self) -> None:
        campaign = await make_campaign()
        for key in (campaign.id, str(campaign.id), campaign.slug):
            assert (await donations.give(VISITOR, GIFT, campaign=key)).campaign_id == campaign.id
            given = await donations.give(VISITOR, GIFT | {"campaign_id": key})
            assert given.campaign_id == campaign.id

    async def test_the_door_that_knows_the_campaign_decides(self) -> None:
        campaign, other = await make_campaign(), await make_campaign()
        given = await make_gift(campaign, campaign_id=other.id)
        assert given.campaign_id == campaign.id

    async def test_keeps_the_donors_account(self) -> None:
        campaign, user = await make_campaign(), uuid4()
        given = await make_gift(campaign, Scope("user", user_id=user))
        assert given.user_id == user

    async def test_cannot_choose_what_only_we_decide(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        forged: dict[str, Any] = {
            "status": "approved",
            "counted_amount": 5,
            "user_id": uuid4(),
            "id": uuid4(),
        }
        given = await make_gift(campaign, version=99, one_per_donor=True, **forged)
        assert (str(given.status), given.user_id, given.version) == ("pending", None, 2)
        assert given.id != forged["id"]
        assert not given.one_per_donor

    async def test_a_refused_gift_changes_and_tells_nothing(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        await make_gift(campaign)
        before = (await totals(campaign), await events())
        assert await fields(campaign.id) == {"donor_email": ["has already been taken"]}
        assert (await totals(campaign), await events()) == before


@pytest.mark.usefixtures("database")
class TestValidation:
    async def test_reports_every_wrong_field_at_once(self) -> None:
        assert await fields(
            None, donor_name="", donor_email="x", amount="0", currency="GBP", message="x" * 501
        ) == {
            "donor_name": ["can't be blank"],
            "donor_email": ["is invalid"],
            "amount": ["must be greater than 0"],
            "currency": ["is invalid: use one of IDR, USD, EUR"],
            "campaign_id": ["can't be blank"],
            "message": ["should be at most 500 character(s)"],
        }

    async def test_nothing_at_all_is_blank(self) -> None:
        with pytest.raises(Invalid) as caught:
            await donations.give(VISITOR, {})
        needed = ("donor_name", "donor_email", "amount", "currency", "campaign_id")
        assert caught.value.fields == {name: ["can't be blank"] for name in needed}

    @pytest.mark.parametrize("key", [str(UUID(int=1)), "nothing", "\x00", "\ud800", "x" * 9999])
    async def test_an_unknown_campaign_does_not_exist(self, key: str) -> None:
        assert await fields(key) == {"campaign_id": ["does not exist"]}
        assert await fields(None, campaign_id=key) == {"campaign_id": ["does not exist"]}

    @pytest.mark.parametrize("key", [5, True, ["x"], {"id": 1}])
    async def test_what_names_no_campaign_is_invalid(self, key: object) -> None:
        assert await fields(None, campaign_id=key) == {"campaign_id": ["is invalid"]}

    @pytest.mark.parametrize("status", ["closed", "paused"])
    async def test_a_campaign_that_takes_nothing_says_so(self, status: str) -> None:
        campaign = await make_campaign(status=status)
        assert await fields(campaign.id) == {"campaign_id": [f"is {status}"]}

    async def test_the_currency_is_the_campaigns_where_there_is_no_rate(self) -> None:
        campaign = await make_campaign()
        assert await fields(campaign.id, currency="USD") == {
            "currency": ["has no exchange rate to IDR: give in IDR"]
        }

    async def test_an_amount_is_at_most_the_campaigns_largest(self) -> None:
        campaign = await make_campaign(max_gift="100000")
        assert (await make_gift(campaign, amount="100000")).amount == 100_000
        assert await fields(campaign.id, amount="100000.01") == {
            "amount": ["must be at most Rp\u00a0100.000"]
        }

    async def test_an_amount_is_at_most_what_the_column_holds(self) -> None:
        campaign = await make_campaign()
        assert (await make_gift(campaign, amount="9999999999999.99")).version == 2
        assert await fields(campaign.id, amount="10000000000000") == {"amount": ["is too large"]}

    @pytest.mark.parametrize(
        ("amount", "message"),
        [
            ("0", "must be greater than 0"),
            ("-5", "must be greater than 0"),
            ("fifty", "is invalid"),
            ("1.234", "must have at most 2 decimal places"),
            ("NaN", "is invalid"),
            ("1e400", "is invalid"),
            (50.5, "is invalid"),
            (True, "is invalid"),
        ],
    )
    async def test_an_amount_is_a_positive_number(self, amount: object, message: str) -> None:
        campaign = await make_campaign()
        assert await fields(campaign.id, amount=amount) == {"amount": [message]}

    @pytest.mark.parametrize("email", ["siti", "@", "a@@b", "a b@c", "a@b\x00"])
    async def test_an_address_is_one(self, email: str) -> None:
        campaign = await make_campaign()
        assert await fields(campaign.id, donor_email=email) == {"donor_email": ["is invalid"]}

    @pytest.mark.parametrize("text", ["a\x00b", "a\x07b", "\ud800"])
    async def test_no_text_has_control_characters(self, text: str) -> None:
        campaign = await make_campaign()
        control = ["is invalid: it has control characters"]
        found = await fields(campaign.id, donor_name=text, message=text)
        assert found == {"donor_name": control, "message": control}

    async def test_the_total_may_outgrow_its_column_without_a_defect(self) -> None:
        campaign = await make_campaign()
        async with db.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE campaign SET total_raised = 1e18 - 1")
        assert await fields(campaign.id) == {"amount": ["is too large"]}

    async def test_an_unknown_source_is_refused(self) -> None:
        campaign = await make_campaign()
        with pytest.raises(Invalid) as caught:
            await donations.give(VISITOR, GIFT, campaign=campaign.id, source="fax")
        assert caught.value.fields.keys() == {"source"}


@pytest.mark.usefixtures("database")
class TestRights:
    async def test_a_visitor_gives_no_test_gifts(self) -> None:
        campaign = await make_campaign()
        with pytest.raises(Unauthorized):
            await make_gift(campaign, is_test=True)

    async def test_a_visitor_records_no_offline_gifts(self) -> None:
        campaign = await make_campaign()
        with pytest.raises(Unauthorized):
            await donations.give(VISITOR, GIFT, campaign=campaign.id, source="offline")

    async def test_an_offline_gift_needs_no_address(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        attrs = {"donor_name": "Kotak amal", "amount": "5", "currency": "IDR", "donor_email": ""}
        for _ in range(2):
            given = await donations.give(OPERATOR, attrs, campaign=campaign.id, source="offline")
            assert given.donor_email is None

    async def test_any_other_gift_needs_one_even_of_the_operator(self) -> None:
        campaign = await make_campaign()
        for blank in (None, "", " "):
            found = await fields(campaign.id, OPERATOR, donor_email=blank)
            assert found == {"donor_email": ["can't be blank"]}


@pytest.mark.usefixtures("database")
class TestOneGiftPerDonor:
    async def test_a_second_gift_is_refused_without_telling_who_gave(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        await make_gift(campaign, donor_name="Rahasia", donor_email="siti@example.org")
        with pytest.raises(Invalid) as caught:
            await make_gift(campaign, donor_email="Siti@EXAMPLE.org")
        assert caught.value.message == "donor_email has already been taken"

    async def test_counts_per_campaign(self) -> None:
        for _ in range(2):
            given = await make_gift(await make_campaign(one_gift_per_donor=True))
            assert given.one_per_donor

    async def test_test_gifts_are_free(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        await make_gift(campaign, OPERATOR, is_test=True)
        await make_gift(campaign, OPERATOR, is_test=True)
        assert (await make_gift(campaign)).one_per_donor


@pytest.mark.usefixtures("database")
class TestIdempotencyKey:
    async def give(self, campaign: Campaign, scope: Scope = VISITOR, **attrs: Any) -> Donation:
        return await donations.give(scope, GIFT | attrs, campaign=campaign.id, idempotency_key="k1")

    async def test_a_repeated_gift_is_the_first_one(self) -> None:
        campaign = await make_campaign()
        first = await self.give(campaign)
        again = await self.give(campaign)
        assert again.model_dump() == first.model_dump()
        assert again.campaign.slug == campaign.slug
        assert await totals(campaign) == (Decimal(50_000), 1, 2)

    async def test_another_gift_under_the_key_is_a_conflict(self) -> None:
        campaign = await make_campaign()
        await self.give(campaign)
        with pytest.raises(Conflict, match="already used for a different request"):
            await self.give(campaign, amount="60000")

    async def test_a_refused_gift_may_be_repaired_under_its_key(self) -> None:
        campaign = await make_campaign()
        with pytest.raises(Invalid):
            await self.give(campaign, amount="0")
        assert (await self.give(campaign)).version == 2

    async def test_keys_are_the_callers_own(self) -> None:
        campaign = await make_campaign()
        one = await self.give(campaign, Scope.visitor("visitor:1"))
        other = await self.give(campaign, Scope.visitor("visitor:2"))
        assert one.id != other.id

    async def test_a_replay_survives_the_close_of_the_campaign(self) -> None:
        campaign = await make_campaign()
        first = await self.give(campaign)
        await campaigns.update_campaign(OPERATOR, campaign.id, {"status": "closed"})
        assert (await self.give(campaign)).id == first.id

    async def test_a_gift_deleted_since_is_a_conflict_not_a_second_gift(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        first = await self.give(campaign)
        await donations.delete_donation(OPERATOR, first.id)
        with pytest.raises(Conflict, match="deleted since"):
            await self.give(campaign)

    @pytest.mark.parametrize("key", ["", "x" * 256, "a\x00", "\ud800"])
    async def test_a_key_that_cannot_be_stored_is_refused(self, key: str) -> None:
        campaign = await make_campaign()
        with pytest.raises(Invalid) as caught:
            await donations.give(VISITOR, GIFT, campaign=campaign.id, idempotency_key=key)
        assert caught.value.fields.keys() == {"idempotency_key"}

    async def test_takes_any_input_a_door_can_send(self) -> None:
        campaign = await make_campaign()
        with pytest.raises(Invalid):
            await self.give(campaign, donor_name="\ud800", message=10**400, amount=float("nan"))


@pytest.mark.usefixtures("database")
class TestExternalId:
    async def give(
        self, campaign: Campaign, *, source: str = "queue", name: str = "p1"
    ) -> Donation:
        return await donations.give(
            VISITOR, GIFT, campaign=campaign.id, source=source, external_id=name
        )

    async def test_a_message_that_comes_twice_is_one_gift(self) -> None:
        campaign = await make_campaign()
        first = await self.give(campaign)
        assert (await self.give(campaign)).model_dump() == first.model_dump()
        assert await totals(campaign) == (Decimal(50_000), 1, 2)

    async def test_names_are_each_sources_own(self) -> None:
        campaign = await make_campaign()
        assert (await self.give(campaign)).id != (await self.give(campaign, source="import")).id

    @pytest.mark.parametrize("name", ["", "x" * 256, "\x00"])
    async def test_a_name_that_cannot_be_stored_is_refused(self, name: str) -> None:
        campaign = await make_campaign()
        with pytest.raises(Invalid) as caught:
            await self.give(campaign, name=name)
        assert caught.value.fields == {"external_id": ["is invalid"]}
