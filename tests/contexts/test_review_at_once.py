"""Sixteen reviewers and sixteen donors at one campaign, with real commits, leave nothing wrong.

The campaign reviews by hand, large gifts need two people, a sponsor matches until the cap is
reached, and milestones wait. Everybody acts on the same few gifts. Each answer says which version
of the campaign it made; so all that was done is played again, one after another in that order, by
books that know nothing of the code. They must allow each act, and agree with each answer.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import DeadlockDetected

from financial_live import db
from financial_live.contexts import campaigns, donations, matches
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import Donation
from financial_live.errors import AppError, Conflict, Invalid, Unavailable
from financial_live.outbox import Relay
from financial_live.scope import Scope
from tests.contexts.books import Books, Challenge, Gift
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, events, make_campaign, make_gift
from tests.contexts.people import hash_quickly, make_user
from tests.contexts.test_concurrency import Nobody, everything_placed
from tests.rights_world import join

REVIEWERS = 16
DONORS = 16
GIFTS = 8
ACTS = 25
TWO_FROM = Decimal(50_000)
CAP = Decimal(2_000_000)
MILESTONES = (Decimal(100_000), Decimal(1_000_000), Decimal(3_000_000), Decimal(900_000_000))
WHY = {"reason": "It was a mistake"}
ALREADY = re.compile(
    r"This gift (?:is \w+|was given back) already: (Reviewer \d+) did it at [\d:]+ UTC on [\d-]+\."
)


@dataclass(frozen=True)
class Answer:
    """What somebody was told of an act that was done: the gift as it was after."""

    act: str
    who: str
    amount: Decimal | None
    donation: Donation

    @property
    def is_newest(self) -> bool:
        """Whether nothing has happened to the campaign since the gift was changed."""
        return self.donation.version == self.donation.campaign.version


@dataclass
class Told:
    """What all clients were told."""

    answers: list[Answer] = field(default_factory=list)
    refusals: list[AppError] = field(default_factory=list)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def gifts(self) -> list[UUID]:
        return [one.donation.id for one in self.answers if one.act == "give"]

    def in_order(self) -> Iterator[Answer]:
        """Yield what was done by the version that it made.

        Hiding what is hidden makes none, and answers with the version of an act before.
        """
        deeds = [one for one in self.answers if one.act not in _BESIDE]
        beside = [one for one in self.answers if one.act in _BESIDE and one.is_newest]
        by_version = {one.donation.version: one for one in [*beside, *deeds]}
        assert len({one.donation.version for one in deeds}) == len(deeds)
        return (by_version[version] for version in sorted(by_version))


_BESIDE = ("hide", "show")


@contextmanager
def patience() -> Iterator[None]:
    """Let a busy machine refuse to wait any longer, but never for a circle of waiters."""
    try:
        yield
    except Unavailable as busy:
        assert not isinstance(getattr(busy.__cause__, "orig", None), DeadlockDetected)


async def give_gifts(number: int, campaign: Campaign, told: Told) -> None:
    chance = Random(number)
    for count in range(GIFTS):
        attrs = {"amount": chance.randint(1, 100_000), "donor_email": f"{number}@example.org"}
        key = f"{number}-{count}"
        given = None
        while given is None:
            with patience():
                given = await donations.give(
                    VISITOR, GIFT | attrs, campaign=campaign.id, idempotency_key=key
                )
        told.answers.append(Answer("give", "", None, given))
        if len(told.answers) >= DONORS:
            told.has_begun.set()


async def review_gifts(number: int, scope: Scope, told: Told) -> None:
    """Act at random on one of the last gifts, on which others act as well."""
    chance = Random(1000 + number)
    acts, weights = ("approve", "reject", "refund", "undo", "hide", "show"), (40, 8, 20, 20, 6, 6)
    await told.has_begun.wait()
    for act in chance.choices(acts, weights, k=ACTS):
        gift = chance.choice(told.gifts[-DONORS:])
        amount = chance.choice([None, Decimal(chance.randint(1, 9_999))])
        try:
            with patience():
                done = await do(act, scope, gift, amount)
                told.answers.append(Answer(act, scope.caller, amount, done))
        except AppError as refusal:
            told.refusals.append(refusal)


async def do(act: str, scope: Scope, gift: UUID, amount: Decimal | None) -> Donation:
    match act:
        case "refund":
            return await donations.refund(scope, gift, WHY | {"amount": amount})
        case "reject":
            return await donations.reject(scope, gift, WHY)
        case _:
            done: Donation = await getattr(donations, act)(scope, gift)
            return done


def play(books: Books, numbers: dict[UUID, int], one: Answer) -> None:
    """Do in the books what was done."""
    donation = one.donation
    if one.act == "give":
        gift = Gift(0, donation.donor_email, donation.amount, "IDR", False, donation.inserted_at)
        numbers[donation.id] = books.give(gift, "", is_written_down=False)
        return
    number = numbers[donation.id]
    match one.act:
        case "refund":
            books.refund(number, one.who, one.amount)
        case "hide" | "show":
            books.moderate(number, is_hidden=one.act == "hide")
        case _:
            getattr(books, one.act)(number, one.who)


def agrees(books: Books, number: int, donation: Donation) -> None:
    """Fail unless an answer is what the books say."""
    gift, campaign = books.gifts[number], donation.campaign
    assert (donation.version, campaign.version) == (gift.version, gift.version)
    assert donation.status == gift.status
    assert (donation.counted_amount, donation.refunded_amount) == (gift.counted, gift.refunded)
    assert donation.first_approver == gift.endorsed_by
    assert campaign.total_raised == books.raised(0)
    assert campaign.matched_total == books.matched(0)
    assert campaign.gift_count == books.count(0)


async def make_reviewers(campaign: Campaign) -> list[Scope]:
    scopes = []
    for number in range(REVIEWERS):
        user = await make_user(f"reviewer{number}@example.org", name=f"Reviewer {number}")
        scopes.append(Scope.user(user.id))
        await join(campaign, scopes[-1], "reviewer")
    return scopes


async def all_at_once(
    act: str, scopes: Sequence[Scope], gift: UUID
) -> tuple[list[Donation], list[BaseException]]:
    """Let everybody do one act on a gift; return what was answered, and what was refused."""
    calls = (do(act, scope, gift, None) for scope in scopes)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    done = [one for one in outcomes if isinstance(one, Donation)]
    return done, [one for one in outcomes if isinstance(one, BaseException)]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    hash_quickly(monkeypatch)


class TestReviewAtOnce:
    async def test_what_all_were_told_adds_up_in_the_order_of_versions(
        self, own_database: db.Database
    ) -> None:
        campaign = await make_campaign(review_policy="manual", dual_approval_from=TWO_FROM)
        scopes = await make_reviewers(campaign)
        challenge: dict[str, Any] = {"ratio": Decimal("0.33"), "cap": CAP}
        made = await matches.create_challenge(
            OPERATOR, campaign.id, challenge | {"sponsor_name": "The Baker"}
        )
        books = Books()
        books.campaigns[0].is_automatic, books.campaigns[0].two_from = False, TWO_FROM
        books.challenge(Challenge(0, starts_at=made.starts_at, ends_at=None, **challenge))
        for amount in MILESTONES:
            attrs = {"amount": amount, "label": "The walls stand"}
            await campaigns.create_milestone(OPERATOR, campaign.id, attrs)
            books.milestone(0, amount)
        told = Told()
        relaying = asyncio.create_task(Relay(own_database.dsn, Nobody()).run())
        async with asyncio.TaskGroup() as group:
            for number in range(DONORS):
                group.create_task(give_gifts(number, campaign, told))
            for number, scope in enumerate(scopes):
                group.create_task(review_gifts(number, scope, told))
        await everything_placed()
        relaying.cancel()

        numbers: dict[UUID, int] = {}
        for one in told.in_order():
            play(books, numbers, one)
            agrees(books, numbers[one.donation.id], one.donation)
        assert (await donations.check(OPERATOR)).problems == []
        found = await campaigns.get_campaign(OPERATOR, campaign.id)
        assert (found.total, found.version) == (books.total(0), books.campaigns[0].version)
        reached = [data["milestone"] for name, _, data in await events() if "reached" in name]
        told_of = {Decimal(milestone["amount"]) for milestone in reached}
        assert len(reached) == len(told_of)
        assert told_of == {one.amount for one in books.milestones if one.is_told}

        assert len(numbers) == DONORS * GIFTS
        assert {Conflict} <= {type(refusal) for refusal in told.refusals} <= {Conflict, Invalid}
        done = {one.act for one in told.answers}
        # Which others come about is chance.
        acts = {"give", "approve", "reject", "refund", "undo", "hide", "show"}
        assert {"give", "approve"} <= done <= acts
        second = [str(refusal) for refusal in told.refusals if " already" in str(refusal)]
        by_oneself = "You have approved this gift already"
        assert second
        assert all(ALREADY.fullmatch(text) or by_oneself in text for text in second)

    @pytest.mark.usefixtures("own_database")
    async def test_of_all_who_approve_one_does_and_the_others_hear_who(self) -> None:
        campaign = await make_campaign(review_policy="manual")
        scopes = await make_reviewers(campaign)
        for _ in range(5):
            gift = await make_gift(campaign)
            [done], refused = await all_at_once("approve", scopes, gift.id)
            assert done.counted_amount == gift.amount
            [entry] = await donations.history(OPERATOR, gift.id)
            assert len(refused) == REVIEWERS - 1
            for refusal in refused:
                words = ALREADY.fullmatch(str(refusal))
                assert words is not None
                assert (type(refusal), words[1]) == (Conflict, entry.name)

    @pytest.mark.usefixtures("own_database")
    async def test_of_all_who_approve_a_large_gift_two_different_people_do(self) -> None:
        campaign = await make_campaign(review_policy="manual", dual_approval_from=TWO_FROM)
        scopes = await make_reviewers(campaign)
        for _ in range(5):
            gift = await make_gift(campaign, amount=TWO_FROM)
            done, refused = await all_at_once("approve", [*scopes, *scopes], gift.id)
            assert sorted(one.status for one in done) == ["approved", "pending"]
            assert len(refused) == 2 * REVIEWERS - 2
            first, second = await donations.history(OPERATOR, gift.id)
            assert (first.act, second.act) == ("endorse", "approve")
            assert first.name != second.name

    @pytest.mark.usefixtures("own_database")
    async def test_of_all_who_refund_a_gift_one_does(self) -> None:
        campaign = await make_campaign()
        scopes = await make_reviewers(campaign)
        gift = await make_gift(campaign)
        done, refused = await all_at_once("refund", scopes, gift.id)
        assert [one.status for one in done] == ["refunded"]
        assert {type(refusal) for refusal in refused} == {Conflict}
        found = await campaigns.get_campaign(OPERATOR, campaign.id)
        assert found.total_raised == 0
        assert found.gift_count == 1
