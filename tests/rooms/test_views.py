"""Views: what an event makes of one is what reading the rows again would give."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from financial_live import db, outbox
from financial_live.contexts import (
    accounts,
    campaigns,
    donations,
    exchange_rates,
    ledger,
    matches,
)
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Audience
from financial_live.errors import AppError
from financial_live.rooms import (
    RoomKey,
    View,
    account_room,
    campaign_room,
    campaigns_room,
    gifts_room,
    live_campaigns_room,
    team_room,
)
from financial_live.scope import Scope
from tests.contexts.factories import GIFT, OPERATOR, make_campaign, make_gift

STAFF, PUBLIC = Audience.STAFF, Audience.PUBLIC


async def told(after: int) -> list[outbox.OutboxEvent]:
    """Return the events committed after the one with this id, in order."""
    async with db.transaction() as session:
        found = await session.execute(
            sa.select(outbox.OutboxEvent).where(sa.column("id") > after).order_by(sa.column("id"))
        )
        return list(found.scalars())


async def last_id() -> int:
    events = await told(0)
    return events[-1].id or 0 if events else 0


class Night:
    """Random acts on a few campaigns, some of which are refused."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.campaigns: list[Campaign] = []
        self.gifts: list[donations.Donation] = []

    async def act(self) -> None:
        acts: list[Callable[[], Any]] = [
            self._give,
            self._give,
            self._give_many,
            self._edit_gift,
            self._delete_gift,
            self._edit_campaign,
            self._new_campaign,
            self._delete_campaign,
            self._review,
            self._review,
            self._challenge,
            self._milestone,
            self._transfer,
        ]
        try:
            await self.random.choice(acts)()
        except AppError:
            return  # A refusal is a fine outcome here: nothing may be told then.

    async def _give(self) -> None:
        campaign = self.random.choice(self.campaigns)
        is_test = self.random.random() < 0.1
        self.gifts.append(
            await make_gift(
                campaign,
                OPERATOR,
                amount=str(self.random.randint(1, 500)),
                currency=self.random.choice(["IDR", "IDR", "EUR"]),
                is_test=is_test,
                show_name=self.random.random() < 0.7,
                show_amount=self.random.random() < 0.7,
                message=self.random.choice(["", "Keep going!"]),
            )
        )

    async def _give_many(self) -> None:
        brought = [
            donations.Gift(
                GIFT | {"amount": str(self.random.randint(1, 500))},
                donations.DonationSource.QUEUE,
                self.random.choice(self.campaigns).id,
            )
            for _ in range(self.random.randint(1, 30))
        ]
        outcomes = await donations.give_many(OPERATOR, brought)
        self.gifts += [one for one in outcomes if isinstance(one, donations.Donation)]

    async def _edit_gift(self) -> None:
        gift = self.random.choice(self.gifts)
        changes: dict[str, Any] = self.random.choice(
            [
                {"show_name": self.random.random() < 0.5},
                {"show_amount": self.random.random() < 0.5},
                {"donor_name": f"Name {self.random.randint(1, 99)}"},
                {"amount": str(self.random.randint(1, 900))},
                {"campaign_id": str(self.random.choice(self.campaigns).id)},
            ]
        )
        await donations.update_donation(OPERATOR, gift.id, changes)

    async def _delete_gift(self) -> None:
        await donations.delete_donation(OPERATOR, self.random.choice(self.gifts).id)

    async def _review(self) -> None:
        attrs: dict[str, Any] = {"reason": "By hand"}
        ids = [gift.id for gift in self.random.sample(self.gifts, min(3, len(self.gifts)))]
        act = self.random.choice(["approve", "approve", "reject", "refund", "undo", "hide", "show"])
        if act == "refund" and self.random.random() < 0.5:
            attrs["amount"] = "1"
        await donations.review_many(
            OPERATOR, act, ids, attrs if act in ("reject", "refund") else {}
        )

    async def _challenge(self) -> None:
        campaign = self.random.choice(self.campaigns)
        known = await matches.list_challenges(OPERATOR, campaign.id)
        if known and self.random.random() < 0.3:
            await matches.cancel_challenge(OPERATOR, campaign.id, known[-1].id)
            return
        attrs = {"sponsor_name": "Yayasan", "ratio": self.random.choice(["1", "0.5"]), "cap": "300"}
        await matches.create_challenge(OPERATOR, campaign.id, attrs)

    async def _milestone(self) -> None:
        campaign = self.random.choice(self.campaigns)
        known = await campaigns.list_milestones(OPERATOR, campaign.id)
        if known and self.random.random() < 0.3:
            await campaigns.delete_milestone(OPERATOR, campaign.id, known[-1].id)
            return
        attrs = {"amount": str(self.random.randint(1, 2000)), "label": "The walls stand"}
        await campaigns.create_milestone(OPERATOR, campaign.id, attrs)

    async def _transfer(self) -> None:
        giver, taker = (self.random.choice(self.campaigns).id for _ in range(2))
        await ledger.transfer(OPERATOR, giver, taker, {"amount": str(self.random.randint(1, 200))})

    async def _edit_campaign(self) -> None:
        campaign = self.random.choice(self.campaigns)
        changes: dict[str, Any] = self.random.choice(
            [
                {"name": f"Renamed {self.random.randint(1, 99)}"},
                {"status": self.random.choice(["active", "paused", "closed"])},
                {"goal_amount": str(self.random.randint(1, 9999))},
                {"review_policy": self.random.choice(["manual", "automatic"])},
                {"description": f"Words {self.random.randint(1, 99)}"},
            ]
        )
        await campaigns.update_campaign(OPERATOR, campaign.id, changes)

    async def _new_campaign(self) -> None:
        policy = self.random.choice(["manual", "automatic"])
        self.campaigns.append(await make_campaign(review_policy=policy))

    async def _delete_campaign(self) -> None:
        gone = self.random.choice(self.campaigns[1:] or self.campaigns)
        await campaigns.delete_campaign(OPERATOR, gone.id)
        self.campaigns.remove(gone)


