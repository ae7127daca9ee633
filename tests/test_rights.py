"""Every use case is called by every kind of caller, and must do as the table of rights says."""

import ast
import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from financial_live import contexts, db, rights
from financial_live.contexts import (
    accounts,
    campaigns,
    donations,
    exchange_rates,
    idempotency_keys,
    ledger,
    mail,
    matches,
    notifications,
    receipts,
)
from financial_live.contexts.accounts import Purpose
from financial_live.contexts.donations import Audience, Donation, DonationSource, Gift
from financial_live.errors import AppError, Forbidden, MissingScope, NotFound, Unauthorized
from financial_live.rights import Act, Answer, Caller, CampaignRole, Kind
from financial_live.scope import Scope, TokenScope
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, make_gift
from tests.contexts.people import (
    HOME,
    PASSWORD,
    SITI,
    link,
    registered,
)
from tests.rights_page import PAGE, page
from tests.rights_world import (
    CALLERS,
    World,
    email_of,
    execute,
    expected,
    join,
    made,
    world,
)

__all__ = ["made", "world"]  # Fixtures.

ROOT = Path(__file__).parent.parent / "financial_live"
NEW_PASSWORD = "another horse battery"
STRANGER = "stranger@example.org"
REFUSALS = (Unauthorized, Forbidden, NotFound)
# What is a part of several functions is no function of its own.
PARTS = {
    Act.SEE_MEMBER_EMAILS,
    Act.GIVE_TEST,
    Act.GIVE_OFFLINE,
    Act.SEE_ALL_GIFTS,
    Act.SEE_EMAILS,
}


# How each act is done: by a caller, about what is theirs or else about what is somebody else's.

Call = Callable[[World, Scope, bool], Awaitable[Any]]


async def accept_invitation(w: World, scope: Scope, is_own: bool) -> Any:
    name = w.name_of(scope)
    address = email_of(name) if is_own and name else STRANGER
    invitation = await campaigns.invite(OPERATOR, w.empty.id, address, "viewer")
    _, token = await campaigns.issue_invitation(OPERATOR, invitation.id)
    return await campaigns.accept_invitation(scope, token)


async def cancel_invitation(w: World, scope: Scope, is_own: bool) -> Any:
    invitation = await campaigns.invite(OPERATOR, w.ours.id, STRANGER, "viewer")
    return await campaigns.cancel_invitation(scope, w.ours.id, invitation.id)


async def issue_invitation(w: World, scope: Scope, is_own: bool) -> Any:
    invitation = await campaigns.invite(OPERATOR, w.ours.id, STRANGER, "viewer")
    return await campaigns.issue_invitation(scope, invitation.id)


async def leave(w: World, scope: Scope, is_own: bool) -> Any:
    return await campaigns.leave(scope, w.ours.id if is_own else w.empty.id)


async def check(w: World, scope: Scope, is_own: bool) -> Any:
    async with db.transaction():
        return await donations.check(scope)


async def once(w: World, scope: Scope, is_own: bool) -> Any:
    async def act() -> dict[str, Any]:
        return {}

    return await idempotency_keys.once(scope, "key", {}, act)


async def verify_email(w: World, scope: Scope, is_own: bool) -> Any:
    await registered(STRANGER)
    token = await link(STRANGER, Purpose.VERIFY)
    return await accounts.verify_email(scope, token, PASSWORD)


async def reset_password(w: World, scope: Scope, is_own: bool) -> Any:
    token = await link(email_of("donor"), Purpose.RESET)
    return await accounts.reset_password(scope, token, NEW_PASSWORD)


async def redeem_handover(w: World, scope: Scope, is_own: bool) -> Any:
    ticket = await accounts.handover(VISITOR, email_of("donor"), PASSWORD, address=HOME)
    return await accounts.redeem_handover(scope, ticket, address=HOME, agent="")


async def gift_of(w: World, scope: Scope, is_own: bool) -> tuple[Donation, Scope]:
    """Return a gift of the caller, or of another, and whose it is."""
    giver = w.name_of(scope) or "nobody"
    other = "donor" if giver != "donor" else "viewer"
    named = giver if is_own and scope.user_id else other
    return await make_gift(w.empty, donor_email=email_of(named)), w.scopes[named]


async def change_visibility(w: World, scope: Scope, is_own: bool) -> Any:
    gift, _ = await gift_of(w, scope, is_own)
    return await donations.change_visibility(scope, gift.id, {"show_name": False})


