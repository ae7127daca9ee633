"""Every event handler, how its page calls it, and the act that it does."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from reflex_base.utils.form import FORM_DATA_ENTRIES_KEY

from financial_live.contexts import accounts, campaigns, matches
from financial_live.contexts.accounts import Purpose
from financial_live.rights import Act
from tests.contexts.factories import GIFT, OPERATOR, VISITOR, make_gift
from tests.contexts.people import HOME, PASSWORD, link, registered
from tests.rights_world import World, email_of, execute

NEW_PASSWORD = "another horse battery"
STRANGER = "stranger@example.org"
FORM = FORM_DATA_ENTRIES_KEY

Payload = dict[str, Any]
Make = Callable[[World, str], Awaitable[Payload]]


@dataclass(frozen=True)
class Case:
    """How a page calls a handler, and the act that it does then; None if it does none."""

    act: Act | None = None
    make: Make | None = None
    path: Callable[[World], str] = lambda _: "/"
    query: Callable[[World], dict[str, str]] = lambda _: {}
    before: tuple[tuple[str, Payload], ...] = ()
    changes: bool = True

    async def payload(self, world: World, caller: str) -> Payload:
        return await self.make(world, caller) if self.make else {}


def form(**fields: str) -> Payload:
    return {"form": {FORM: [[name, value] for name, value in fields.items()]}}


def fixed(payload: Payload) -> Make:
    async def make(w: World, caller: str) -> Payload:
        return payload

    return make


async def own_gift(w: World, caller: str) -> Payload:
    gift = await make_gift(w.empty, donor_email=email_of(caller))
    return {"gift_id": str(gift.id), "what": "name", "shown": False}


async def counted_gift(w: World, caller: str) -> Payload:
    return {"gift_id": (await own_gift(w, caller))["gift_id"]}


async def other_session(w: World, caller: str) -> Payload:
    if caller == "nobody":
        return {"session_id": str(w.scopes["donor"].session_id)}
    begun = await accounts.log_in(VISITOR, email_of(caller), PASSWORD, address=HOME, agent="")
    return {"session_id": str(begun.session.id)}


async def other_sessions(w: World, caller: str) -> Payload:
    await other_session(w, caller)
    return {}


async def own_token(w: World, caller: str) -> Payload:
    owner = w.scopes[caller if caller != "nobody" else "donor"]
    attrs = {"name": "Till", "scopes": ["read"], "expires_in_days": 30}
    return {"token_id": str((await accounts.create_token(owner, attrs)).token.id)}


async def proof(w: World, caller: str) -> Payload:
    await registered(STRANGER)
    return form(token=await link(STRANGER, Purpose.VERIFY), password=PASSWORD)


async def reset(w: World, caller: str) -> Payload:
    return form(token=await link(email_of("donor"), Purpose.RESET), password=NEW_PASSWORD)


async def first_admin(w: World, caller: str) -> Payload:
    await execute("UPDATE user_account SET role = 'donor' WHERE role = 'admin'")
    token = await accounts.first_admin_token(OPERATOR)
    return form(token=str(token), name="Siti", email=STRANGER, password=NEW_PASSWORD)


async def invitation(w: World, caller: str) -> Payload:
    address = email_of(caller)
    invited = await campaigns.invite(OPERATOR, w.empty.id, address, "viewer")
    return form(token=(await campaigns.issue_invitation(OPERATOR, invited.id))[1])


async def open_invitation(w: World, caller: str) -> Payload:
    invited = await campaigns.invite(OPERATOR, w.ours.id, STRANGER, "viewer")
    return {"invitation_id": str(invited.id)}


async def member(w: World, caller: str) -> Payload:
    return {"user_id": str(w.id_of("viewer"))}


async def new_place(w: World, caller: str) -> Payload:
    return {"user_id": str(w.id_of("viewer")), "role": "reviewer"}


async def empty_campaign(w: World, caller: str) -> Payload:
    named = await campaigns.create_campaign(OPERATOR, CAMPAIGN | {"name": "To Be Deleted"})
    if caller == "owner":
        await execute(
            "INSERT INTO campaign_member (campaign_id, user_id, role) VALUES (%s, %s, 'owner')",
            named.id,
            w.id_of("owner"),
        )
    return {"campaign_id": str(named.id)}


def team(act: Act, make: Make, *, changes: bool = True) -> Case:
    return Case(
        act,
        make,
        path=lambda w: f"/campaigns/{w.ours.slug}/team",
        query=lambda w: {"slug": w.ours.slug},
        before=(("TeamPage.load", {}),),
        changes=changes,
    )


def at(page: str, act: Act, make: Make | None = None, *, state: str) -> Case:
    """Return a page below the campaign ``ours``, which only some of its team see."""
    return Case(
        act,
        make,
        path=lambda w: f"/campaigns/{w.ours.slug}/{page}",
        query=lambda w: {"slug": w.ours.slug},
        before=((f"{state}.load", {}),),
        changes=make is not None,
    )


def record(act: Act, make: Make | None = None) -> Case:
    return at("record", act, make, state="RecordPage")


def match(act: Act, make: Make | None = None) -> Case:
    return at("match", act, make, state="MatchPage")


async def challenge(w: World, caller: str) -> Payload:
    made = await matches.create_challenge(OPERATOR, w.ours.id, CHALLENGE)
    return {"challenge_id": str(made.id)}


# A campaign has one milestone at an amount, and some callers ask for several.
_AMOUNTS = itertools.count(900_000_001)


async def milestone(w: World, caller: str) -> Payload:
    made = await campaigns.create_milestone(
        OPERATOR, w.ours.id, MILESTONE | {"amount": next(_AMOUNTS)}
    )
    return {"milestone_id": str(made.id)}


def receipt_page() -> Case:
    """Return the page of a receipt that is nobody's."""
    return Case(
        path=lambda w: f"/account/receipts/{w.ours.id}",
        query=lambda w: {"receipt_id": str(w.ours.id)},
    )


