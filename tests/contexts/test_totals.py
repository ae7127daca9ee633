"""Totals are exact after any sequence of acts, compared with books that add by themselves.

Every act is done twice: by the use cases, and in ``books``. Both do it, or both refuse it; and
after each everything that can be counted is compared to the cent.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from financial_live import db
from financial_live.contexts import campaigns, columns, donations, exchange_rates, ledger, matches
from financial_live.errors import AppError, Conflict
from financial_live.scope import Scope
from tests.conftest import rolled_back
from tests.contexts.books import CENT, PLACES, RATES, Books, Challenge, Gift, Refused
from tests.contexts.factories import OPERATOR, make_campaign
from tests.contexts.people import hash_quickly, make_user
from tests.rights_world import join

WHY = {"reason": "It was a mistake"}

places = st.sampled_from(range(len(PLACES)))
people = st.sampled_from(["Siti", "Budi", "operator"])
emails = st.sampled_from(["siti@example.org", "SITI@example.org", "budi@example.org"])
# What the rules turn on is likelier than chance makes it: limits, half a cent, one cent less.
amounts = st.one_of(
    st.sampled_from([Decimal(text) for text in ("0.01", "0.2", "80", "999.99", "1000", "20000")]),
    st.decimals(min_value=CENT, max_value=Decimal(10_000), places=2),
)
parts = st.sampled_from([Decimal(text) for text in ("0.01", "0.33", "0.5", "1", "1.01")])
seconds = st.sampled_from([1, 59, 60, 61, 600])
currencies = st.sampled_from(["IDR", "IDR", "EUR", "USD"])
kinds = st.sampled_from(["web", "web", "web", "web", "test", "offline", "nameless"])
changes = st.one_of(
    st.tuples(st.just("is_automatic"), st.booleans()),
    st.tuples(st.just("is_open"), st.sampled_from([True, True, False])),
    st.tuples(st.just("one_gift"), st.booleans()),
    st.tuples(st.just("two_from"), st.sampled_from([None, Decimal(1000), Decimal("14.8")])),
)

_ROWS = {
    "campaign": "id, total_raised, matched_total, transferred_total, gift_count, version",
    "donation": "id, status, counted_amount, refunded_amount, first_approver, is_hidden, version",
    "match_challenge": "id, matched_amount, cancelled_at",
    "milestone": "id, reached_at",
}
_TOLD = """
SELECT (data #>> '{milestone,id}')::uuid FROM outbox WHERE name = 'milestone_reached' ORDER BY 1
"""


Outcomes = Counter[tuple[str, type[AppError] | None]]
"""How often each act was done, or refused with which error."""


class Totals(RuleBasedStateMachine):
    """Three campaigns in two currencies, and everything that may happen to money in them."""

    gifts = Bundle("gifts")
    challenges = Bundle("challenges")

    def __init__(self, url: str, outcomes: Outcomes) -> None:
        super().__init__()
        self.outcomes = outcomes
        self.books = Books()
        self.ids: dict[int, UUID] = {}
        self.places: list[UUID] = []
        self.challenge_ids: list[UUID] = []
        self.milestone_ids: list[UUID] = []
        self.scopes = {"operator": OPERATOR}
        self.runner = asyncio.Runner()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(columns, "now", lambda: self.books.clock)
        hash_quickly(self.patch)
        self.connected = rolled_back(url)
        self.run(self.connected.__aenter__())

    def run(self, call: Any) -> Any:
        return self.runner.run(call)

    def both(self, name: str, act: Callable[[Books], Any], call: Any) -> tuple[Any, Any]:
        """Do an act here and there; return what both answer, or twice None if both refuse it."""
        tried = deepcopy(self.books)
        try:
            here = act(tried)
        except Refused as refused:
            self.outcomes[name, refused.error] += 1
            with pytest.raises(AppError) as raised:
                self.run(call)
            assert (type(raised.value), refused.words in str(raised.value)) == (refused.error, True)
            return None, None
        there = self.run(call)
        self.outcomes[name, None] += 1
        self.books = tried
        return here, there

    @initialize()
    def make_the_world(self) -> None:
        for name in ("Siti", "Budi"):
            user = self.run(make_user(f"{name}@example.org", name=name))
            self.scopes[name] = Scope.user(user.id)
        for place, currency in enumerate(PLACES):
            policy = settings_of("is_automatic", self.books.campaigns[place].is_automatic)
            campaign = self.run(make_campaign(currency=currency, **policy))
            self.places.append(campaign.id)
            for name in ("Siti", "Budi"):
                self.run(join(campaign, self.scopes[name], "reviewer"))
        for base, quote in (("EUR", "IDR"), ("USD", "EUR")):
            attrs = {"base_currency": base, "quote_currency": quote, "rate": RATES[base, quote]}
            known = {"as_of": "2026-02-28", "source": "the bank"}
            self.run(exchange_rates.set_rate(OPERATOR, attrs | known))

    # What happens to gifts

    @rule(
        target=gifts,
        place=places,
        amount=amounts,
        email=emails,
        who=people,
        currency=currencies,
        kind=kinds,
    )
    def give(
        self, *, place: int, amount: Decimal, email: str, who: str, currency: str, kind: str
    ) -> Any:
        sent = None if kind == "nameless" else email
        is_offline, is_test = kind in ("offline", "nameless"), kind == "test"
        gift = Gift(place, sent, amount, currency, is_test, self.books.clock)
        number, given = self.both(
            f"give {kind}",
            lambda books: books.give(gift, who, is_written_down=is_offline or is_test),
            donations.give(
                self.scopes[who],
                {
                    "donor_name": "Siti",
                    "donor_email": sent,
                    "amount": amount,
                    "currency": currency,
                    "is_test": is_test,
                },
                campaign=self.places[place],
                source="offline" if is_offline else "web",
            ),
        )
        if number is None:
            return multiple()
        self.ids[number] = given.id
        return number

    @rule(gift=gifts, who=people)
    def approve(self, gift: int, who: str) -> None:
        self.act("approve", gift, who)

    @rule(gift=gifts, who=people)
    def approve_another(self, gift: int, who: str) -> None:
        """Approve the last gift that waits, if there is one: most others are refused."""
        waiting = [n for n, one in self.books.gifts.items() if one.status == "pending"]
        self.act("approve", waiting[-1] if waiting else gift, who)

    @rule(gift=gifts, who=people)
    def reject(self, gift: int, who: str) -> None:
        self.act("reject", gift, who, WHY)

    @rule(gift=gifts, who=people, part=st.one_of(st.none(), parts))
    def refund(self, gift: int, who: str, part: Decimal | None) -> None:
        if gift not in self.books.gifts:
            return
        amount = None if part is None else part_of(self.books.gifts[gift].kept, part)
        self.both(
            "refund",
            lambda books: books.refund(gift, who, amount),
            donations.refund(self.scopes[who], self.ids[gift], WHY | {"amount": amount}),
        )

    @rule(gift=gifts, who=people)
    def undo(self, gift: int, who: str) -> None:
        self.act("undo", gift, who)

    @rule(gift=gifts)
    def undo_own(self, gift: int) -> None:
        last = self.books.gifts[gift].last if gift in self.books.gifts else None
        self.act("undo", gift, last.who if last else "operator")

    @rule(gift=gifts, who=people, is_hidden=st.booleans())
    def moderate(self, gift: int, who: str, is_hidden: bool) -> None:
        if gift not in self.books.gifts:
            return
        call = donations.hide if is_hidden else donations.show
        self.both(
            "moderate",
            lambda books: books.moderate(gift, is_hidden=is_hidden),
            call(self.scopes[who], self.ids[gift]),
        )

    @rule(gift=gifts, who=people, amount=amounts)
    def edit(self, gift: int, who: str, amount: Decimal) -> None:
        if gift not in self.books.gifts:
            return
        self.both(
            "edit",
            lambda books: books.edit(gift, who, amount),
            donations.update_donation(self.scopes[who], self.ids[gift], {"amount": amount}),
        )

    @rule(gift=gifts, who=people, place=places)
    def move(self, gift: int, who: str, place: int) -> None:
        if gift not in self.books.gifts:
            return
        attrs = {"campaign_id": self.places[place]}
        self.both(
            "move",
            lambda books: books.move(gift, who, place),
            donations.update_donation(self.scopes[who], self.ids[gift], attrs),
        )

    @rule(gift=gifts, who=people)
    def delete(self, gift: int, who: str) -> None:
        if gift not in self.books.gifts:
            return
        self.both(
            "delete",
            lambda books: books.delete(gift),
            donations.delete_donation(self.scopes[who], self.ids[gift]),
        )

    def act(self, name: str, gift: int, who: str, *attrs: Any) -> None:
        """Do an act by its name, which it has in both worlds; nothing with a gift that is gone."""
        if gift in self.books.gifts:
            self.both(
                name,
                lambda books: getattr(books, name)(gift, who),
                getattr(donations, name)(self.scopes[who], self.ids[gift], *attrs),
            )

    # What happens to campaigns

    @rule(giver=places, taker=places, part=parts)
    def transfer(self, giver: int, taker: int, part: Decimal) -> None:
        amount = part_of(self.books.total(giver), part)
        self.both(
            "transfer",
            lambda books: books.transfer(giver, taker, amount),
            ledger.transfer(OPERATOR, self.places[giver], self.places[taker], {"amount": amount}),
        )

    @rule(part=parts)
    def transfer_from_the_richer(self, part: Decimal) -> None:
        """Transfer between the two in one currency: most others are refused."""
        giver = max((0, 1), key=self.books.total)
        self.transfer(giver=giver, taker=1 - giver, part=part)

    @rule(
        target=challenges,
        place=places,
        ratio=st.sampled_from([Decimal(text) for text in ("0.33", "0.5", "1", "2", "10")]),
        cap=st.sampled_from([Decimal(text) for text in ("0.01", "500.05", "5000", "1000000")]),
        begins_s=st.sampled_from([-600, 0, 0, 59]),
        lasts_s=st.sampled_from([None, None, 60, 600]),
    )
    def challenge(
        self, place: int, ratio: Decimal, cap: Decimal, begins_s: int, lasts_s: int | None
    ) -> int:
        starts_at = self.books.clock + timedelta(seconds=begins_s)
        ends_at = None if lasts_s is None else starts_at + timedelta(seconds=lasts_s)
        attrs: dict[str, Any] = {
            "ratio": ratio,
            "cap": cap,
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        _, made = self.both(
            "challenge",
            lambda books: books.challenge(Challenge(place, **attrs)),
            matches.create_challenge(
                OPERATOR, self.places[place], attrs | {"sponsor_name": "The Baker"}
            ),
        )
        self.challenge_ids.append(made.id)
        return len(self.challenge_ids) - 1

    @rule(challenge=challenges)
    def cancel(self, challenge: int) -> None:
        place = self.places[self.books.challenges[challenge].place]
        self.both(
            "cancel",
            lambda books: books.cancel(challenge),
            matches.cancel_challenge(OPERATOR, place, self.challenge_ids[challenge]),
        )

    @rule(place=places, amount=amounts)
    def milestone(self, place: int, amount: Decimal) -> None:
        attrs = {"amount": amount, "label": "The walls stand"}
        _, made = self.both(
            "milestone",
            lambda books: books.milestone(place, amount),
            campaigns.create_milestone(OPERATOR, self.places[place], attrs),
        )
        if made is not None:
            self.milestone_ids.append(made.id)

    @rule(place=places, change=changes)
    def change(self, place: int, change: tuple[str, Any]) -> None:
        name, value = change
        self.both(
            name,
            lambda books: books.change(place, name, value),
            campaigns.update_campaign(OPERATOR, self.places[place], settings_of(name, value)),
        )

    @rule(passed_s=seconds)
    def wait(self, passed_s: int) -> None:
        self.books.clock += timedelta(seconds=passed_s)

    # What must be so after each of them

    @invariant()
    def everything_is_as_in_the_books(self) -> None:
        books, found = self.books, self.run(self.rows())
        assert found["campaign"] == {
            key: (
                books.raised(place),
                books.matched(place),
                books.campaigns[place].transferred,
                books.count(place),
                books.campaigns[place].version,
            )
            for place, key in enumerate(self.places)
        }
        assert found["donation"] == {
            self.ids[number]: (
                gift.status,
                gift.counted,
                gift.refunded,
                gift.endorsed_by and self.scopes[gift.endorsed_by].caller,
                gift.is_hidden,
                gift.version,
            )
            for number, gift in books.gifts.items()
        }
        challenges = zip(self.challenge_ids, books.challenges, strict=True)
        assert {
            key: (amount, cancelled_at is not None)
            for key, (amount, cancelled_at) in found["match_challenge"].items()
        } == {key: (one.matched, one.is_cancelled) for key, one in challenges}
        milestones = dict(zip(self.milestone_ids, books.milestones, strict=True))
        reached = {key: reached_at is not None for key, (reached_at,) in found["milestone"].items()}
        assert reached == {key: one.is_reached for key, one in milestones.items()}
        assert found["told"] == sorted(key for key, one in milestones.items() if one.is_told)

    @rule()
    @precondition(lambda self: self.books.given)
    def check(self) -> None:
        assert self.run(self.problems()) == []

    def teardown(self) -> None:
        try:
            assert self.run(self.problems()) == []
        finally:
            self.run(self.connected.__aexit__(None, None, None))
            self.runner.close()
            self.patch.undo()

    async def problems(self) -> list[str]:
        # Inside a transaction, because this database has one connection and no snapshots.
        async with db.transaction():
            return (await donations.check(OPERATOR)).problems

    async def rows(self) -> dict[str, Any]:
        """Return what is in each table by its id, and of which milestones was told, in order."""
        async with db.reading() as session:
            found: dict[str, Any] = {}
            for table, names in _ROWS.items():
                rows = await session.execute(sa.text(f"SELECT {names} FROM {table}"))
                found[table] = {row[0]: tuple(row[1:]) for row in rows}
            found["told"] = list((await session.execute(sa.text(_TOLD))).scalars())
        return found


def part_of(whole: Decimal, part: Decimal) -> Decimal:
    """Return a part of what is there, a cent at least."""
    return max((whole * part).quantize(CENT), CENT)


def settings_of(name: str, value: Any) -> dict[str, Any]:
    """Return a change of the books as the use case takes it."""
    match name:
        case "is_automatic":
            return {"review_policy": "automatic" if value else "manual"}
        case "is_open":
            return {"status": "active" if value else "closed"}
        case "one_gift":
            return {"one_gift_per_donor": value}
        case _:
            return {"dual_approval_from": value}


@pytest.fixture
def machine(rolled_back_url: str) -> Iterator[Totals]:
    """Return a world in which a test itself says what happens."""
    one = Totals(rolled_back_url, Counter())
    one.make_the_world()
    yield one
    one.everything_is_as_in_the_books()
    one.teardown()


def give(machine: Totals, amount: str) -> int:
    """Give to the first campaign, and return the gift's number."""
    email, worth = "siti@example.org", Decimal(amount)
    given: Any = machine.give(
        place=0, amount=worth, email=email, who="Siti", currency="IDR", kind="web"
    )
    assert isinstance(given, int)
    return given


class TestTotals:
    @pytest.mark.timeout(900)  # Beside others, on a busy machine.
    def test_any_sequence_of_acts_leaves_exact_totals(self, rolled_back_url: str) -> None:
        outcomes: Outcomes = Counter()

        class Here(Totals):
            def __init__(self) -> None:
                super().__init__(rolled_back_url, outcomes)

        # So long that a gift can count, be matched, refunded and regained while others take what
        # it set free; so many that it takes under a minute of one processor.
        run_state_machine_as_test(Here, settings=settings(max_examples=40, stateful_step_count=50))
        # Which acts chance chooses differs; but not all may be refused.
        assert sum(count for (_, error), count in outcomes.items() if error is None) > 100

    def test_a_refund_adds_nothing_though_the_cap_would_allow_it(self, machine: Totals) -> None:
        machine.challenge(0, Decimal(1), Decimal("500.05"), 0, None)
        first = give(machine, "500.05")
        machine.refund(first, "Siti", Decimal("0.5"))
        second = give(machine, "250.02")
        machine.undo(first, "Siti")
        machine.refund(second, "Siti", None)
        before = machine.books.matched(0)
        machine.refund(first, "Siti", Decimal("0.01"))
        assert machine.books.matched(0) == before == Decimal("250.03")

    def test_a_gift_approved_again_has_only_its_new_grant(self, machine: Totals) -> None:
        machine.challenge(0, Decimal(1), Decimal("500.05"), 0, None)
        machine.change(0, ("is_automatic", False))
        first, second = give(machine, "500.05"), give(machine, "500.05")
        machine.approve(first, "Siti")
        machine.undo(first, "Siti")
        machine.approve(second, "Siti")
        machine.approve(first, "Siti")
        machine.refund(second, "Siti", None)
        machine.refund(first, "Siti", Decimal("0.5"))
        machine.undo(first, "Siti")
        assert machine.books.matched(0) == 0

    def test_who_comes_second_hears_who_decided_and_not_who_hid(self, machine: Totals) -> None:
        machine.change(0, ("is_automatic", False))
        gift = give(machine, "1000")
        machine.approve(gift, "Siti")
        machine.moderate(gift, "Budi", True)
        machine.approve(gift, "operator")
        assert machine.outcomes["approve", Conflict] == 1
