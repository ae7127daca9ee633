"""The views that rooms keep, and how an event changes each: pure functions, tested without I/O.

``apply`` returns the changed view, the same object if the event changes nothing, or None if the
rows must be read again.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from financial_live import db, outbox
from financial_live.contexts import campaigns, columns, donations, matches
from financial_live.contexts.donations import Audience
from financial_live.contexts.matches import MatchChallenge
from financial_live.contexts.wire import amount_text, time_text
from financial_live.errors import NotFound
from financial_live.scope import Scope

Row = dict[str, Any]
"""One shown line: JSON, with ``id`` and ``at``, in microseconds since 1970. What begins with "_" is
for ``apply`` alone and does not travel."""

CAMPAIGN_GIFTS = 20
GIFTS = 100
CAMPAIGNS_PER_PAGE = 20
LIVE_CAMPAIGNS = 6
_LIVE = "live"
# In a list of gifts each campaign is named in a field of its own: this, and its slug.
CAMPAIGN_FIELD = "c:"
# Of all that is shown, they change the view of a team alone; and what is given does not change it.
_TEAM = ("member_invited", "member_changed", "invitation_cancelled")
# Views that are read again, not changed by events, are read so often at most.
_READ_GAP_S = 1.0
# Everybody sees the same numbers, the team too: what a donor hides is in none of them.
_PUBLIC = Scope.visitor(caller="room")


@dataclass(frozen=True, slots=True)
class View:
    """What watchers see: ``fields`` by name, and ``rows`` by id in the order they are shown.

    Fields whose name begins with "_" are for ``apply`` alone and do not travel.
    """

    fields: dict[str, Any]
    rows: dict[str, Row]


@dataclass(frozen=True, slots=True)
class RoomKey:
    """Which view of which subject, for whom. Two watchers with equal keys see the same bytes."""

    view: str
    subject: str
    audience: Audience = Audience.PUBLIC

    def __str__(self) -> str:
        return f"{self.view}:{self.subject}:{self.audience}"

    @property
    def topic(self) -> str:
        """The topic whose events change this view."""
        if self.view in ("campaign", "team"):
            return f"campaign:{self.subject}"
        return "donations" if self.view in ("account", "review") else self.view

    @property
    def read_gap_s(self) -> float:
        """How long after one reading the next one begins, in seconds."""
        return _READ_GAP_S if self.view in ("account", "team", "review") else 0.0

    @property
    def scope(self) -> Scope:
        """The scope this audience reads with."""
        if self.audience is Audience.STAFF:
            return Scope.operator(caller="room")
        return Scope.visitor(caller="room")

    async def load(self) -> tuple[outbox.Place, View]:
        """Read the topic's last place and the view, of one moment."""
        async with db.snapshot():
            return await outbox.last_place(self.topic), await _LOAD[self.view](self)

    def apply(self, view: View, name: str, data: Mapping[str, Any]) -> View | None:
        """Return ``view`` after the event; None if it must be read again."""
        if name in _TEAM and self.view != "team":
            return view
        return _APPLY[self.view](self, view, name, data)


def campaign_room(campaign_id: UUID, audience: Audience) -> RoomKey:
    """Return the room of one campaign: its numbers and its last gifts.

    Who belongs to which audience is what ``donations.audience`` says.
    """
    return RoomKey("campaign", str(campaign_id), audience)


def campaigns_room(page: int) -> RoomKey:
    """Return the room of one page of the list of campaigns; everybody sees the same."""
    return RoomKey("campaigns", str(page))


def live_campaigns_room() -> RoomKey:
    """Return the room of the campaigns that take gifts now."""
    return RoomKey("campaigns", _LIVE)


def gifts_room(audience: Audience) -> RoomKey:
    """Return the room of the last gifts to any campaign."""
    return RoomKey("donations", "latest", audience)


def account_room(user_id: UUID) -> RoomKey:
    """Return the room of one's own account, which says nothing but that something has moved.

    Nobody else may enter it. Who hears of the user's sessions has it read again.
    """
    return RoomKey("account", str(user_id))


def team_room(campaign_id: UUID) -> RoomKey:
    """Return the room of a campaign's team, which says nothing but that something has moved."""
    return RoomKey("team", str(campaign_id))