async def issue_receipt(w: World, scope: Scope, is_own: bool) -> Any:
    gift, _ = await gift_of(w, scope, is_own)
    return await receipts.issue_receipt(scope, gift.id)


async def get_receipt(w: World, scope: Scope, is_own: bool) -> Any:
    gift, giver = await gift_of(w, scope, is_own)
    issued = await receipts.issue_receipt(giver, gift.id)
    return await receipts.get_receipt(scope, issued.id)


async def create_first_admin(w: World, scope: Scope, is_own: bool) -> Any:
    await execute("UPDATE user_account SET role = 'donor' WHERE role = 'admin'")
    token = await accounts.first_admin_token(OPERATOR)
    assert token is not None
    return await accounts.create_first_admin(scope, token, SITI)


async def revoke_session(w: World, scope: Scope, is_own: bool) -> Any:
    other = w.scopes["donor" if scope is not w.scopes["donor"] else "viewer"].session_id
    chosen = scope.session_id if is_own else other
    return await accounts.revoke_session(scope, str(chosen or other))


async def find_user(w: World, scope: Scope, is_own: bool) -> Any:
    other = w.id_of("donor" if scope is not w.scopes["donor"] else "viewer")
    return await accounts.find_user(scope, scope.user_id if is_own and scope.user_id else other)


async def log_in(w: World, scope: Scope, is_own: bool) -> Any:
    return await accounts.log_in(scope, email_of("donor"), PASSWORD, address=HOME, agent="")


async def handover(w: World, scope: Scope, is_own: bool) -> Any:
    return await accounts.handover(scope, email_of("donor"), PASSWORD, address=HOME)


async def log_in_program(w: World, scope: Scope, is_own: bool) -> Any:
    return await accounts.log_in_program(
        scope, email_of("donor"), PASSWORD, address=HOME, agent="curl"
    )


async def revoke_token(w: World, scope: Scope, is_own: bool) -> Any:
    other = w.scopes["donor" if scope.user_id != w.id_of("donor") else "viewer"]
    me = replace(scope, token_scopes=None)
    owner = me if is_own and me.user_id is not None else other
    made = await accounts.create_token(owner, TOKEN)
    return await accounts.revoke_token(scope, made.token.id)


async def delete_milestone(w: World, scope: Scope, is_own: bool) -> Any:
    made = await campaigns.create_milestone(OPERATOR, w.ours.id, MILESTONE)
    return await campaigns.delete_milestone(scope, w.ours.id, made.id)


async def cancel_challenge(w: World, scope: Scope, is_own: bool) -> Any:
    made = await matches.create_challenge(OPERATOR, w.ours.id, CHALLENGE)
    return await matches.cancel_challenge(scope, w.ours.id, made.id)


async def transfer(w: World, scope: Scope, is_own: bool) -> Any:
    """Transfer to another campaign of the caller's, so that the giving one's rights decide."""
    if scope.user_id is not None:
        await join(w.empty, scope, "owner")
    return await ledger.transfer(scope, w.ours.id, w.empty.id, {"amount": "1"})


async def undo(w: World, scope: Scope, is_own: bool) -> Any:
    """Undo what the caller has done; somebody else's act is refused to all alike."""
    gift = w.gifts["plain"].id
    await donations.refund(OPERATOR, gift, WHY)
    return await donations.undo(scope, gift)


async def review_many(w: World, scope: Scope, is_own: bool) -> Any:
    """Review one gift: each is refused by itself."""
    [found] = await donations.review_many(scope, "hide", [w.gifts["plain"].id])
    if isinstance(found, AppError):
        raise found
    return found


async def import_ecb(w: World, scope: Scope, is_own: bool) -> Any:
    return await exchange_rates.import_ecb(scope, b"Date, USD,\n01 December 2025, 1.1,\n")


