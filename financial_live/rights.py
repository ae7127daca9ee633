"""Who may do what: the one table that every use case asks.

An act is what a use case does. What a caller may depends on the account's role and, in a campaign,
on the place in its team. That place is read when the act is done, by ``campaigns.require``: it may
be lost while a page is open. Who comes by an API token may what its user may, and of that only what
the token has the scope for. ``docs/rights.md`` is written from this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, unique
from uuid import UUID

from financial_live.errors import AppError, Forbidden, MissingScope, Unauthorized
from financial_live.scope import Role, Scope, TokenScope


class CampaignRole(StrEnum):
    """A place in a campaign's team. Each may do all that the ones before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    OWNER = "owner"


class Kind(StrEnum):
    """What sort of caller somebody is, towards one campaign if an act is about one."""

    NOBODY = "nobody"
    DONOR = "donor"
    MANAGER = "manager"
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"


class Answer(StrEnum):
    """Whether a kind of caller may: everywhere it says yes, or about what is their own."""

    YES = "yes"
    NO = "no"
    OWN = "own"
    ACCOUNT = "-"
    """The act is about no campaign: what the account's role may decides."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The context an act is in, the words that complete "not allowed to", and the answers.

    ``needs`` is the scope that an API token must have for it; with None no token will do.
    """

    context: str
    words: str
    answers: Mapping[Kind, Answer]
    needs: TokenScope | None


def _rule(context: str, row: str, words: str) -> Rule:
    *answers, needs = row.split()
    return Rule(
        context,
        words,
        dict(zip(Kind, map(Answer, answers), strict=True)),
        None if needs == "-" else TokenScope(needs),
    )


