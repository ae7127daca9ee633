"""Each constraint, broken behind the back of validation, comes out as a named error."""

import asyncio
from decimal import Decimal

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from financial_live import db
from financial_live.contexts import campaigns
from financial_live.contexts.accounts import models as account_models
from financial_live.contexts.campaigns import models as campaign_models
from financial_live.contexts.constraints import Constraints, refusals
from financial_live.contexts.donations import models as donation_models
from financial_live.errors import AppError, Conflict, Invalid, Unavailable
from tests.contexts.factories import make_campaign, make_gift
from tests.contexts.people import make_user

# What no input can break, because no field of it is at fault; breaking it is a defect of ours.
INTERNAL = {
    "campaign": {
        "total_raised_must_not_be_negative",
        "matched_total_must_not_be_negative",
        # Counting says of it what is to be done.
        "total_must_not_be_negative",
        "gift_count_must_not_be_negative",
        "version_must_cover_revisions",
    },
    "donation": {
        "valid_status",
        "counted_amount_must_match_status",
        "counted_amount_must_be_positive",
        "refunded_amount_must_be_within_counted",
        "counted_amount_must_be_converted",
        "rate_must_be_positive",
        "rate_must_be_whole",
        "first_approval_must_wait",
    },
    "user_account": set(),
}


async def broken(statement: str, constraints: Constraints) -> AppError:
    with pytest.raises(AppError) as caught, refusals(constraints, overflow="amount"):
        async with db.transaction() as session:
            await session.execute(sa.text(statement))
    return caught.value


@pytest.mark.usefixtures("database")
class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ("slug = 'New Mosque'", {"slug": ["is invalid"]}),
            ("slug = 'new'", {"slug": ["is reserved"]}),
            ("name = ''", {"name": ["can't be blank"]}),
            ("goal_amount = 0", {"goal_amount": ["must be greater than 0"]}),
            ("max_gift = -1", {"max_gift": ["must be greater than 0"]}),
            ("currency = 'GBP'", {"currency": ["is invalid"]}),
            ("status = 'open'", {"status": ["is invalid"]}),
            ("review_policy = 'none'", {"review_policy": ["is invalid"]}),
            ("goal_amount = 1e13", {"amount": ["is too large"]}),
        ],
    )
    async def test_a_campaigns_constraint_blames_its_field(
        self, change: str, fields: dict[str, list[str]]
    ) -> None:
        await make_campaign()
        error = await broken(f"UPDATE campaign SET {change}", campaign_models.CONSTRAINTS)
        assert isinstance(error, Invalid)
        assert error.fields == fields

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ("amount = 0", {"amount": ["must be greater than 0"]}),
            ("amount = 1e13", {"amount": ["is too large"]}),
            ("currency = 'GBP'", {"currency": ["is invalid"]}),
            ("source = 'fax'", {"source": ["is invalid"]}),
            ("donor_name = ''", {"donor_name": ["can't be blank"]}),
            ("donor_email = NULL", {"donor_email": ["can't be blank"]}),
            ("campaign_id = gen_random_uuid()", {"campaign_id": ["does not exist"]}),
            ("one_per_donor = true", {"donor_email": ["has already been taken"]}),
            ("external_id = 'same'", {"external_id": ["has already been taken"]}),
        ],
    )
    async def test_a_donations_constraint_blames_its_field(
        self, change: str, fields: dict[str, list[str]]
    ) -> None:
        campaign = await make_campaign()
        await make_gift(campaign)
        await make_gift(campaign)
        error = await broken(f"UPDATE donation SET {change}", donation_models.CONSTRAINTS)
        assert isinstance(error, Invalid)
        assert error.fields == fields

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ("email = 'siti@example.org'", {"email": ["has already been taken"]}),
            ("email = 'Siti@example.com'", {"email": ["is invalid"]}),
            ("email = ''", {"email": ["can't be blank"]}),
            ("name = ''", {"name": ["can't be blank"]}),
            ("role = 'king'", {"role": ["is invalid"]}),
        ],
    )
    async def test_an_accounts_constraint_blames_its_field(
        self, change: str, fields: dict[str, list[str]]
    ) -> None:
        await make_user(password=None)
        budi = await make_user("budi@example.org", password=None)
        statement = f"UPDATE user_account SET {change} WHERE id = '{budi.id}'"
        error = await broken(statement, account_models.CONSTRAINTS)
        assert isinstance(error, Invalid)
        assert error.fields == fields

    @pytest.mark.parametrize("table", ["campaign", "donation", "user_account"])
    async def test_every_check_of_the_database_is_known(self, table: str) -> None:
        async with db.transaction() as session:
            query = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = "
            names = set((await session.execute(sa.text(f"{query}'{table}'::regclass"))).scalars())
        models = {
            "campaign": campaign_models,
            "donation": donation_models,
            "user_account": account_models,
        }[table]
        assert names - INTERNAL[table] <= models.CONSTRAINTS.keys()

    async def test_a_constraint_may_make_its_own_error(self) -> None:
        await make_campaign(slug="a")
        await make_campaign(slug="b")
        known: Constraints = {"campaign_slug_key": lambda: Conflict("There is one already.")}
        error = await broken("UPDATE campaign SET slug = 'c'", known)
        assert isinstance(error, Conflict)

    async def test_what_is_a_defect_passes_through(self) -> None:
        await make_campaign()
        with pytest.raises(DBAPIError), refusals({}, overflow="amount"):
            async with db.transaction() as session:
                await session.execute(sa.text("UPDATE campaign SET total_raised = -1"))

    async def test_other_errors_pass_through(self) -> None:
        with pytest.raises(RuntimeError), refusals({}, overflow="amount"):
            raise RuntimeError


class TestBusy:
    async def test_a_circle_of_waiters_is_unavailable_not_a_defect(
        self, own_database: db.Database
    ) -> None:
        first, second = await make_campaign(slug="a"), await make_campaign(slug="b")
        both_hold = asyncio.Barrier(2)

        async def hold(one: campaigns.Campaign, other: campaigns.Campaign) -> None:
            with refusals({}, overflow="amount"):
                async with db.transaction():
                    await campaigns.counted(one.id, amount=Decimal(0), gifts=0)
                    await both_hold.wait()
                    await campaigns.counted(other.id, amount=Decimal(0), gifts=0)

        outcomes = await asyncio.gather(
            hold(first, second), hold(second, first), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes if outcome] == [Unavailable]

    async def test_a_lock_not_given_in_time_is_unavailable(self, own_database: db.Database) -> None:
        campaign = await make_campaign()

        async def impatient() -> None:
            with refusals({}, overflow="amount"):
                async with db.transaction() as session:
                    await session.execute(sa.text("SET LOCAL lock_timeout = '10ms'"))
                    await campaigns.locked(campaign.id)

        async with db.transaction():
            await campaigns.locked(campaign.id)
            with pytest.raises(Unavailable) as caught:
                await asyncio.create_task(impatient())
        assert isinstance(caught.value.__cause__, DBAPIError)
        assert isinstance(caught.value.__cause__.orig, psycopg.errors.LockNotAvailable)