WHY = {"reason": "Given twice"}
MILESTONE = {"amount": "1000", "label": "The walls stand"}
CHALLENGE = {"sponsor_name": "PT Maju", "ratio": "1", "cap": "1000"}
RATE = {
    "base_currency": "USD",
    "quote_currency": "IDR",
    "rate": "15000",
    "as_of": "2026-01-01",
    "source": "the treasurer",
}
BOX = {"donor_name": "Kotak amal", "amount": "1", "currency": "IDR"}
TOKEN = {"name": "Queue", "scopes": ["read"]}
ROW = {"name": "New", "goal_amount": 1, "currency": "IDR"}
CALLS: dict[Act, Call] = {
    Act.LIST_CAMPAIGNS: lambda w, s, own: campaigns.list_campaigns(s),
    Act.GET_CAMPAIGN: lambda w, s, own: campaigns.get_campaign(s, w.ours.id),
    Act.CREATE_CAMPAIGN: lambda w, s, own: campaigns.create_campaign(s, ROW),
    Act.UPDATE_CAMPAIGN: lambda w, s, own: campaigns.update_campaign(s, w.ours.slug, {"name": "X"}),
    Act.DELETE_CAMPAIGN: lambda w, s, own: campaigns.delete_campaign(s, w.ours.slug),
    Act.LIST_MEMBERS: lambda w, s, own: campaigns.list_members(s, w.ours.slug),
    Act.CHANGE_MEMBER_ROLE: lambda w, s, own: campaigns.change_member_role(
        s, w.ours.id, w.id_of("viewer"), "reviewer"
    ),
    Act.REMOVE_MEMBER: lambda w, s, own: campaigns.remove_member(s, w.ours.id, w.id_of("viewer")),
    Act.LEAVE: leave,
    Act.INVITE: lambda w, s, own: campaigns.invite(s, w.ours.id, STRANGER, "owner"),
    Act.LIST_INVITATIONS: lambda w, s, own: campaigns.list_invitations(s, w.ours.id),
    Act.CANCEL_INVITATION: cancel_invitation,
    Act.ACCEPT_INVITATION: accept_invitation,
    Act.ISSUE_INVITATION: issue_invitation,
    Act.LIST_MILESTONES: lambda w, s, own: campaigns.list_milestones(s, w.ours.id),
    Act.CREATE_MILESTONE: lambda w, s, own: campaigns.create_milestone(s, w.ours.id, MILESTONE),
    Act.DELETE_MILESTONE: delete_milestone,
    Act.LIST_CHALLENGES: lambda w, s, own: matches.list_challenges(s, w.ours.id),
    Act.CREATE_CHALLENGE: lambda w, s, own: matches.create_challenge(s, w.ours.id, CHALLENGE),
    Act.CANCEL_CHALLENGE: cancel_challenge,
    Act.TRANSFER: transfer,
    Act.LIST_NOTIFICATIONS: lambda w, s, own: notifications.list_notifications(s),
    Act.GIVE: lambda w, s, own: donations.give(s, GIFT, campaign=w.ours.id),
    Act.GIVE_MANY: lambda w, s, own: donations.give_many(
        s, [Gift(GIFT, DonationSource.QUEUE, w.ours.id)]
    ),
    Act.GIVE_TEST: lambda w, s, own: donations.give(
        s, GIFT | {"is_test": True}, campaign=w.ours.id
    ),
    Act.GIVE_OFFLINE: lambda w, s, own: donations.give(
        s, GIFT, campaign=w.ours.id, source="offline"
    ),
    Act.LIST_DONATIONS: lambda w, s, own: donations.list_donations(s, campaign_id=w.ours.id),
    Act.LIST_MANAGED: lambda w, s, own: donations.list_managed(s),
    Act.SCROLL: lambda w, s, own: donations.scroll(s, campaign_id=w.ours.id),
    Act.LATEST: lambda w, s, own: donations.latest(s, campaign_id=w.ours.id),
    Act.GET_DONATION: lambda w, s, own: donations.get_donation(s, w.gifts["plain"].id),
    Act.STATISTICS: lambda w, s, own: donations.statistics(s, w.ours.id),
    Act.UPDATE_DONATION: lambda w, s, own: donations.update_donation(
        s, w.gifts["plain"].id, {"message": "x"}
    ),
    Act.DELETE_DONATION: lambda w, s, own: donations.delete_donation(s, w.gifts["plain"].id),
    Act.APPROVE: lambda w, s, own: donations.approve(s, w.gifts["plain"].id),
    Act.REJECT: lambda w, s, own: donations.reject(s, w.gifts["plain"].id, WHY),
    Act.REFUND: lambda w, s, own: donations.refund(s, w.gifts["plain"].id, WHY),
    Act.UNDO: undo,
    Act.HIDE: lambda w, s, own: donations.hide(s, w.gifts["plain"].id),
    Act.SHOW: lambda w, s, own: donations.show(s, w.gifts["plain"].id),
    Act.REVIEW_MANY: review_many,
    Act.HISTORY: lambda w, s, own: donations.history(s, w.gifts["plain"].id),
    Act.RECORD_BATCH: lambda w, s, own: donations.record_batch(
        s, w.ours.id, [BOX], {"control_total": "1"}
    ),
    Act.LIST_OWN: lambda w, s, own: donations.list_own(s),
    Act.CHANGE_VISIBILITY: change_visibility,
    Act.CHECK: check,
    Act.LOAD_DEMO: lambda w, s, own: donations.load_demo(s),
    Act.ISSUE_RECEIPT: issue_receipt,
    Act.GET_RECEIPT: get_receipt,
    Act.LIST_RATES: lambda w, s, own: exchange_rates.list_rates(s),
    Act.RATES_TO: lambda w, s, own: exchange_rates.rates_to(s, "IDR"),
    Act.SET_RATE: lambda w, s, own: exchange_rates.set_rate(s, RATE),
    Act.IMPORT_ECB: import_ecb,
    Act.ONCE: once,
    Act.LOG_IN_PROGRAM: log_in_program,
    Act.CREATE_TOKEN: lambda w, s, own: accounts.create_token(s, TOKEN),
    Act.LIST_TOKENS: lambda w, s, own: accounts.list_tokens(s),
    Act.REVOKE_TOKEN: revoke_token,
    Act.REGISTER: lambda w, s, own: accounts.register(s, SITI | {"email": STRANGER}),
    Act.REQUEST_VERIFICATION: lambda w, s, own: accounts.request_verification(s, STRANGER),
    Act.VERIFY_EMAIL: verify_email,
    Act.REQUEST_RESET: lambda w, s, own: accounts.request_reset(s, STRANGER),
    Act.RESET_PASSWORD: reset_password,
    Act.LOG_IN: log_in,
    Act.HANDOVER: handover,
    Act.REDEEM_HANDOVER: redeem_handover,
    Act.CREATE_FIRST_ADMIN: create_first_admin,
    Act.CHANGE_PASSWORD: lambda w, s, own: accounts.change_password(s, PASSWORD, NEW_PASSWORD),
    Act.LIST_SESSIONS: lambda w, s, own: accounts.list_sessions(s),
    Act.LOG_OUT: lambda w, s, own: accounts.log_out(s),
    Act.REVOKE_SESSION: revoke_session,
    Act.REVOKE_OTHERS: lambda w, s, own: accounts.revoke_others(s),
    Act.FIND_USER: find_user,
    Act.CREATE_USER: lambda w, s, own: accounts.create_user(s, SITI),
    Act.SET_PASSWORD: lambda w, s, own: accounts.set_password(s, email_of("donor"), NEW_PASSWORD),
    Act.SET_ROLE: lambda w, s, own: accounts.set_role(s, email_of("donor"), "manager"),
    Act.FIRST_ADMIN_TOKEN: lambda w, s, own: accounts.first_admin_token(s),
    Act.ISSUE_LINK: lambda w, s, own: accounts.issue_link(s, w.id_of("donor"), Purpose.RESET),
    Act.FILES: lambda w, s, own: mail.files(s, Path("/nowhere")),
    Act.OWN_FILES: lambda w, s, own: mail.own_files(s, Path("/nowhere")),
}
# Their callers cannot name anything of somebody else's.
ONLY_OWN = {
    Act.LIST_MANAGED,
    Act.LIST_OWN,
    Act.LIST_NOTIFICATIONS,
    Act.CREATE_TOKEN,
    Act.LIST_TOKENS,
    Act.CHANGE_PASSWORD,
    Act.LIST_SESSIONS,
    Act.LOG_OUT,
    Act.REVOKE_OTHERS,
    Act.OWN_FILES,
}