def campaign_page(act: Act | None, make: Make | None = None) -> Case:
    return Case(
        act,
        make,
        path=lambda w: f"/campaigns/{w.empty.slug}",
        query=lambda w: {"slug": w.empty.slug},
        before=(("CampaignPage.load", {}),),
    )


def review(act: Act | None = None, make: Make | None = None, *, changes: bool = True) -> Case:
    """Return the desk of reviewers, with a gift open that waits in ``ours``."""
    return Case(
        act,
        make,
        path=lambda _: "/review",
        query=lambda w: {"gift": str(w.gifts["waiting"].id)},
        before=(("ReviewPage.load", {}),),
        changes=changes,
    )


def waiting(**payload: Any) -> Make:
    """Return what names the gift that waits in ``ours``, as its row does."""

    async def make(w: World, caller: str) -> Payload:
        gift = w.gifts["waiting"]
        return {"gift_id": str(gift.id), "version": gift.version} | payload

    return make


def all_waiting(**payload: Any) -> Make:
    async def make(w: World, caller: str) -> Payload:
        return {"gift_ids": [str(w.gifts["waiting"].id)]} | payload

    return make


async def rejection(w: World, caller: str) -> Payload:
    return form(gift_id=str(w.gifts["waiting"].id), reason="Not a gift", version="")


async def giving_back(w: World, caller: str) -> Payload:
    return form(gift_id=str(w.gifts["plain"].id), reason="Given twice", amount="", version="")