@pytest.mark.usefixtures("own_database")
class TestApply:
    @pytest.mark.parametrize("seed", range(4))
    async def test_agrees_with_reading_again_after_every_act(self, seed: int) -> None:
        night = Night(seed)
        rate = {"base_currency": "EUR", "quote_currency": "IDR", "rate": "17", "source": "bank"}
        await exchange_rates.set_rate(OPERATOR, rate | {"as_of": "2026-11-30"})
        first, other = await make_campaign(), await make_campaign(review_policy="manual")
        night.campaigns += [first, other]
        night.gifts.append(await make_gift(first))
        keys = [
            *(campaign_room(c.id, audience) for c in (first, other) for audience in Audience),
            gifts_room(PUBLIC),
            gifts_room(STAFF),
            campaigns_room(1),
            live_campaigns_room(),
        ]
        views = {key: (await key.load())[1] for key in keys}
        seen = await last_id()
        for _ in range(80):
            await night.act()
            events = await told(seen)
            seen = events[-1].id or seen if events else seen
            for key in keys:
                views[key] = await self._follow(key, views[key], events)

    async def _follow(self, key: RoomKey, view: View, events: list[outbox.OutboxEvent]) -> View:
        truth = (await key.load())[1]
        for event in events:
            if key.topic in event.topics:
                changed = key.apply(view, event.name, event.data)
                if changed is None:
                    return truth
                view = changed
        assert view.fields == truth.fields
        assert view.rows == truth.rows
        return truth

    async def test_a_gift_needs_no_reading(self) -> None:
        campaign = await make_campaign()
        key = campaign_room(campaign.id, PUBLIC)
        view, seen = (await key.load())[1], await last_id()
        await make_gift(campaign)
        [event] = await told(seen)
        changed = key.apply(view, event.name, event.data)
        assert changed is not None
        assert changed.fields["total_raised"] == "50000.00"

    async def test_what_remains_of_a_challenge_needs_no_reading(self) -> None:
        campaign = await make_campaign()
        attrs = {"sponsor_name": "Yayasan Harapan", "ratio": "1", "cap": "60000"}
        await matches.create_challenge(OPERATOR, campaign.id, attrs)
        key = campaign_room(campaign.id, PUBLIC)
        view, seen = (await key.load())[1], await last_id()
        await make_gift(campaign)
        await make_gift(campaign)
        for event, left in zip(await told(seen), ("10000.00", "0.00"), strict=True):
            changed = key.apply(view, event.name, event.data)
            assert changed is not None
            view = changed
            [challenge] = view.fields["challenges"]
            assert challenge["remaining"] == left
        assert view.fields["total"] == "160000.00"

    async def test_a_milestone_and_the_gift_that_reaches_it_are_one(self) -> None:
        """The milestone is told first, at the version that the gift's own event has as well."""
        campaign = await make_campaign()
        attrs = {"amount": "50000", "label": "The walls stand"}
        await campaigns.create_milestone(OPERATOR, campaign.id, attrs)
        key = campaign_room(campaign.id, PUBLIC)
        before, seen = (await key.load())[1], await last_id()
        await make_gift(campaign)
        reached, given = await told(seen)
        assert [reached.name, given.name] == ["milestone_reached", "donation_created"]
        assert key.apply(before, reached.name, reached.data) is None
        after = (await key.load())[1]
        assert after.fields["milestones"][0]["reached_at"] is not None
        for event in (reached, given, reached):
            assert key.apply(after, event.name, event.data) is after

    async def test_an_event_that_the_rows_already_contain_changes_nothing(self) -> None:
        campaign = await make_campaign()
        seen = await last_id()
        await make_gift(campaign)
        events = await told(seen)
        for key in (campaign_room(campaign.id, PUBLIC), gifts_room(PUBLIC), campaigns_room(1)):
            view = (await key.load())[1]
            assert key.apply(view, events[0].name, events[0].data) is view

    async def test_a_list_keeps_its_length(self) -> None:
        campaign = await make_campaign()
        for _ in range(20):
            await make_gift(campaign)
        key = campaign_room(campaign.id, PUBLIC)
        view, seen = (await key.load())[1], await last_id()
        newest = await make_gift(campaign)
        [event] = await told(seen)
        changed = key.apply(view, event.name, event.data)
        assert changed is not None
        assert len(changed.rows) == 20
        assert next(iter(changed.rows)) == str(newest.id)