async def outcome(call: Awaitable[Any]) -> AppError | None:
    """Return the refusal; None for whatever else came of it: the caller was let in."""
    try:
        await call
    except REFUSALS as error:
        return error
    except AppError:
        return None
    return None


def is_operators(act: Act) -> bool:
    return {a for k, a in act.value.answers.items() if k is not Kind.OPERATOR} <= {
        Answer.NO,
        Answer.ACCOUNT,
    }


class TestActs:
    @pytest.mark.parametrize("caller", CALLERS)
    @pytest.mark.parametrize("act", CALLS, ids=lambda act: act.name.lower())
    async def test_is_done_and_refused_as_the_table_says(
        self, world: World, act: Act, caller: str
    ) -> None:
        answer = expected(act, caller)
        refusal = await outcome(CALLS[act](world, world.scopes[caller], True))
        if answer is not Answer.NO:
            assert refusal is None
        elif caller == "nobody" and not is_operators(act):
            assert type(refusal) is Unauthorized
        else:
            assert type(refusal) is Forbidden

    @pytest.mark.parametrize("caller", CALLERS)
    @pytest.mark.parametrize(
        "act",
        [a for a in CALLS if Answer.OWN in a.value.answers.values() and a not in ONLY_OWN],
        ids=lambda act: act.name.lower(),
    )
    async def test_what_is_somebody_elses_is_refused(
        self, world: World, act: Act, caller: str
    ) -> None:
        refusal = await outcome(CALLS[act](world, world.scopes[caller], False))
        assert (refusal is None) == (expected(act, caller) is Answer.YES)

    async def test_each_lists_only_their_own_sessions(self, world: World) -> None:
        for name in CALLERS:
            if world.scopes[name].user_id is not None:
                [found] = await accounts.list_sessions(world.scopes[name])
                assert found.id == world.scopes[name].session_id


