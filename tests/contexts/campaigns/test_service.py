import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from financial_live import db
from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import Campaign
from financial_live.errors import AppError, Conflict, Invalid, NotFound, Stale, Unauthorized
from financial_live.scope import Scope
from tests.contexts.factories import OPERATOR, VISITOR, events, make_campaign, make_gift, set_status

NEEDED = {"name": "Build Mosque", "goal_amount": "1000000", "currency": "IDR"}


async def refused(call: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await call
    return caught.value


@pytest.mark.usefixtures("database")
class TestCreate:
    async def test_name_goal_and_currency_are_enough(self) -> None:
        made = await campaigns.create_campaign(OPERATOR, NEEDED)
        found = await campaigns.get_campaign(VISITOR, made.id)
        assert found.model_dump() == made.model_dump()
        assert found.model_dump(exclude={"id", "inserted_at", "updated_at"}) == {
            "slug": "build-mosque",
            "name": "Build Mosque",
            "description": "",
            "goal_amount": Decimal("1000000.00"),
            "currency": "IDR",
            "status": "active",
            "review_policy": "manual",
            "one_gift_per_donor": True,
            "max_gift": None,
            "dual_approval_from": None,
            "total_raised": Decimal("0.00"),
            "matched_total": Decimal("0.00"),
            "transferred_total": Decimal("0.00"),
            "gift_count": 0,
            "version": 1,
            "revision": 1,
        }

    async def test_reports_every_wrong_field_at_once(self) -> None:
        attrs: dict[str, Any] = {
            "name": " ",
            "goal_amount": "-1",
            "currency": "GBP",
            "slug": "new",
            "max_gift": "x",
        }
        attrs |= {"status": "open", "review_policy": 5, "one_gift_per_donor": "?"}
        error = await refused(campaigns.create_campaign(OPERATOR, attrs))
        assert isinstance(error, Invalid)
        assert error.fields == {
            "name": ["can't be blank"],
            "goal_amount": ["must be greater than 0"],
            "currency": ["is invalid: use one of IDR, USD, EUR"],
            "slug": ["is reserved"],
            "status": ["is invalid: use one of active, paused, closed"],
            "review_policy": ["is invalid: use one of manual, automatic"],
            "one_gift_per_donor": ["is invalid"],
            "max_gift": ["is invalid"],
        }

    @pytest.mark.parametrize(
        ("slug", "message"),
        [
            ("Build Mosque", "is invalid: use small letters a-z, digits and single hyphens"),
            ("-a", "is invalid: use small letters a-z, digits and single hyphens"),
            ("a--b", "is invalid: use small letters a-z, digits and single hyphens"),
            ("a\n", "is invalid: use small letters a-z, digits and single hyphens"),
            ("a" * 81, "should be at most 80 character(s)"),
            ("01a20986-6915-76b1-bec7-a7d114a33699", "is reserved"),
        ],
    )
    async def test_refuses_what_is_no_address(self, slug: str, message: str) -> None:
        error = await refused(campaigns.create_campaign(OPERATOR, NEEDED | {"slug": slug}))
        assert error.fields == {"slug": [message]}

    async def test_makes_a_free_slug_from_the_name(self) -> None:
        slugs = [(await campaigns.create_campaign(OPERATOR, NEEDED)).slug for _ in range(3)]
        assert slugs == ["build-mosque", "build-mosque-2", "build-mosque-3"]

    async def test_a_chosen_slug_that_is_taken_is_refused(self) -> None:
        await make_campaign(slug="mosque")
        error = await refused(campaigns.create_campaign(OPERATOR, NEEDED | {"slug": "mosque"}))
        assert error.fields == {"slug": ["has already been taken"]}

    async def test_is_announced(self) -> None:
        made = await make_campaign()
        [(name, topics, data)] = await events()
        assert name == "campaign_created"
        assert topics == ["campaigns", f"campaign:{made.id}"]
        assert data == {"campaign": campaigns.summary(made)}

    async def test_is_not_for_a_visitor(self) -> None:
        error = await refused(campaigns.create_campaign(VISITOR, NEEDED))
        assert isinstance(error, Unauthorized)
        assert error.message == "Log in to start a campaign."


class TestCreateAtOnce:
    async def test_equal_names_get_different_slugs(self, own_database: db.Database) -> None:
        made = await asyncio.gather(
            *(campaigns.create_campaign(OPERATOR, NEEDED) for _ in range(8))
        )
        assert sorted(c.slug for c in made) == ["build-mosque"] + [
            f"build-mosque-{number}" for number in range(2, 9)
        ]


@pytest.mark.usefixtures("database")
class TestGet:
    async def test_finds_by_id_and_by_slug(self) -> None:
        made = await make_campaign()
        for key in (made.id, str(made.id), str(made.id).upper(), made.slug):
            assert (await campaigns.get_campaign(VISITOR, key)).id == made.id

    @pytest.mark.parametrize(
        "key", ["nothing", "a\x00", "\ud800", "", "x" * 9999, str(UUID(int=1))]
    )
    async def test_what_is_not_there_is_not_found(self, key: str) -> None:
        assert isinstance(await refused(campaigns.get_campaign(VISITOR, key)), NotFound)

    async def test_progress_is_derived(self) -> None:
        made = await make_campaign(goal_amount=200_000)
        await make_gift(made)
        assert (await campaigns.get_campaign(VISITOR, made.id)).progress == Decimal("25.0")


@pytest.mark.usefixtures("database")
class TestList:
    async def three(self) -> list[Campaign]:
        first = await make_campaign(name="Well 100%")
        second = await make_campaign(name="Mosque", status="paused")
        third = await make_campaign(name="Mosque library")
        return [first, second, third]

    async def test_newest_first_unless_asked_otherwise(self) -> None:
        ids = [c.id for c in await self.three()]
        assert [c.id for c in (await campaigns.list_campaigns(VISITOR)).items] == ids[::-1]
        oldest = await campaigns.list_campaigns(VISITOR, order="asc")
        assert [c.id for c in oldest.items] == ids

    async def test_pages_partition_the_list(self) -> None:
        ids = [c.id for c in await self.three()]
        pages = [
            await campaigns.list_campaigns(VISITOR, page=number, per_page=2, order="asc")
            for number in (1, 2, 3)
        ]
        assert [c.id for page in pages for c in page.items] == ids
        assert [(p.page, p.per_page, p.total, p.pages) for p in pages] == [
            (1, 2, 3, 2),
            (2, 2, 3, 2),
            (3, 2, 3, 2),
        ]

    async def test_filters_compose(self) -> None:
        await self.three()
        found = await campaigns.list_campaigns(VISITOR, search="MOSQUE", status="active")
        assert [c.name for c in found.items] == ["Mosque library"]
        assert found.total == 1

    async def test_search_is_taken_literally(self) -> None:
        await self.three()
        found = await campaigns.list_campaigns(VISITOR, search="%")
        assert [c.name for c in found.items] == ["Well 100%"]

    async def test_names_every_wrong_parameter(self) -> None:
        error = await refused(
            campaigns.list_campaigns(
                VISITOR, search="\x00", status="x", order="x", page=0, per_page=101
            )
        )
        assert isinstance(error, Invalid)
        assert error.fields.keys() == {"search", "status", "order", "page", "per_page"}


@pytest.mark.usefixtures("database")
class TestUpdate:
    async def test_changes_what_is_given_and_nothing_else(self) -> None:
        made = await make_campaign(description="before", max_gift=100)
        changed = await campaigns.update_campaign(
            OPERATOR, made.id, {"name": "Masjid", "goal_amount": 5, "max_gift": None}
        )
        before, after = made.model_dump(), changed.model_dump()
        different = {name for name in before if before[name] != after[name]}
        assert different == {
            "name",
            "goal_amount",
            "max_gift",
            "version",
            "revision",
            "updated_at",
        }
        assert (changed.version, changed.revision) == (2, 2)

    async def test_is_announced(self) -> None:
        made = await make_campaign()
        changed = await campaigns.update_campaign(OPERATOR, made.slug, {"status": "closed"})
        assert (await events(after=1)) == [
            (
                "campaign_updated",
                ["campaigns", f"campaign:{made.id}", "donations"],
                {"campaign": campaigns.summary(changed)},
            )
        ]

    async def test_changing_nothing_counts_and_tells_nothing(self) -> None:
        made = await make_campaign()
        same = await campaigns.update_campaign(OPERATOR, made.id, {"name": made.name, "slug": ""})
        assert same.version == 1
        assert len(await events()) == 1

    async def test_deleting_what_was_edited_since_is_refused(self) -> None:
        made = await make_campaign()
        await campaigns.update_campaign(OPERATOR, made.id, {"name": "One"})
        with pytest.raises(Stale):
            await campaigns.delete_campaign(OPERATOR, made.id, revision=1)
        await campaigns.delete_campaign(OPERATOR, made.id, revision=2)

    async def test_an_edit_of_an_older_revision_is_a_conflict(self) -> None:
        made = await make_campaign()
        await campaigns.update_campaign(OPERATOR, made.id, {"name": "One"}, revision=1)
        error = await refused(
            campaigns.update_campaign(OPERATOR, made.id, {"name": "Two"}, revision=1)
        )
        assert isinstance(error, Conflict)
        assert "changed by somebody else meanwhile" in error.message
        assert (await campaigns.get_campaign(VISITOR, made.id)).name == "One"

    async def test_a_gift_is_no_edit(self) -> None:
        made = await make_campaign()
        await make_gift(made)
        changed = await campaigns.update_campaign(OPERATOR, made.id, {"name": "One"}, revision=1)
        assert (changed.version, changed.revision) == (3, 2)

    async def test_reports_every_wrong_field_at_once(self) -> None:
        made = await make_campaign()
        error = await refused(
            campaigns.update_campaign(OPERATOR, made.id, {"name": "", "goal_amount": "x"})
        )
        assert error.fields == {"name": ["can't be blank"], "goal_amount": ["is invalid"]}

    async def test_the_currency_stays_once_something_was_given(self) -> None:
        made = await make_campaign(review_policy="manual")
        assert (
            await campaigns.update_campaign(OPERATOR, made.id, {"currency": "EUR"})
        ).currency == "EUR"
        await make_gift(made, currency="EUR")
        error = await refused(campaigns.update_campaign(OPERATOR, made.id, {"currency": "USD"}))
        assert isinstance(error, Conflict)
        assert error.fields == {"currency": ["must stay EUR: the campaign has gifts"]}

    async def test_a_slug_that_is_taken_is_refused(self) -> None:
        await make_campaign(slug="a")
        made = await make_campaign(slug="b")
        error = await refused(campaigns.update_campaign(OPERATOR, made.id, {"slug": "a"}))
        assert error.fields == {"slug": ["has already been taken"]}

    async def test_totals_cannot_be_written(self) -> None:
        made = await make_campaign()
        same = await campaigns.update_campaign(
            OPERATOR, made.id, {"total_raised": 5, "gift_count": 5, "version": 9, "id": uuid4()}
        )
        assert same.model_dump() == made.model_dump()

    async def test_the_goal_may_be_below_what_is_raised(self) -> None:
        made = await make_campaign()
        await make_gift(made)
        changed = await campaigns.update_campaign(OPERATOR, made.id, {"goal_amount": "25000"})
        assert changed.progress == Decimal("200.0")

    async def test_what_is_not_there_is_not_found(self) -> None:
        for key in (uuid4(), "nothing"):
            error = await refused(campaigns.update_campaign(OPERATOR, key, {}))
            assert isinstance(error, NotFound)

    async def test_is_not_for_a_visitor(self) -> None:
        made = await make_campaign()
        error = await refused(campaigns.update_campaign(VISITOR, made.id, {"name": "x"}))
        assert isinstance(error, Unauthorized)


@pytest.mark.usefixtures("database")
class TestDelete:
    async def test_removes_a_campaign_without_gifts(self) -> None:
        made = await make_campaign()
        gone = await campaigns.delete_campaign(OPERATOR, made.slug)
        assert gone.id == made.id
        assert isinstance(await refused(campaigns.get_campaign(VISITOR, made.id)), NotFound)

    async def test_is_announced_as_newer_than_all_before(self) -> None:
        made = await make_campaign()
        await campaigns.delete_campaign(OPERATOR, made.id)
        [(name, topics, data)] = await events(after=1)
        assert (name, topics) == ("campaign_deleted", ["campaigns", f"campaign:{made.id}"])
        assert data["campaign"]["version"] == 2

    @pytest.mark.parametrize("status", ["pending", "rejected"])
    async def test_a_campaign_with_gifts_stays(self, status: str) -> None:
        made = await make_campaign(review_policy="manual")
        await set_status(await make_gift(made), status)
        error = await refused(campaigns.delete_campaign(OPERATOR, made.id))
        assert isinstance(error, Conflict)
        assert "it has gifts" in error.message

    async def test_what_is_not_there_is_not_found(self) -> None:
        assert isinstance(await refused(campaigns.delete_campaign(OPERATOR, uuid4())), NotFound)

    async def test_is_not_for_a_visitor(self) -> None:
        made = await make_campaign()
        assert isinstance(await refused(campaigns.delete_campaign(VISITOR, made.id)), Unauthorized)


@pytest.mark.usefixtures("database")
class TestCounted:
    async def test_adds_and_counts_one_version(self) -> None:
        made = await make_campaign()
        after = await campaigns.counted(made.id, amount=Decimal("2.50"), gifts=1)
        assert after is not None
        assert (after.total_raised, after.gift_count, after.version, after.revision) == (
            Decimal("2.50"),
            1,
            2,
            1,
        )
        assert (await campaigns.get_campaign(VISITOR, made.id)).model_dump() == after.model_dump()

    async def test_counts_nothing_under_other_settings(self) -> None:
        made = await make_campaign()
        nothing = await campaigns.counted(made.id, amount=Decimal(1), gifts=1, revision=2)
        assert nothing is None
        assert (await campaigns.get_campaign(VISITOR, made.id)).version == 1

    async def test_is_nothing_for_no_campaign(self) -> None:
        assert await campaigns.counted(uuid4(), amount=Decimal(1), gifts=1) is None


class TestLocked:
    async def test_holds_the_campaign_until_the_transaction_ends(
        self, own_database: db.Database
    ) -> None:
        made = await make_campaign()
        async with db.transaction():
            await campaigns.locked(made.id)
            waiting = asyncio.create_task(make_gift(made))
            await somebody_waits_for_a_lock(own_database)
            assert not waiting.done()
        assert (await waiting).version == 2

    async def test_raises_for_no_campaign(self, database: db.Database) -> None:
        assert isinstance(await refused(campaigns.locked(uuid4())), NotFound)


async def somebody_waits_for_a_lock(database: db.Database) -> None:
    """Return once somebody waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with database.engine.connect() as connection:
        while not (await connection.exec_driver_sql(query)).scalar():
            await connection.rollback()


class TestMaskEmail:
    def test_shows_the_first_letter_and_the_host(self) -> None:
        assert campaigns.mask_email("siti@example.org") == "s***@example.org"
        assert campaigns.mask_email("s@x") == "s***@x"


class TestScope:
    async def test_reading_needs_none_of_the_operators_rights(self, database: db.Database) -> None:
        made = await make_campaign()
        anybody = Scope.visitor("visitor:203.0.113.7")
        assert (await campaigns.get_campaign(anybody, made.slug)).id == made.id
        assert (await campaigns.list_campaigns(anybody)).total == 1