def review_room() -> RoomKey:
    """Return the room of all who review gifts, which says nothing but that a gift has moved."""
    return RoomKey("review", "all")


# One campaign


async def _load_campaign(key: RoomKey) -> View:
    campaign_id = UUID(key.subject)
    try:
        campaign = await campaigns.get_campaign(key.scope, campaign_id)
    except NotFound:
        return View({"missing": True}, {})
    gifts = await donations.latest(key.scope, campaign_id=campaign_id, limit=CAMPAIGN_GIFTS)
    statistics = await donations.statistics(_PUBLIC, campaign_id)
    challenges = await matches.list_challenges(key.scope, campaign_id)
    milestones = await campaigns.list_milestones(key.scope, campaign_id)
    fields = {
        **_campaign_fields(campaigns.summary(campaign)),
        "description": campaign.description,
        "largest": amount_text(statistics.largest) if statistics.largest is not None else "",
        "challenges": [_challenge(matches.challenge_row(c)) for c in challenges if _lasts(c)],
        "milestones": [campaigns.milestone_row(milestone) for milestone in milestones],
        "missing": False,
    }
    return View(fields, {str(gift.id): _gift_row(donations.row(gift)) for gift in gifts})


_AMOUNTS = ("total_raised", "matched_total", "transferred_total", "total")