SCOPE_SETS = [
    frozenset(some)
    for size in range(1, len(TokenScope) + 1)
    for some in itertools.combinations(TokenScope, size)
]


def covers(scopes: frozenset[TokenScope], act: Act) -> bool:
    """Whether a token with these scopes is for such acts, without the functions tested."""
    needs = act.value.needs
    return needs is not None and (needs in scopes or TokenScope.MANAGE in scopes)


class TestTokens:
    """By a token nobody may more than without it, and only what it is for."""

    @pytest.mark.parametrize("scopes", SCOPE_SETS, ids="+".join)
    @pytest.mark.parametrize("act", CALLS, ids=lambda act: act.name.lower())
    async def test_may_what_its_user_may_and_it_is_for(
        self, world: World, act: Act, scopes: frozenset[TokenScope]
    ) -> None:
        scope = replace(world.scopes["owner"], token_scopes=scopes, session_id=None)
        refusal = await outcome(CALLS[act](world, scope, True))
        if not covers(scopes, act):
            assert type(refusal) is (Forbidden if act.value.needs is None else MissingScope)
        elif expected(act, "owner") is Answer.NO:
            assert type(refusal) is Forbidden
        else:
            assert refusal is None

    @pytest.mark.parametrize(
        "act", [act for act in CALLS if act.value.needs is None], ids=lambda act: act.name.lower()
    )
    async def test_of_an_admin_is_for_no_account(self, world: World, act: Act) -> None:
        scope = replace(world.scopes["admin"], token_scopes=frozenset(TokenScope), session_id=None)
        assert type(await outcome(CALLS[act](world, scope, True))) is Forbidden

    @pytest.mark.parametrize(
        ("scopes", "sees_all"), [({"read"}, True), ({"manage"}, True), ({"give"}, False)]
    )
    async def test_sees_gifts_that_wait_if_it_may_read(
        self, world: World, scopes: set[str], sees_all: bool
    ) -> None:
        given = frozenset(map(TokenScope, scopes))
        scope = replace(world.scopes["owner"], token_scopes=given)
        audience = await donations.audience(scope, world.ours.id)
        assert (audience is Audience.STAFF) is sees_all

    def test_what_changes_an_account_is_for_none(self) -> None:
        mine = [act for act in Act if act.value.context == "accounts"]
        assert {act for act in mine if act.value.needs is not None} == {Act.FIND_USER}