# Equal rules would be one act, so their words differ.
# fmt: off
@unique
class Act(Enum):
    """Every act, named as the function that does it; the others are parts of some."""

    # nobody, donor, manager; viewer, reviewer, owner of the campaign; admin, operator; the scope of
    # an API token by which any of them may, "-": by none
    LIST_CAMPAIGNS = _rule(
        "campaigns", "yes yes yes  -   -   -   yes yes  read", "see the campaigns")
    GET_CAMPAIGN = _rule(
        "campaigns", "yes yes yes  yes yes yes yes yes  read", "see a campaign")
    CREATE_CAMPAIGN = _rule(
        "campaigns", "no  no  yes  -   -   -   yes yes  manage", "start a campaign")
    UPDATE_CAMPAIGN = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  manage", "change this campaign")
    DELETE_CAMPAIGN = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  manage", "delete this campaign")
    LIST_MEMBERS = _rule(
        "campaigns", "no  no  no   yes yes yes yes yes  read", "see this team")
    SEE_MEMBER_EMAILS = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  read", "see addresses of members")
    CHANGE_MEMBER_ROLE = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  manage", "change this team")
    REMOVE_MEMBER = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  manage", "remove somebody from this team")
    LEAVE = _rule(
        "campaigns", "no  no  no   own own own own no   manage", "leave this team")
    INVITE = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  manage", "invite into this team")
    LIST_INVITATIONS = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  read", "see the invitations of this team")
    CANCEL_INVITATION = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  manage", "cancel invitations of this team")
    ACCEPT_INVITATION = _rule(
        "campaigns", "no  own own  -   -   -   own no   manage", "accept an invitation")
    ISSUE_INVITATION = _rule(
        "campaigns", "no  no  no   -   -   -   no  yes  -", "make links of invitations")

    LIST_MILESTONES = _rule(
        "campaigns", "yes yes yes  yes yes yes yes yes  read", "see milestones")
    CREATE_MILESTONE = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  manage", "set milestones of this campaign")
    DELETE_MILESTONE = _rule(
        "campaigns", "no  no  no   no  no  yes yes yes  manage", "take milestones back")

    LIST_CHALLENGES = _rule(
        "matches", "yes yes yes  yes yes yes yes yes  read", "see match challenges")
    CREATE_CHALLENGE = _rule(
        "matches", "no  no  no   no  no  yes yes yes  manage", "make match challenges")
    CANCEL_CHALLENGE = _rule(
        "matches", "no  no  no   no  no  yes yes yes  manage", "cancel match challenges")

    TRANSFER = _rule(
        "ledger", "no  no  no   no  no  yes yes yes  manage", "move money between these campaigns")

    LIST_NOTIFICATIONS = _rule(
        "notifications", "no  own own  -   -   -   own no   read", "see your notifications")

    GIVE = _rule(
        "donations", "yes yes yes  yes yes yes yes yes  give", "give")
    GIVE_MANY = _rule(
        "donations", "yes yes yes  yes yes yes yes yes  give", "give many gifts at once")
    GIVE_TEST = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "give test gifts")
    GIVE_OFFLINE = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "record offline gifts")
    LIST_DONATIONS = _rule(
        "donations", "yes yes yes  yes yes yes yes yes  read", "see gifts")
    LIST_MANAGED = _rule(
        "donations", "no  no  own -   -   -   yes yes  read", "see the gifts to all your campaigns")
    REVIEW_QUEUE = _rule(
        "donations", "no  own own -   -   -   yes yes  read", "see the gifts that you review")
    WAITING = _rule(
        "donations", "no  own own -   -   -   yes yes  read", "see how many gifts wait for you")
    SCROLL = _rule(
        "donations", "yes yes yes  yes yes yes yes yes  read", "go through gifts")
    LATEST = _rule(
        "donations", "yes yes yes  yes yes yes yes yes  read", "see the last gifts")
    GET_DONATION = _rule(
        "donations", "yes yes yes  yes yes yes yes yes  read", "see a gift")
    STATISTICS = _rule(
        "donations", "yes yes yes  yes yes yes yes yes  read", "see statistics")
    SEE_ALL_GIFTS = _rule(
        "donations", "no  no  no   yes yes yes yes yes  read", "see gifts that are not public")
    SEE_EMAILS = _rule(
        "donations", "no  no  no   no  yes yes yes yes  read", "see addresses of donors")
    UPDATE_DONATION = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "change gifts of this campaign")
    DELETE_DONATION = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "delete gifts of this campaign")
    APPROVE = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "approve gifts of this campaign")
    REJECT = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "reject gifts of this campaign")
    REFUND = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "refund gifts of this campaign")
    UNDO = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "undo acts on gifts")
    HIDE = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "hide what donors wrote")
    SHOW = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "show again what was hidden")
    REVIEW_MANY = _rule(
        "donations", "no  yes yes  -   -   -   yes yes  manage", "review many gifts at once")
    HISTORY = _rule(
        "donations", "no  no  no   yes yes yes yes yes  read", "see what was done to a gift")
    RECORD_BATCH = _rule(
        "donations", "no  no  no   no  yes yes yes yes  manage", "enter many offline gifts")
    LIST_OWN = _rule(
        "donations", "no  own own  -   -   -   own no   read", "see your own gifts")
    CHANGE_VISIBILITY = _rule(
        "donations", "no  own own  own own own own no   manage", "show or hide your own gifts")
    CHECK = _rule(
        "donations", "no  no  no   -   -   -   yes yes  read", "check the data")
    LOAD_DEMO = _rule(
        "donations", "no  no  no   -   -   -   yes yes  manage", "load the demo campaigns")

    ISSUE_RECEIPT = _rule(
        "receipts", "no  own own  -   -   -   own no   manage", "get receipts of your own gifts")
    GET_RECEIPT = _rule(
        "receipts", "no  own own  -   -   -   own no   read", "see receipts of your own gifts")

    LIST_RATES = _rule(
        "exchange_rates", "yes yes yes  -   -   -   yes yes  read", "see exchange rates")
    RATES_TO = _rule(
        "exchange_rates", "yes yes yes  -   -   -   yes yes  read", "see what can be converted")
    SET_RATE = _rule(
        "exchange_rates", "no  no  no   -   -   -   yes yes  manage", "enter exchange rates")
    IMPORT_ECB = _rule(
        "exchange_rates", "no  no  no   -   -   -   yes yes  manage", "import exchange rates")

    ONCE = _rule(
        "idempotency_keys", "yes yes yes  -   -   -   yes yes  give", "repeat a request")

    LOG_IN_PROGRAM = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "log in for a token")
    CREATE_TOKEN = _rule(
        "accounts", "no  own own  -   -   -   own no   -", "make a token")
    LIST_TOKENS = _rule(
        "accounts", "no  own own  -   -   -   own no   -", "see your tokens")
    REVOKE_TOKEN = _rule(
        "accounts", "no  own own  -   -   -   own no   -", "revoke a token")
    REGISTER = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "register")
    REQUEST_VERIFICATION = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "ask for a link to prove an address")
    VERIFY_EMAIL = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "prove an address")
    REQUEST_RESET = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "ask for a link to choose a password")
    RESET_PASSWORD = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "choose a password by a link")
    LOG_IN = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "log in")
    HANDOVER = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "get a ticket to log in")
    REDEEM_HANDOVER = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "log in by a ticket")
    CREATE_FIRST_ADMIN = _rule(
        "accounts", "yes yes yes  -   -   -   yes yes  -", "make the first admin by a link")
    CHANGE_PASSWORD = _rule(
        "accounts", "no  own own  -   -   -   own no   -", "change your password")
    LIST_SESSIONS = _rule(
        "accounts", "no  own own  -   -   -   own no   -", "see where you are logged in")
    LOG_OUT = _rule(
        "accounts", "no  own own  -   -   -   own no   -", "log out")
    REVOKE_SESSION = _rule(
        "accounts", "no  own own  -   -   -   own no   -", "end a session")
    REVOKE_OTHERS = _rule(
        "accounts", "no  own own  -   -   -   own no   -", "end sessions")
    FIND_USER = _rule(
        "accounts", "no  own own  -   -   -   yes yes  read", "see this account")
    CREATE_USER = _rule(
        "accounts", "no  no  no   -   -   -   yes yes  -", "make accounts for others")
    SET_PASSWORD = _rule(
        "accounts", "no  no  no   -   -   -   yes yes  -", "set passwords of others")
    SET_ROLE = _rule(
        "accounts", "no  no  no   -   -   -   yes yes  -", "give roles")
    FIRST_ADMIN_TOKEN = _rule(
        "accounts", "no  no  no   -   -   -   no  yes  -", "make the first admin")
    ISSUE_LINK = _rule(
        "accounts", "no  no  no   -   -   -   no  yes  -", "make links")

    FILES = _rule(
        "mail", "no  no  no   -   -   -   no  yes  -", "read mails")
    OWN_FILES = _rule(
        "mail", "no  own own  -   -   -   own no   -", "see your own mails")