@pytest.mark.usefixtures("own_database")
class TestGifts:
    async def test_are_the_last_hundred(self) -> None:
        campaign = await make_campaign()
        gift = donations.Gift(GIFT, donations.DonationSource.QUEUE, campaign.id)
        await donations.give_many(OPERATOR, [gift] * 105)
        newest = await make_gift(campaign)
        rows = (await gifts_room(PUBLIC).load())[1].rows
        assert len(rows) == 100
        assert next(iter(rows)) == str(newest.id)


@pytest.mark.usefixtures("own_database")
class TestPublicView:
    async def test_holds_no_address_and_nothing_hidden(self) -> None:
        campaign = await make_campaign()
        await make_gift(
            campaign,
            donor_name="Secret Name",
            donor_email="secret@example.org",
            amount="777",
            show_name=False,
            show_amount=False,
        )
        for key in (
            campaign_room(campaign.id, PUBLIC),
            campaign_room(campaign.id, STAFF),
            gifts_room(PUBLIC),
            gifts_room(STAFF),
        ):
            view = (await key.load())[1]
            [row] = view.rows.values()
            assert "Secret" not in str(row)
            assert row.get("amount") is None
            assert "@" not in str(row)

    @pytest.mark.parametrize("audience", Audience)
    async def test_what_the_team_hides_is_gone_for_everybody_and_comes_back(
        self, audience: Audience
    ) -> None:
        campaign = await make_campaign()
        gift = await make_gift(campaign, donor_name="Rude Name", message="Rude words")
        keys = (campaign_room(campaign.id, audience), gifts_room(audience))
        views = {key: (await key.load())[1] for key in keys}
        for act, is_shown in ((donations.hide, False), (donations.show, True)):
            seen = await last_id()
            await act(OPERATOR, gift.id)
            [event] = await told(seen)
            for key in keys:
                changed = key.apply(views[key], event.name, event.data)
                assert changed == (await key.load())[1]
                views[key] = changed
                assert ("Rude" in str(changed.rows)) is is_shown

    @pytest.mark.parametrize("show_amount", [True, False])
    async def test_a_gift_in_another_currency_shows_both_amounts_or_none(
        self, show_amount: bool
    ) -> None:
        rate = {"base_currency": "EUR", "quote_currency": "IDR", "rate": "17000", "source": "bank"}
        await exchange_rates.set_rate(OPERATOR, rate | {"as_of": "2026-11-30"})
        campaign = await make_campaign()
        await make_gift(campaign, amount="50", currency="EUR", show_amount=show_amount)
        [row] = (await campaign_room(campaign.id, PUBLIC).load())[1].rows.values()
        shown = {name: row[name] for name in ("amount", "currency", "counted") if name in row}
        both = {"amount": "50.00", "currency": "EUR", "counted": "850000.00"}
        assert shown == (both if show_amount else {})

    @pytest.mark.parametrize("audience", Audience)
    async def test_what_a_donor_hides_afterwards_is_gone_from_the_next_frame(
        self, audience: Audience
    ) -> None:
        campaign = await make_campaign()
        gift = await make_gift(campaign, donor_name="Secret Name", amount="777")
        await make_gift(campaign, amount="5")
        user = await accounts.create_user(OPERATOR, {"name": "Siti", "email": GIFT["donor_email"]})
        donor = Scope.user(user.id, is_verified=True)
        keys = (campaign_room(campaign.id, audience), gifts_room(audience))
        views = {key: (await key.load())[1] for key in keys}
        for hidden, secret in (("show_name", "Secret"), ("show_amount", "777")):
            seen = await last_id()
            await donations.change_visibility(donor, gift.id, {hidden: False})
            [event] = await told(seen)
            for key in keys:
                truth = (await key.load())[1]
                views[key] = key.apply(views[key], event.name, event.data) or truth
                assert views[key] == truth
                assert secret not in str(views[key].rows)
        assert views[keys[0]].fields["largest"] == "5.00"

    async def test_a_gift_that_waits_for_review_is_shown_to_the_operator_only(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        await make_gift(campaign)
        assert (await campaign_room(campaign.id, PUBLIC).load())[1].rows == {}
        [row] = (await campaign_room(campaign.id, STAFF).load())[1].rows.values()
        assert row["status"] == "pending"

    async def test_a_campaign_that_is_gone_is_missing(self) -> None:
        campaign = await make_campaign()
        await campaigns.delete_campaign(OPERATOR, campaign.id)
        assert (await campaign_room(campaign.id, PUBLIC).load())[1].fields == {"missing": True}


@pytest.mark.usefixtures("own_database")
class TestStamps:
    """What is told of what only few see: that something has moved, and nothing else."""

    async def stamp(self, key: RoomKey) -> str:
        view = (await key.load())[1]
        assert (set(view.fields), view.rows) == ({"stamp"}, {})
        return str(view.fields["stamp"])

    async def test_of_an_account_follows_its_gifts_and_campaigns_and_no_others(self) -> None:
        attrs = {"name": "Siti", "email": GIFT["donor_email"]}
        user = await accounts.create_user(OPERATOR, attrs)
        campaign, key = await make_campaign(), account_room(user.id)
        stamps = [await self.stamp(key)]
        gift = await make_gift(campaign)
        stamps.append(await self.stamp(key))
        await donations.update_donation(OPERATOR, gift.id, {"message": "Keep going!"})
        stamps.append(await self.stamp(key))
        await campaigns.update_campaign(OPERATOR, campaign.id, {"name": "Another"})
        stamps.append(await self.stamp(key))
        await donations.update_donation(OPERATOR, gift.id, {"donor_email": "else@example.org"})
        stamps.append(await self.stamp(key))
        assert stamps.pop(0) == stamps.pop()
        assert len(set(stamps)) == 3
        mine = await self.stamp(key)
        await make_gift(campaign, donor_email="budi@example.org")
        assert await self.stamp(key) == mine

    async def test_of_an_account_follows_what_is_told_of_its_user(self) -> None:
        user = await accounts.create_user(OPERATOR, {"name": "Siti", "email": "siti@example.org"})
        key = account_room(user.id)
        before = await self.stamp(key)
        async with db.transaction() as session:
            session.add(outbox.TopicSequence(topic=f"user:{user.id}", seq=1))
        assert await self.stamp(key) != before

    async def test_of_a_team_is_another_after_all_but_gifts(self) -> None:
        campaign = await make_campaign()
        key, seen = team_room(campaign.id), await last_id()
        view = (await key.load())[1]
        await make_gift(campaign)
        await campaigns.invite(OPERATOR, campaign.id, "budi@example.org", "viewer")
        await campaigns.update_campaign(OPERATOR, campaign.id, {"name": "Another"})
        given, *others = await told(seen)
        assert key.apply(view, given.name, given.data) is view
        assert len(others) == 2
        for event in others:
            assert key.topic in event.topics
            assert key.apply(view, event.name, event.data) is None

    async def test_any_gift_may_be_ones_own(self) -> None:
        user = await accounts.create_user(OPERATOR, {"name": "Siti", "email": "siti@example.org"})
        campaign, key, seen = await make_campaign(), account_room(user.id), await last_id()
        view = (await key.load())[1]
        await make_gift(campaign)
        [event] = await told(seen)
        assert key.topic in event.topics
        assert key.apply(view, event.name, event.data) is None
