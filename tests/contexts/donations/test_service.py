from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation, Statistics
from financial_live.errors import AppError, Conflict, Invalid, NotFound, Stale, Unauthorized
from tests.contexts.factories import (
    OPERATOR,
    VISITOR,
    events,
    make_campaign,
    make_gift,
    set_status,
)


async def refused(call: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await call
    return caught.value


@contextmanager
def counting(database: db.Database) -> Iterator[list[str]]:
    """Collect the SELECTs that run inside the block."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


async def some_gifts() -> tuple[Campaign, Campaign, list[Donation]]:
    mosque, well = await make_campaign(), await make_campaign(review_policy="manual")
    gifts = [
        await make_gift(mosque, donor_name="Dewi"),
        await make_gift(well, donor_name="Dewi"),
        await make_gift(mosque, donor_name="Budi", message="untuk dewi"),
        await make_gift(mosque, donor_name="Dewi Rahasia", show_name=False),
    ]
    # No list has a test.
    await make_gift(mosque, OPERATOR, donor_name="Dewi", is_test=True)
    return mosque, well, gifts


def names(page: donations.Page[Donation]) -> list[str]:
    return [donation.donor_name for donation in page.items]


@pytest.mark.usefixtures("database")
class TestList:
    async def test_the_operator_sees_all_but_tests_newest_first(self) -> None:
        _, _, gifts = await some_gifts()
        page = await donations.list_donations(OPERATOR)
        assert [d.id for d in page.items] == [d.id for d in reversed(gifts)]
        oldest = await donations.list_donations(OPERATOR, order="asc")
        assert [d.id for d in oldest.items] == [d.id for d in gifts]

    async def test_others_see_only_public_gifts(self) -> None:
        await some_gifts()
        page = await donations.list_donations(VISITOR)
        assert names(page) == ["", "Budi", "Dewi"]
        assert {gift.donor_email for gift in page.items} == {None}
        assert page.total == 3
        assert (await donations.list_donations(VISITOR, status="pending")).total == 0

    async def test_filters_compose(self) -> None:
        mosque, well, _ = await some_gifts()
        found = await donations.list_donations(
            OPERATOR, campaign_id=mosque.id, status="approved", search="DEWI"
        )
        assert names(found) == ["Dewi Rahasia", "Budi", "Dewi"]
        pending = await donations.list_donations(OPERATOR, campaign_id=str(well.id))
        assert names(pending) == ["Dewi"]

    async def test_a_hidden_name_is_not_found_by_others(self) -> None:
        await some_gifts()
        assert names(await donations.list_donations(VISITOR, search="rahasia")) == []
        assert names(await donations.list_donations(OPERATOR, search="rahasia")) == ["Dewi Rahasia"]

    async def test_an_address_is_found_by_the_operator_only(self) -> None:
        await some_gifts()
        assert (await donations.list_donations(OPERATOR, search="siti@")).total == 4
        assert (await donations.list_donations(VISITOR, search="siti@")).total == 0

    async def test_pages_partition_the_list(self) -> None:
        _, _, gifts = await some_gifts()
        pages = [await donations.list_donations(OPERATOR, page=n, per_page="2") for n in ("1", 2)]
        assert [d.id for p in pages for d in p.items] == [d.id for d in reversed(gifts)]
        assert {(p.total, p.pages) for p in pages} == {(4, 2)}

    async def test_a_limit_is_the_first_so_many(self) -> None:
        _, _, gifts = await some_gifts()
        page = await donations.list_donations(OPERATOR, limit=2, page=9, per_page=1)
        assert [d.id for d in page.items] == [gifts[3].id, gifts[2].id]

    async def test_names_every_wrong_parameter(self) -> None:
        error = await refused(
            donations.list_donations(
                OPERATOR, campaign_id="x", status="x", search="\x00", order="x", page=0, per_page=0
            )
        )
        assert isinstance(error, Invalid)
        wrong = {"campaign_id", "status", "search", "order", "page", "per_page"}
        assert error.fields.keys() == wrong

    async def test_brings_the_campaigns_along_without_a_query_per_row(
        self, database: db.Database
    ) -> None:
        await some_gifts()
        with counting(database) as queries:
            page = await donations.list_donations(OPERATOR)
            assert len({donation.campaign.slug for donation in page.items}) == 2
        assert len(queries) == 2


@pytest.mark.usefixtures("database")
class TestLatest:
    async def test_is_the_newest_of_all_or_of_one_campaign(self) -> None:
        mosque, well, gifts = await some_gifts()
        newest = await donations.latest(VISITOR, limit=2)
        assert [d.id for d in newest] == [gifts[3].id, gifts[2].id]
        of_one = await donations.latest(VISITOR, campaign_id=mosque.id, limit=100)
        assert [d.id for d in of_one] == [gifts[3].id, gifts[2].id, gifts[0].id]
        assert {d.campaign.slug for d in of_one} == {mosque.slug}
        assert await donations.latest(VISITOR, campaign_id=well.id) == []

    async def test_the_operator_sees_pending_gifts_but_no_tests(self) -> None:
        _, _, gifts = await some_gifts()
        found = await donations.latest(OPERATOR)
        assert [d.id for d in found] == [gifts[n].id for n in (3, 2, 1, 0)]

    async def test_refuses_an_impossible_limit(self) -> None:
        assert isinstance(await refused(donations.latest(VISITOR, limit=101)), Invalid)


@pytest.mark.usefixtures("database")
class TestGet:
    async def test_brings_the_campaign_along(self) -> None:
        campaign = await make_campaign()
        given = await make_gift(campaign)
        for key in (given.id, str(given.id)):
            found = await donations.get_donation(VISITOR, key)
            assert (found.id, found.campaign.slug) == (given.id, campaign.slug)

    async def test_others_find_only_public_gifts(self) -> None:
        given = await make_gift(await make_campaign(review_policy="manual"))
        assert (await donations.get_donation(OPERATOR, given.id)).id == given.id
        assert isinstance(await refused(donations.get_donation(VISITOR, given.id)), NotFound)

    @pytest.mark.parametrize("key", [uuid4(), str(UUID(int=1)), "x", "\x00", "\ud800", ""])
    async def test_what_is_not_there_is_not_found(self, key: Any) -> None:
        assert isinstance(await refused(donations.get_donation(OPERATOR, key)), NotFound)


@pytest.mark.usefixtures("database")
class TestUpdate:
    async def test_texts_and_visibility_of_a_counted_gift_may_change(self) -> None:
        given = await make_gift(await make_campaign())
        attrs = {"donor_name": "Siti N.", "donor_email": "s@x", "message": "x", "show_name": False}
        changed = await donations.update_donation(OPERATOR, given.id, attrs)
        different = {k for k, v in given.model_dump().items() if v != changed.model_dump()[k]}
        assert different == attrs.keys() | {"version", "updated_at"}
        assert (changed.version, changed.campaign.version) == (3, 3)

    async def test_is_announced(self) -> None:
        given = await make_gift(await make_campaign())
        changed = await donations.update_donation(OPERATOR, given.id, {"show_amount": False})
        [(name, topics, data)] = await events(after=2)
        assert name == "donation_updated"
        assert topics == ["donations", "campaigns", f"campaign:{given.campaign_id}"]
        assert data["donation"] == donations.row(changed)
        assert data["campaign"]["version"] == 3

    async def test_changing_nothing_counts_and_tells_nothing(self) -> None:
        given = await make_gift(await make_campaign())
        same = await donations.update_donation(
            OPERATOR, str(given.id), {"donor_name": given.donor_name, "amount": "50000.00"}
        )
        assert same.version == given.version
        assert len(await events()) == 2

    @pytest.mark.parametrize("status", ["pending", "rejected"])
    async def test_an_uncounted_gift_may_change_its_amount(self, status: str) -> None:
        given = await make_gift(await make_campaign(review_policy="manual"))
        await set_status(given, status)
        changed = await donations.update_donation(OPERATOR, given.id, {"amount": "7"})
        assert changed.amount == 7
        assert changed.campaign.total_raised == 0

    async def test_a_counted_gift_keeps_its_amount_and_campaign(self) -> None:
        given = await make_gift(await make_campaign())
        other = await make_campaign()
        for attrs in ({"amount": "7"}, {"campaign_id": other.id}):
            error = await refused(donations.update_donation(OPERATOR, given.id, attrs))
            assert isinstance(error, Conflict)
            assert "Refund instead" in error.message

    async def test_a_test_gift_is_not_counted_and_may_change(self) -> None:
        given = await make_gift(await make_campaign(), OPERATOR, is_test=True)
        assert (await donations.update_donation(OPERATOR, given.id, {"amount": 7})).amount == 7

    async def test_an_uncounted_gift_may_move(self) -> None:
        left = await make_campaign(review_policy="manual")
        target = await make_campaign(one_gift_per_donor=True)
        given = await make_gift(left)
        moved = await donations.update_donation(OPERATOR, given.id, {"campaign_id": str(target.id)})
        assert (moved.campaign_id, moved.campaign.id, moved.version) == (target.id, target.id, 2)
        assert moved.one_per_donor
        assert (await campaigns.get_campaign(OPERATOR, left.id)).version == 3

    async def test_a_move_is_told_to_both_campaigns(self) -> None:
        left = await make_campaign(review_policy="manual")
        target = await make_campaign()
        given = await make_gift(left)
        await donations.update_donation(OPERATOR, given.id, {"campaign_id": target.id})
        [of_left, of_gift] = await events(after=3)
        assert (of_left[0], f"campaign:{left.id}" in of_left[1]) == ("campaign_updated", True)
        assert of_left[2]["campaign"]["version"] == 3
        topics = ["donations", "campaigns", f"campaign:{target.id}", f"campaign:{left.id}"]
        assert of_gift[:2] == ("donation_updated", topics)

    async def test_reports_every_wrong_field_at_once(self) -> None:
        given = await make_gift(await make_campaign(review_policy="manual"))
        attrs = {"donor_name": "", "donor_email": None, "amount": "x", "campaign_id": uuid4()}
        error = await refused(donations.update_donation(OPERATOR, given.id, attrs))
        assert error.fields == {
            "donor_name": ["can't be blank"],
            "donor_email": ["can't be blank"],
            "amount": ["is invalid"],
            "campaign_id": ["does not exist"],
        }

    async def test_a_lower_limit_does_not_reach_into_the_past(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        given = await make_gift(campaign)
        await campaigns.update_campaign(
            OPERATOR, campaign.id, {"max_gift": "10", "status": "closed"}
        )
        changed = await donations.update_donation(OPERATOR, given.id, {"message": "x"})
        assert changed.message == "x"
        error = await refused(donations.update_donation(OPERATOR, given.id, {"amount": "11"}))
        assert error.fields == {"amount": ["must be at most Rp\u00a010"]}

    async def test_the_currency_is_the_campaigns_where_there_is_no_rate(self) -> None:
        given = await make_gift(await make_campaign(review_policy="manual"))
        error = await refused(donations.update_donation(OPERATOR, given.id, {"currency": "EUR"}))
        assert error.fields == {"currency": ["has no exchange rate to IDR: give in IDR"]}

    async def test_another_donors_address_is_taken(self) -> None:
        campaign = await make_campaign(one_gift_per_donor=True)
        await make_gift(campaign)
        given = await make_gift(campaign, donor_email="b@x")
        attrs = {"donor_email": "SITI@example.org"}
        error = await refused(donations.update_donation(OPERATOR, given.id, attrs))
        assert error.fields == {"donor_email": ["has already been taken"]}

    async def test_what_only_we_decide_cannot_be_written(self) -> None:
        given = await make_gift(await make_campaign(review_policy="manual"))
        same = await donations.update_donation(
            OPERATOR, given.id, {"status": "approved", "counted_amount": 5, "is_test": True}
        )
        assert same.model_dump() == given.model_dump()

    async def test_what_is_not_there_is_not_found(self) -> None:
        error = await refused(donations.update_donation(OPERATOR, uuid4(), {"message": "x"}))
        assert isinstance(error, NotFound)

    async def test_is_not_for_a_visitor(self) -> None:
        given = await make_gift(await make_campaign())
        error = await refused(donations.update_donation(VISITOR, given.id, {"message": "x"}))
        assert isinstance(error, Unauthorized)


@pytest.mark.usefixtures("database")
class TestStale:
    async def test_what_was_changed_since_it_was_seen_stays(self) -> None:
        gift = await make_gift(await make_campaign(review_policy="manual"))
        changed = await donations.update_donation(
            OPERATOR, gift.id, {"message": "One"}, version=gift.version
        )
        for call in (
            donations.update_donation(OPERATOR, gift.id, {"message": "Two"}, version=gift.version),
            donations.delete_donation(OPERATOR, gift.id, version=gift.version),
        ):
            with pytest.raises(Stale):
                await call
        assert (await donations.get_donation(OPERATOR, gift.id)).message == "One"
        await donations.delete_donation(OPERATOR, gift.id, version=changed.version)


@pytest.mark.usefixtures("database")
class TestDelete:
    @pytest.mark.parametrize("status", ["pending", "rejected"])
    async def test_removes_an_uncounted_gift(self, status: str) -> None:
        given = await make_gift(await make_campaign(review_policy="manual"))
        await set_status(given, status)
        gone = await donations.delete_donation(OPERATOR, given.id)
        assert gone.id == given.id
        assert isinstance(await refused(donations.get_donation(OPERATOR, given.id)), NotFound)

    async def test_is_announced_as_newer_than_all_before(self) -> None:
        given = await make_gift(await make_campaign(review_policy="manual"))
        await donations.delete_donation(OPERATOR, str(given.id))
        [(name, topics, data)] = await events(after=2)
        assert (name, topics[-1]) == ("donation_deleted", f"campaign:{given.campaign_id}")
        assert data["donation"]["id"] == str(given.id)
        assert data["donation"]["version"] == data["campaign"]["version"] == 3

    async def test_a_counted_gift_stays(self) -> None:
        given = await make_gift(await make_campaign())
        error = await refused(donations.delete_donation(OPERATOR, given.id))
        assert isinstance(error, Conflict)
        assert "Refund instead" in error.message

    async def test_what_is_not_there_is_not_found(self) -> None:
        for key in (uuid4(), "x"):
            error = await refused(donations.delete_donation(OPERATOR, key))
            assert isinstance(error, NotFound)

    async def test_is_not_for_a_visitor(self) -> None:
        given = await make_gift(await make_campaign(review_policy="manual"))
        assert isinstance(await refused(donations.delete_donation(VISITOR, given.id)), NotFound)


@pytest.mark.usefixtures("database")
class TestStatistics:
    async def test_is_nothing_without_gifts(self) -> None:
        campaign = await make_campaign()
        assert await donations.statistics(VISITOR, campaign.id) == Statistics(None, None)
        assert await donations.statistics(VISITOR, uuid4()) == Statistics(None, None)

    async def test_is_over_counted_gifts_only(self) -> None:
        campaign = await make_campaign()
        for amount in ("1", "2", "5"):
            await make_gift(campaign, amount=amount)
        await make_gift(campaign, OPERATOR, amount="100", is_test=True)
        await make_gift(await make_campaign(), amount="100")
        found = await donations.statistics(VISITOR, campaign.id)
        assert found == Statistics(Decimal("5.00"), Decimal("2.67"))

    async def test_the_largest_does_not_reveal_a_hidden_amount(self) -> None:
        campaign = await make_campaign()
        await make_gift(campaign, amount="1")
        await make_gift(campaign, amount="9", show_amount=False)
        assert (await donations.statistics(VISITOR, campaign.id)).largest == 1
        assert (await donations.statistics(OPERATOR, campaign.id)).largest == 9

    async def test_leaves_out_what_was_given_back(self) -> None:
        campaign = await make_campaign()
        given = await make_gift(campaign, amount="9")
        async with db.transaction() as session:
            await session.execute(
                sa.text("UPDATE donation SET refunded_amount = 4 WHERE id = :id"), {"id": given.id}
            )
        assert (await donations.statistics(VISITOR, campaign.id)).largest == 5