class TestGifts:
    """What is read, and by whom: nothing that waits, is hidden or is an address."""

    @pytest.fixture(params=CALLERS)
    def caller(self, request: pytest.FixtureRequest) -> str:
        name: str = request.param
        return name

    async def test_of_one_campaign(self, world: World, caller: str) -> None:
        scope = world.scopes[caller]
        listed = (await donations.list_donations(scope, campaign_id=world.ours.id)).items
        scrolled = (await donations.scroll(scope, campaign_id=world.ours.id)).items
        latest = await donations.latest(scope, campaign_id=world.ours.id)
        sees_all, sees_emails = self.sight(caller)
        names = {"plain", "hidden", "waiting"} if sees_all else {"plain", "hidden"}
        all_of = {world.gifts[name].id for name in names}
        assert {g.id for g in listed} == {g.id for g in scrolled} == all_of
        assert {g.id for g in latest} == all_of
        for gift in (*listed, *scrolled, *latest):
            self.compare(world, gift, sees_all=sees_all, sees_emails=sees_emails)

    async def test_of_all_campaigns(self, world: World, caller: str) -> None:
        scope = world.scopes[caller]
        is_admin = caller in {"admin", "operator"}
        for found in ((await donations.list_donations(scope)).items, await donations.latest(scope)):
            assert world.their_gift.id in {g.id for g in found}
            assert (world.gifts["waiting"].id in {g.id for g in found}) is is_admin
            for gift in found:
                self.compare(world, gift, sees_all=is_admin, sees_emails=is_admin)

    async def test_of_all_campaigns_of_the_caller(self, world: World, caller: str) -> None:
        scope = world.scopes[caller]
        if expected(Act.LIST_MANAGED, caller) is Answer.NO:
            return
        is_admin = caller in {"admin", "operator"}
        listed = (await donations.list_managed(scope)).items
        scrolled = (await donations.scroll(scope)).items
        assert {g.id for g in listed} == {g.id for g in scrolled}
        assert (world.gifts["waiting"].id in {g.id for g in listed}) is is_admin
        theirs = caller == "owner of another" or is_admin
        assert (world.their_gift.id in {g.id for g in listed}) is theirs
        for gift in (*listed, *scrolled):
            self.compare(world, gift, sees_all=True, sees_emails=True)

    async def test_one_by_one(self, world: World, caller: str) -> None:
        sees_all, sees_emails = self.sight(caller)
        for name, gift in world.gifts.items():
            try:
                found = await donations.get_donation(world.scopes[caller], gift.id)
            except NotFound:
                assert name in {"waiting", "test"}
                assert not sees_all
            else:
                assert sees_all or name in {"plain", "hidden"}
                self.compare(world, found, sees_all=sees_all, sees_emails=sees_emails)

    async def test_a_search_finds_only_what_is_seen(self, world: World, caller: str) -> None:
        sees_all, sees_emails = self.sight(caller)
        for words, is_found in (("rahasia", sees_all), ("siti@", sees_emails)):
            found = await donations.list_donations(
                world.scopes[caller], campaign_id=world.ours.id, search=words
            )
            assert bool(found.total) is is_found

    async def test_the_largest_reveals_nothing(self, world: World, caller: str) -> None:
        found = await donations.statistics(world.scopes[caller], world.ours.id)
        assert found.largest == (70_000 if self.sight(caller)[0] else 50_000)

    async def test_the_audience(self, world: World, caller: str) -> None:
        of_one = await donations.audience(world.scopes[caller], world.ours.id)
        of_all = await donations.audience(world.scopes[caller])
        assert (of_one is Audience.STAFF) is self.sight(caller)[0]
        assert (of_all is Audience.STAFF) is (caller in {"admin", "operator"})

    async def test_what_is_not_seen_is_not_found_by_changing_it(
        self, world: World, caller: str
    ) -> None:
        scope, waiting = world.scopes[caller], world.gifts["waiting"].id
        for call in (
            donations.update_donation(scope, waiting, {"message": "x"}),
            donations.hide(scope, waiting),
            donations.show(scope, waiting),
            donations.history(scope, waiting),
            donations.approve(scope, waiting),
            donations.undo(scope, waiting),
            donations.refund(scope, waiting, WHY),
            donations.reject(scope, waiting, WHY),
            donations.delete_donation(scope, waiting),
        ):
            refusal = await outcome(call)
            assert isinstance(refusal, NotFound) is not self.sight(caller)[0]

    async def test_a_gift_moves_only_by_who_may_change_both_campaigns(
        self, world: World, caller: str
    ) -> None:
        scope, gift = world.scopes[caller], world.gifts["waiting"]
        refusal = await outcome(
            donations.update_donation(scope, gift.id, {"campaign_id": str(world.theirs.id)})
        )
        assert (refusal is None) is (caller in {"admin", "operator"})

    async def test_money_moves_only_by_who_may_in_both_campaigns(
        self, world: World, caller: str
    ) -> None:
        scope, attrs = world.scopes[caller], {"amount": "1"}
        for ours, theirs in ((world.ours, world.theirs), (world.theirs, world.ours)):
            refusal = await outcome(ledger.transfer(scope, ours.id, theirs.id, attrs))
            assert (refusal is None) is (caller in {"admin", "operator"})

    @staticmethod
    def sight(caller: str) -> tuple[bool, bool]:
        sees_all = expected(Act.SEE_ALL_GIFTS, caller) is Answer.YES
        return sees_all, expected(Act.SEE_EMAILS, caller) is Answer.YES

    @staticmethod
    def compare(world: World, gift: Donation, *, sees_all: bool, sees_emails: bool) -> None:
        assert gift.donor_email == (GIFT["donor_email"] if sees_emails else None)
        if gift.id == world.gifts["hidden"].id:
            seen = (gift.donor_name, gift.amount, gift.counted_amount)
            whole = ("Dewi Rahasia", Decimal(70_000), Decimal(70_000))
            assert seen == (whole if sees_all else ("", Decimal(0), None))