def _campaign_fields(summary: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("id", "slug", "name", "goal_amount", "currency", "status", *_AMOUNTS, "gift_count")
    return {name: summary[name] for name in shown} | {"_version": summary["version"]}


def _campaign_row(summary: Mapping[str, Any], at: int) -> Row:
    """Return a line of a list of campaigns; what is as in most of them does not travel.

    Of what the total is made of it says only what differs from gifts.
    """
    row = {**_campaign_fields(summary), "_status": summary["status"], "at": at}
    del row["total_raised"]
    usual = {"status": "active", "matched_total": "0.00", "transferred_total": "0.00"}
    return {name: value for name, value in row.items() if usual.get(name) != value}


def _lasts(challenge: MatchChallenge) -> bool:
    """Whether a challenge may still match a gift, now or later; pages see to its time."""
    is_over = challenge.ends_at is not None and challenge.ends_at <= columns.now()
    return challenge.cancelled_at is None and not is_over


_CHALLENGE = ("id", "sponsor_name", "ratio", "cap", "remaining", "starts_at", "ends_at")


def _challenge(row: Mapping[str, Any]) -> Row:
    return {name: row[name] for name in _CHALLENGE}


def _gift_row(gift: Mapping[str, Any]) -> Row:
    """Return what everybody may see of a gift. What is usual, or empty, does not travel."""
    public = donations.public_gift(gift)
    row: Row = {"id": public["id"], "at": microseconds(public["inserted_at"])}
    row.update({k: public[k] for k in ("donor_name", "amount", "message") if public[k]})
    if public["rate"] is not None and public["amount"] is not None:
        # In another currency than its campaign's, so both amounts are shown.
        row["currency"] = public["currency"]
        row.update({"counted": public["counted_amount"]} if public["counted_amount"] else {})
    if (status := _status(gift)) != "approved":
        row["status"] = status
    return row


def _status(gift: Mapping[str, Any]) -> str:
    """Return what became of a gift, in one word more than its column has."""
    is_in_part = gift["status"] == "approved" and Decimal(gift["refunded_amount"]) > 0
    return "partly_refunded" if is_in_part else str(gift["status"])


def _apply_campaign(key: RoomKey, view: View, name: str, data: Mapping[str, Any]) -> View | None:
    summary, gifts = data["campaign"], gifts_of(data)
    if summary["id"] == key.subject and summary["version"] <= view.fields.get("_version", 0):
        return view
    # All else is read again, a milestone too. It is told before the gift that reaches it, at the
    # same version, and the rows have both: whoever has read them passes over the gift.
    if not gifts or view.fields["missing"] or any(g["campaign_id"] != key.subject for g in gifts):
        return None
    rows, largest = view.rows, view.fields["largest"]
    for gift in gifts:
        after = _with_gift(rows, gift, _gift_row(gift), key=key, name=name, limit=CAMPAIGN_GIFTS)
        most = _largest(largest, gift, name)
        if after is None or most is None:
            return None
        rows, largest = after, most
    changed = {"largest": largest, "challenges": _challenges(view.fields["challenges"], data)}
    return View({**view.fields, **_campaign_fields(summary), **changed}, rows)


def _challenges(held: list[Row], data: Mapping[str, Any]) -> list[Row]:
    """Return the shown challenges after a gift, whose event has those that it changed."""
    changed = {row["id"]: _challenge(row) for row in data.get("challenges", ())}
    return [changed.get(row["id"], row) for row in held] if changed else held


def gifts_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the gifts that an event is about; none if it is about the campaign alone."""
    if "donations" in data:
        return list(data["donations"])
    return [data["donation"]] if "donation" in data else []


# After these no gift counts for less than before, and none hides its amount that did not.
_NEVER_LESS = (
    "donation_created",
    "donations_created",
    "donation_approved",
    "donation_endorsed",
    "donation_rejected",
    "donation_moderated",
)


def _largest(so_far: str, gift: Mapping[str, Any], name: str) -> str | None:
    """Return the largest shown gift after the event; None if it may have become smaller."""
    if not donations.is_public(gift) or not gift["show_amount"]:
        return so_far if name in _NEVER_LESS or so_far == "" else None
    kept = Decimal(gift["counted_amount"]) - Decimal(gift["refunded_amount"])
    if so_far == "" or kept >= Decimal(so_far):
        return amount_text(kept)
    return so_far if name in _NEVER_LESS else None


def _with_gift(
    rows: dict[str, Row],
    gift: Mapping[str, Any],
    row: Row,
    *,
    key: RoomKey,
    name: str,
    limit: int,
) -> dict[str, Row] | None:
    """Return ``rows`` after the event; None if a row must be read that takes the place of one."""
    if name != "donation_deleted" and _is_shown(gift, key.audience):
        changed = [*({**rows, row["id"]: row}).values()]
        changed.sort(key=lambda r: (r["at"], r["id"]), reverse=True)
        return {r["id"]: r for r in changed[:limit]}
    if row["id"] not in rows:
        return rows
    if len(rows) == limit:
        return None
    return {k: v for k, v in rows.items() if k != row["id"]}


def microseconds(time: str) -> int:
    """Return a moment as microseconds since 1970, shorter than its text and as exact."""
    moment = datetime.fromisoformat(time)
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _is_shown(gift: Mapping[str, Any], audience: Audience) -> bool:
    """Whether a gift belongs in a list: the public sees what counts, the team what waits too."""
    if audience is Audience.STAFF:
        return not gift["is_test"]
    return donations.is_public(gift)


# The last gifts to any campaign


async def _load_gifts(key: RoomKey) -> View:
    gifts = await donations.latest(key.scope, limit=GIFTS)
    rows = {
        str(gift.id): _named_row(donations.row(gift), campaigns.summary(gift.campaign))
        for gift in gifts
    }
    return _with_campaigns(rows)


def _named_row(gift: Mapping[str, Any], campaign: Mapping[str, Any]) -> Row:
    return {
        **_gift_row(gift),
        "campaign": campaign["slug"],
        "_version": gift["version"],
        "_campaign": {n: campaign[n] for n in ("id", "slug", "name", "currency")},
    }


def _with_campaigns(rows: dict[str, Row]) -> View:
    """Return the view of ``rows``, whose campaigns are named once for all of them.

    Each has a field of its own, so a campaign that is new here travels alone.
    """
    named = {
        CAMPAIGN_FIELD + row["campaign"]: {
            "name": row["_campaign"]["name"],
            "currency": row["_campaign"]["currency"],
        }
        for row in rows.values()
    }
    return View({"loaded": True, **named}, rows)


def _apply_gifts(key: RoomKey, view: View, name: str, data: Mapping[str, Any]) -> View | None:
    gifts = gifts_of(data)
    if not gifts:
        return _renamed(view, data["campaign"])
    rows = view.rows
    for gift in gifts:
        row = _named_row(gift, data["campaign"])
        held = rows.get(row["id"])
        if held is not None and held["_campaign"]["id"] != row["_campaign"]["id"]:
            return None  # It moved, and versions of two campaigns do not tell which is newer.
        if held is not None and held["_version"] >= row["_version"]:
            continue
        after = _with_gift(rows, gift, row, key=key, name=name, limit=GIFTS)
        if after is None:
            return None
        rows = after
    return view if rows is view.rows else _with_campaigns(rows)


def _renamed(view: View, campaign: Mapping[str, Any]) -> View:
    named = {n: campaign[n] for n in ("id", "slug", "name", "currency")}
    rows = {
        k: {**row, "campaign": named["slug"], "_campaign": named}
        if row["_campaign"]["id"] == named["id"]
        else row
        for k, row in view.rows.items()
    }
    return view if rows == view.rows else _with_campaigns(rows)


# The list of campaigns


async def _load_campaigns(key: RoomKey) -> View:
    if key.subject == _LIVE:
        page = await campaigns.list_campaigns(key.scope, status="active", per_page=LIVE_CAMPAIGNS)
    else:
        page = await campaigns.list_campaigns(
            key.scope, page=int(key.subject), per_page=CAMPAIGNS_PER_PAGE
        )
    fields = {"loaded": True, "page": page.page, "pages": page.pages, "total": page.total}
    rows = {
        str(campaign.id): _campaign_row(
            campaigns.summary(campaign), microseconds(time_text(campaign.inserted_at))
        )
        for campaign in page.items
    }
    return View({**fields, "subject": key.subject}, rows)


def _apply_campaigns(key: RoomKey, view: View, name: str, data: Mapping[str, Any]) -> View | None:
    campaign = data["campaign"]
    row = view.rows.get(campaign["id"])
    if name in ("campaign_created", "campaign_deleted"):
        return None
    if row is None:
        # Elsewhere in the list; but an edit may bring it among those that take gifts now.
        return None if name == "campaign_updated" and key.subject == _LIVE else view
    if campaign["version"] <= row["_version"]:
        return view
    if campaign["status"] != row["_status"] and key.subject == _LIVE:
        return None
    return View(view.fields, {**view.rows, row["id"]: _campaign_row(campaign, row["at"])})


# What only one or a few see: no more than a stamp, which is another when anything has changed.
# Their pages then read for themselves, each by the rights of its visitor.


async def _load_account(key: RoomKey) -> View:
    """Return the stamp of somebody's gifts, and of all that was told of their sessions."""
    gifts = await donations.list_own(Scope.user(UUID(key.subject)))
    shown = [(g.id, g.campaign_id, g.version, g.campaign.revision) for g in gifts]
    return _stamped(await outbox.last_place(f"user:{key.subject}"), shown)


async def _load_team(key: RoomKey) -> View:
    """Return the stamp of all that was told of the campaign."""
    return _stamped(await outbox.last_place(key.topic))


async def _load_review(key: RoomKey) -> View:
    """Return the stamp of all that was told of gifts."""
    return _stamped(await outbox.last_place(key.topic))


def _stamped(*state: object) -> View:
    return View({"stamp": hashlib.sha256(repr(state).encode()).hexdigest()[:16]}, {})


def _apply_account(key: RoomKey, view: View, name: str, data: Mapping[str, Any]) -> View | None:
    """Have it read again: no event says with which address something was given."""
    return None


def _apply_team(key: RoomKey, view: View, name: str, data: Mapping[str, Any]) -> View | None:
    return view if name in donations.NAMES else None


def _apply_review(key: RoomKey, view: View, name: str, data: Mapping[str, Any]) -> View | None:
    """Have it read again: whatever is told of a gift concerns who reviews it."""
    return None


_LOAD: dict[str, Callable[[RoomKey], Awaitable[View]]] = {
    "campaign": _load_campaign,
    "campaigns": _load_campaigns,
    "donations": _load_gifts,
    "account": _load_account,
    "team": _load_team,
    "review": _load_review,
}
_APPLY: dict[str, Callable[[RoomKey, View, str, Mapping[str, Any]], View | None]] = {
    "campaign": _apply_campaign,
    "campaigns": _apply_campaigns,
    "donations": _apply_gifts,
    "account": _apply_account,
    "team": _apply_team,
    "review": _apply_review,
}