# fmt: on

    @property
    def function(self) -> str:
        """The function that does it, with its context: ``campaigns.invite``."""
        return f"{self.value.context}.{self.name.lower()}"


class Caller(StrEnum):
    """Who may call a function that asks nobody's rights."""

    CONTEXTS = "other contexts, inside a use case of theirs"
    PROGRAM = "the program itself, from time to time"
    DOORS = "doors, before there is a Scope or to ask this table"
    TELLERS = "who tells events again, for what of them is public"


INTERNAL: Mapping[str, Caller] = {
    "accounts.mint_token": Caller.CONTEXTS,
    "accounts.token_digest": Caller.CONTEXTS,
    "campaigns.find_campaign": Caller.CONTEXTS,
    "campaigns.locked": Caller.CONTEXTS,
    "campaigns.locked_all": Caller.CONTEXTS,
    "campaigns.counted": Caller.CONTEXTS,
    "campaigns.counted_all": Caller.CONTEXTS,
    "campaigns.remembered": Caller.CONTEXTS,
    "campaigns.remember": Caller.CONTEXTS,
    "campaigns.forget": Caller.CONTEXTS,
    "campaigns.edited": Caller.CONTEXTS,
    "accounts.names_of": Caller.CONTEXTS,
    "audit_entries.record": Caller.CONTEXTS,
    "audit_entries.record_all": Caller.CONTEXTS,
    "audit_entries.entries_of": Caller.CONTEXTS,
    "audit_entries.last_of": Caller.CONTEXTS,
    "ledger.post": Caller.CONTEXTS,
    "ledger.has_entries": Caller.CONTEXTS,
    "matches.concern": Caller.CONTEXTS,
    "matches.settle": Caller.CONTEXTS,
    "notifications.notify": Caller.CONTEXTS,
    "donations.find_own": Caller.CONTEXTS,
    "donations.locked_gift": Caller.CONTEXTS,
    "exchange_rates.convert": Caller.CONTEXTS,
    "accounts.prune": Caller.PROGRAM,
    "idempotency_keys.prune": Caller.PROGRAM,
    "mail.prune": Caller.PROGRAM,
    "receipts.correct": Caller.PROGRAM,
    "accounts.session_scope": Caller.DOORS,
    "accounts.token_scope": Caller.DOORS,
    "campaigns.may": Caller.DOORS,
    "campaigns.require": Caller.DOORS,
    "campaigns.roles": Caller.DOORS,
    "donations.audience": Caller.DOORS,
    "donations.is_reviewer": Caller.DOORS,
    "donations.public_gifts": Caller.TELLERS,
}
"""Functions that read or write and yet are no acts."""