class TestTeams:
    @pytest.mark.parametrize("caller", CALLERS)
    async def test_addresses_are_for_owners(self, world: World, caller: str) -> None:
        if expected(Act.LIST_MEMBERS, caller) is Answer.YES:
            found = await campaigns.list_members(world.scopes[caller], world.ours.id)
            sees_emails = expected(Act.SEE_MEMBER_EMAILS, caller) is Answer.YES
            assert {bool(member.email) for member in found} == {sees_emails}

    async def test_rights_are_gone_with_the_place_in_the_team(self, world: World) -> None:
        scope = world.scopes["owner"]
        await campaigns.update_campaign(scope, world.ours.id, {"name": "Before"})
        await campaigns.remove_member(world.scopes["admin"], world.ours.id, world.id_of("owner"))
        with pytest.raises(Forbidden):
            await campaigns.update_campaign(scope, world.ours.id, {"name": "After"})
        assert await donations.audience(scope, world.ours.id) is Audience.PUBLIC


def packages() -> Iterator[str]:
    for module in pkgutil.iter_modules(contexts.__path__):
        if module.ispkg:
            yield module.name


def public_functions() -> Iterator[tuple[str, Any]]:
    """Yield each function of a context's public list that may read or write."""
    for context in packages():
        module = importlib.import_module(f"{contexts.__name__}.{context}")
        for name in module.__all__:
            if inspect.iscoroutinefunction(getattr(module, name)):
                yield f"{context}.{name}", getattr(module, name)


class TestTable:
    def test_has_every_public_function(self) -> None:
        acts = {act.function for act in Act if act not in PARTS}
        assert {name for name, _ in public_functions()} == acts | {
            name for name in rights.INTERNAL if is_coroutine(name)
        }

    def test_every_act_is_tried(self) -> None:
        seen = {Act.SEE_ALL_GIFTS, Act.SEE_EMAILS, Act.SEE_MEMBER_EMAILS}
        assert set(CALLS) | seen == set(Act)

    def test_every_act_takes_the_scope_first(self) -> None:
        for name, function in public_functions():
            if name not in rights.INTERNAL:
                assert next(iter(inspect.signature(function).parameters)) == "scope", name

    def test_no_door_calls_what_asks_nobodys_rights(self) -> None:
        inner = {n for n, who in rights.INTERNAL.items() if who is Caller.CONTEXTS}
        doors = [p for p in ROOT.rglob("*.py") if "contexts" not in p.relative_to(ROOT).parts]
        assert {p.name for p in doors} >= {"views.py", "live.py", "donations.py", "data.py"}
        for path in doors:
            assert not inner & set(used(path)), path

    def test_a_higher_place_in_the_team_takes_nothing_away(self) -> None:
        for act in Act:
            answers = [act.value.answers[Kind(role)] for role in CampaignRole]
            assert answers == sorted(answers, key=lambda a: a is not Answer.NO), act

    def test_is_published_as_it_is(self) -> None:
        assert PAGE.read_text() == page()


def is_coroutine(name: str) -> bool:
    context, function = name.split(".")
    module = importlib.import_module(f"{contexts.__name__}.{context}")
    return inspect.iscoroutinefunction(getattr(module, function))


def used(path: Path) -> Iterator[str]:
    """Yield what a file uses of the contexts' packages, as ``context.function``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(contexts.__name__):
            context = (node.module or "").removeprefix(f"{contexts.__name__}.")
            yield from (f"{context}.{alias.name}" for alias in node.names)
