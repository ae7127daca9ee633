"""Totals are exact after any sequence of acts, compared with a model that adds by itself."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from financial_live import db
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign
from financial_live.errors import AppError, Conflict, Invalid
from tests.conftest import rolled_back
from tests.contexts.factories import OPERATOR, make_campaign, make_gift

sides = st.sampled_from([0, 1])
amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10_000), places=2)
emails = st.sampled_from(["siti@example.org", "SITI@example.org", "budi@example.org"])


@dataclass
class GiftModel:
    """What a gift should be."""

    side: int
    email: str
    amount: Decimal
    is_test: bool
    is_counted: bool


@dataclass
class CampaignModel:
    """What a campaign should be."""

    id: UUID
    is_automatic: bool = True
    one_gift: bool = False
    is_open: bool = True
    version: int = 1
    emails: list[str] = field(default_factory=list)


class Totals(RuleBasedStateMachine):
    """Two campaigns, and everything that may happen to gifts."""

    gifts = Bundle("gifts")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.connected = rolled_back(url)
        self.run(self.connected.__aenter__())
        self.model: dict[UUID, GiftModel] = {}
        self.sides: list[CampaignModel] = []

    def run(self, call: Any) -> Any:
        return self.runner.run(call)

    def refusal(self, call: Any) -> AppError | None:
        try:
            self.run(call)
        except AppError as error:
            return error
        return None

    def donors(self, side: int, *, without: UUID | None = None) -> list[str]:
        return [
            gift.email.lower()
            for key, gift in self.model.items()
            if gift.side == side and not gift.is_test and key != without
        ]

    @initialize()
    def two_campaigns(self) -> None:
        made: list[Campaign] = [self.run(make_campaign()), self.run(make_campaign())]
        self.sides = [CampaignModel(campaign.id) for campaign in made]

    @rule(target=gifts, side=sides, amount=amounts, email=emails, is_test=st.booleans())
    def give(self, side: int, amount: Decimal, email: str, is_test: bool) -> Any:
        campaign = self.sides[side]
        made = self.run(campaigns.get_campaign(OPERATOR, campaign.id))
        is_free = is_test or not campaign.one_gift or email.lower() not in self.donors(side)
        call = make_gift(made, OPERATOR, amount=amount, donor_email=email, is_test=is_test)
        if not (campaign.is_open and is_free):
            assert isinstance(self.refusal(call), Invalid)
            return multiple()
        given = self.run(call)
        is_counted = campaign.is_automatic and not is_test
        self.model[given.id] = GiftModel(side, email, amount, is_test, is_counted)
        campaign.version += 1
        return given.id

    @rule(gift=gifts, amount=amounts)
    def change_amount(self, gift: UUID, amount: Decimal) -> None:
        model = self.model[gift]
        error = self.refusal(donations.update_donation(OPERATOR, gift, {"amount": amount}))
        if amount == model.amount:
            assert error is None
        elif model.is_counted:
            assert isinstance(error, Conflict)
        else:
            assert error is None
            model.amount = amount
            self.sides[model.side].version += 1

    @rule(gift=gifts, side=sides)
    def move(self, gift: UUID, side: int) -> None:
        model, target = self.model[gift], self.sides[side]
        call = donations.update_donation(OPERATOR, gift, {"campaign_id": target.id})
        error = self.refusal(call)
        if side == model.side:
            assert error is None
            return
        is_taken = target.one_gift and model.email.lower() in self.donors(side, without=gift)
        if model.is_counted or not target.is_open or (is_taken and not model.is_test):
            assert isinstance(error, Conflict | Invalid)
            return
        assert error is None
        self.sides[model.side].version += 1
        target.version += 1
        model.side = side

    @rule(gift=consumes(gifts))
    def delete(self, gift: UUID) -> None:
        model = self.model[gift]
        error = self.refusal(donations.delete_donation(OPERATOR, gift))
        if model.is_counted:
            assert isinstance(error, Conflict)
            return
        assert error is None
        self.sides[model.side].version += 1
        del self.model[gift]

    @rule(side=sides, is_on=st.booleans())
    def switch_one_gift(self, side: int, is_on: bool) -> None:
        campaign, donors = self.sides[side], self.donors(side)
        call = campaigns.update_campaign(OPERATOR, campaign.id, {"one_gift_per_donor": is_on})
        error = self.refusal(call)
        if is_on and not campaign.one_gift and len(set(donors)) < len(donors):
            assert isinstance(error, Conflict)
            return
        assert error is None
        campaign.version += campaign.one_gift != is_on
        campaign.one_gift = is_on

    @rule(side=sides, is_automatic=st.booleans(), is_open=st.booleans())
    def change_settings(self, side: int, is_automatic: bool, is_open: bool) -> None:
        campaign = self.sides[side]
        attrs = {
            "review_policy": "automatic" if is_automatic else "manual",
            "status": "active" if is_open else "closed",
        }
        assert self.refusal(campaigns.update_campaign(OPERATOR, campaign.id, attrs)) is None
        was = (campaign.is_automatic, campaign.is_open)
        campaign.version += was != (is_automatic, is_open)
        campaign.is_automatic, campaign.is_open = is_automatic, is_open

    @invariant()
    def totals_are_those_of_the_model(self) -> None:
        for side, model in enumerate(self.sides):
            counted = [g.amount for g in self.model.values() if g.side == side and g.is_counted]
            found = self.run(campaigns.get_campaign(OPERATOR, model.id))
            assert (found.total_raised, found.gift_count) == (sum(counted), len(counted))
            assert found.version == model.version

    def teardown(self) -> None:
        report = self.run(self.check())
        self.run(self.connected.__aexit__(None, None, None))
        self.runner.close()
        assert report.problems == []

    async def check(self) -> donations.CheckReport:
        # Inside a transaction, because this database has one connection and no snapshots.
        async with db.transaction():
            return await donations.check(OPERATOR)


class TestTotals:
    def test_any_sequence_of_acts_leaves_exact_totals(self, rolled_back_url: str) -> None:
        class Here(Totals):
            def __init__(self) -> None:
                super().__init__(rolled_back_url)

        run_state_machine_as_test(Here, settings=settings(max_examples=30, stateful_step_count=30))