def kind_of(scope: Scope, role: CampaignRole | None = None) -> Kind:
    """Return what sort of caller this is, with ``role`` in the campaign that an act is about."""
    if scope.is_operator:
        return Kind.OPERATOR
    if scope.role is Role.ADMIN:
        return Kind.ADMIN
    if scope.user_id is None:
        return Kind.NOBODY
    if role is not None:
        return Kind(role.value)
    return Kind.MANAGER if scope.role is Role.MANAGER else Kind.DONOR


def answer(scope: Scope, act: Act, role: CampaignRole | None = None) -> Answer:
    """Return what the table says to this caller."""
    found = act.value.answers[kind_of(scope, role)]
    return act.value.answers[kind_of(scope)] if found is Answer.ACCOUNT else found


def allows(
    scope: Scope, act: Act, *, role: CampaignRole | None = None, owner: UUID | None = None
) -> bool:
    """Whether the caller may; ``owner`` is the user to whom belongs what the act is about."""
    if not _has_scope(scope, act):
        return False
    found = answer(scope, act, role)
    is_own = owner is not None and owner == scope.user_id
    return found is Answer.YES or (found is Answer.OWN and is_own)


def _has_scope(scope: Scope, act: Act) -> bool:
    """Whether the caller came by no API token, or by one that is for such acts."""
    if scope.token_scopes is None:
        return True
    needs = act.value.needs
    return needs is not None and needs.is_in(scope.token_scopes)


def refusal(scope: Scope, act: Act) -> AppError:
    """Return what to raise: Unauthorized where logging in might help, else Forbidden.

    It is MissingScope where another token of the same user might do.
    """
    if not _has_scope(scope, act):
        if act.value.needs is None:
            return Forbidden(f"No token can {act.value.words}; log in on the site.")
        return MissingScope(
            f"This token lacks the scope {act.value.needs.value!r}, which it needs to "
            f"{act.value.words}.",
            scope=act.value.needs.value,
        )
    answers = act.value.answers
    helps = any(answers[kind] in (Answer.YES, Answer.OWN) for kind in _LOGGED_IN)
    if kind_of(scope) is Kind.NOBODY and helps:
        return Unauthorized(f"Log in to {act.value.words}.")
    return Forbidden(f"You are not allowed to {act.value.words}.")


_LOGGED_IN = [kind for kind in Kind if kind not in (Kind.NOBODY, Kind.OPERATOR)]


def require(scope: Scope, act: Act, *, owner: UUID | None = None) -> None:
    """Raise Unauthorized or Forbidden unless the caller may do what is about no campaign."""
    if not allows(scope, act, owner=owner):
        raise refusal(scope, act)


def require_user(scope: Scope, act: Act) -> UUID:
    """Return who asks, to do something about their own. Raises Unauthorized or Forbidden."""
    user_id = scope.user_id
    if user_id is None or not allows(scope, act, owner=user_id):
        raise refusal(scope, act)
    return user_id