CAMPAIGN = {"name": "New", "goal_amount": "1000", "currency": "IDR"}
CHALLENGE = {"sponsor_name": "Yayasan Harapan", "ratio": "1", "cap": "1000"}
MILESTONE = {"label": "The walls stand", "amount": "900000000"}
BATCH = {"lines": "Siti, 50000\nBudi, 1000", "control_total": "51000"}
GIVEN = {name: GIFT[name] for name in ("donor_name", "donor_email", "amount")}
ANYBODY = Case()
# Every handler of every page, and the act it does. Who may is in the table of rights.
CASES: dict[str, Case] = {
    "Shell.arrive": ANYBODY,
    "Shell.load": ANYBODY,
    "Shell.load_again": ANYBODY,
    "Shell.leave_rooms": ANYBODY,
    "Shell.dismiss": ANYBODY,
    "Shell.refused": ANYBODY,
    "HomePage.load": ANYBODY,
    "HomePage.load_again": ANYBODY,
    "CampaignsPage.load": ANYBODY,
    "CampaignsPage.load_again": ANYBODY,
    "CampaignsPage.ask": Case(make=fixed({"campaign_id": "x"})),
    "CampaignsPage.delete": Case(Act.DELETE_CAMPAIGN, empty_campaign),
    "CampaignPage.load": campaign_page(None),
    "CampaignPage.load_again": campaign_page(None),
    "GiveForm.read_amount": campaign_page(None, fixed({"text": "1.000"})),
    "GiveForm.choose_currency": campaign_page(None, fixed({"currency": "IDR"})),
    "GiveForm.give": campaign_page(Act.GIVE, fixed(form(**GIVEN))),
    "GiveForm.give_again": ANYBODY,
    "DonationsPage.load": ANYBODY,
    "DonationsPage.load_again": ANYBODY,
    "NewCampaignForm.load": ANYBODY,
    "NewCampaignForm.read_goal": Case(make=fixed({"text": "1.000"})),
    "NewCampaignForm.choose_currency": Case(make=fixed({"currency": "USD"})),
    "NewCampaignForm.create": Case(Act.CREATE_CAMPAIGN, fixed(form(**CAMPAIGN))),
    "TeamPage.load": team(Act.LIST_MEMBERS, fixed({}), changes=False),
    "TeamPage.load_again": team(Act.LIST_MEMBERS, fixed({}), changes=False),
    "TeamPage.move": team(Act.LIST_MEMBERS, fixed({}), changes=False),
    "TeamPage.ask": Case(make=fixed({"what": "x"})),
    "TeamPage.change_role": team(Act.CHANGE_MEMBER_ROLE, new_place),
    "TeamPage.remove": team(Act.REMOVE_MEMBER, member),
    "TeamPage.cancel": team(Act.CANCEL_INVITATION, open_invitation),
    "TeamPage.leave": team(Act.LEAVE, member),
    "TeamPage.invite": team(Act.INVITE, fixed(form(email=STRANGER, role="viewer"))),
    "RecordPage.load": record(Act.RECORD_BATCH),
    "RecordPage.load_again": record(Act.RECORD_BATCH),
    "RecordPage.read_list": Case(make=fixed({"text": "Siti, 50.000"})),
    "RecordPage.read_total": Case(make=fixed({"text": "50.000"})),
    "RecordPage.record": record(Act.GIVE_OFFLINE, fixed(form(donor_name="Siti", amount="50000"))),
    "RecordPage.record_batch": record(Act.RECORD_BATCH, fixed(form(**BATCH))),
    "MatchPage.load": match(Act.CREATE_CHALLENGE),
    "MatchPage.load_again": match(Act.CREATE_CHALLENGE),
    "MatchPage.ask": Case(make=fixed({"what": "x"})),
    "MatchPage.create_challenge": match(Act.CREATE_CHALLENGE, fixed(form(**CHALLENGE))),
    "MatchPage.cancel_challenge": match(Act.CANCEL_CHALLENGE, challenge),
    "MatchPage.create_milestone": match(Act.CREATE_MILESTONE, fixed(form(**MILESTONE))),
    "MatchPage.delete_milestone": match(Act.DELETE_MILESTONE, milestone),
    "ReviewPage.load": review(),
    "ReviewPage.load_again": review(),
    "ReviewPage.move": review(),
    "ReviewPage.narrow": review(make=fixed({"name": "order", "value": "newest"})),
    "ReviewPage.narrow_amount": review(make=fixed(form(least="1000"))),
    "ReviewPage.act": review(Act.APPROVE, waiting(what="approve")),
    "ReviewPage.reject": review(Act.REJECT, rejection),
    "ReviewPage.refund": review(Act.REFUND, giving_back),
    "ReviewPage.undo": review(),
    "ReviewPage.approve_all": review(Act.APPROVE, all_waiting()),
    "ReviewPage.reject_all": review(Act.REJECT, all_waiting(reason="Not a gift")),
    "ReviewPage.dismiss": review(),
    "InvitationPage.load": ANYBODY,
    "InvitationPage.accept": Case(Act.ACCEPT_INVITATION, invitation),
    "AccountPage.load": Case(Act.LIST_SESSIONS, changes=False),
    "AccountPage.load_again": Case(Act.LIST_SESSIONS, changes=False),
    "AccountPage.move": Case(Act.LIST_SESSIONS, changes=False),
    "AccountPage.receipt": Case(Act.ISSUE_RECEIPT, counted_gift),
    "ReceiptPage.load": receipt_page(),
    "ReceiptPage.load_again": receipt_page(),
    "AccountPage.show_or_hide": Case(Act.CHANGE_VISIBILITY, own_gift),
    "AccountPage.end_session": Case(Act.REVOKE_SESSION, other_session),
    "AccountPage.end_others": Case(Act.REVOKE_OTHERS, other_sessions),
    "AccountPage.change_password": Case(
        Act.CHANGE_PASSWORD, fixed(form(current=PASSWORD, password=NEW_PASSWORD))
    ),
    "TokensPage.load": Case(Act.LIST_TOKENS, changes=False),
    "TokensPage.load_again": Case(Act.LIST_TOKENS, changes=False),
    "TokensPage.make": Case(
        Act.CREATE_TOKEN, fixed(form(name="Till", read="on", expires_in_days="30"))
    ),
    "TokensPage.put_away": ANYBODY,
    "TokensPage.ask": Case(make=fixed({"token_id": "x"})),
    "TokensPage.revoke": Case(Act.REVOKE_TOKEN, own_token),
    "LoginForm.load": ANYBODY,
    "LoginForm.log_in": Case(Act.HANDOVER, fixed(form(email=email_of("donor"), password=PASSWORD))),
    "RegistrationForm.load": ANYBODY,
    "RegistrationForm.send": Case(
        Act.REGISTER, fixed(form(name="Siti", email=STRANGER, password=PASSWORD))
    ),
    "ForgottenForm.load": ANYBODY,
    "ForgottenForm.send": Case(Act.REQUEST_RESET, fixed(form(email=STRANGER))),
    "ResetForm.load": ANYBODY,
    "ResetForm.choose": Case(Act.RESET_PASSWORD, reset),
    "ProofForm.load": ANYBODY,
    "ProofForm.prove": Case(Act.VERIFY_EMAIL, proof),
    "ProofForm.send_another": Case(Act.REQUEST_VERIFICATION, fixed(form(email=STRANGER))),
    "WelcomeForm.load": ANYBODY,
    "WelcomeForm.begin": Case(Act.CREATE_FIRST_ADMIN, first_admin),
}
