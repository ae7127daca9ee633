"""What somebody hears of the events of a campaign, told one after another by whichever door.

An event holds more than everybody may know, so what is heard of it is listed here: each event, and
each field of it. What the public hears is what it may read: counted gifts without what their donors
hide, and the campaign. The team hears gifts whole, and of its members and invitations as far as the
table of rights lets each of them see these.

A gift may have been hidden, or its message edited, since an event told of it; and what two totals
differ by is a gift. So what the public hears later, going on from an old mark, are gifts and the
campaign as they are now (``public_now``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from financial_live import db, outbox, rights
from financial_live.contexts import campaigns, donations
from financial_live.contexts.campaigns import Campaign, CampaignSummary
from financial_live.contexts.donations import PublicGift
from financial_live.contexts.matches import ChallengeRow
from financial_live.errors import NotFound
from financial_live.outbox import Mark
from financial_live.rights import Act
from financial_live.rooms.feed import Told
from financial_live.rooms.views import gifts_of
from financial_live.scope import Scope

_CAMPAIGN = frozenset({"campaign_created", "campaign_updated", "campaign_deleted"})
# What stands beside the campaign in these is as public as that.
_BESIDE = {
    "milestone_reached": "milestone",
    "milestone_created": "milestone",
    "milestone_deleted": "milestone",
    "challenge_created": "challenge",
    "challenge_cancelled": "challenge",
    "funds_transferred": "transfer",
}
_ANYBODY = Scope.visitor(caller="hearing")
# Who is told of the team must be one who may see it.
_TEAM: Mapping[str, Act] = {
    "member_changed": Act.LIST_MEMBERS,
    "member_invited": Act.LIST_INVITATIONS,
    "invitation_cancelled": Act.LIST_INVITATIONS,
}
# To the team a gift has left for another one it is as good as gone, and no more is its to know.
MOVED = "donation_moved"


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as somebody hears it. ``data`` is JSON."""

    mark: Mark
    name: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Present:
    """What everybody may see now of what happened before: gifts by id, and their campaign."""

    gifts: Mapping[str, PublicGift]
    campaign: CampaignSummary | None
    """None if it is gone."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What somebody may hear of one campaign; equal ones hear the same."""

    campaign_id: UUID
    acts: frozenset[Act]

    @classmethod
    async def of(cls, scope: Scope, campaign_id: UUID) -> "Hearing":
        """Return what the caller may hear as they are now. Raises Unavailable."""
        role = (await campaigns.roles(scope)).get(campaign_id)
        asked = {Act.SEE_ALL_GIFTS, *_TEAM.values()}
        allowed = frozenset(act for act in asked if rights.allows(scope, act, role=role))
        return cls(campaign_id, allowed)

    @property
    def is_whole(self) -> bool:
        """Whether gifts are heard whole, as the team sees them."""
        return Act.SEE_ALL_GIFTS in self.acts

    def of_event(self, told: Told, now: Present | None = None) -> Heard | None:
        """Return what is heard of an event; None if that is nothing.

        ``now`` is what ``public_now`` returns, for an event that is told again.
        """
        name, data = told.name, None
        if name in _TEAM and _TEAM[name] in self.acts:
            data = told.data
        elif name in _CAMPAIGN:
            data = {"campaign": _summary(told.data, now)}
        elif name in _BESIDE:
            beside = _BESIDE[name]
            data = {beside: told.data[beside], "campaign": _summary(told.data, now)}
        elif name in donations.NAMES and self.is_whole:
            name, data = self._whole(told)
        elif name in donations.NAMES:
            data = self._public(told, now)
        return Heard(told.mark, name, data) if data is not None else None

    def _whole(self, told: Told) -> tuple[str, Mapping[str, Any]]:
        [*gifts] = gifts_of(told.data)
        if any(gift["campaign_id"] != str(self.campaign_id) for gift in gifts):
            return MOVED, {"donation": {"id": gifts[0]["id"]}}
        return told.name, told.data

    def _public(self, told: Told, now: Present | None) -> Mapping[str, Any] | None:
        public = [gift for gift in gifts_of(told.data) if donations.is_public(gift)]
        if now is None:
            shown = [donations.public_gift(gift) for gift in public]
        else:
            shown = [now.gifts[gift["id"]] for gift in public if gift["id"] in now.gifts]
        shown = [gift for gift in shown if gift["campaign_id"] == str(self.campaign_id)]
        if not shown:
            # A gift that is public no more has changed the totals: only these are told.
            is_undone = told.name == "donation_undone"
            return {"campaign": _summary(told.data, now)} if is_undone else None
        is_many = "donations" in told.data
        heard: dict[str, Any] = {"donations": shown} if is_many else {"donation": shown[0]}
        if now is None and "challenges" in told.data:
            # Told again they would say how much a gift was, by what remained before and after.
            heard["challenges"] = _challenges(told.data)
        return {**heard, "campaign": _summary(told.data, now)}


def _summary(data: Mapping[str, Any], now: Present | None) -> Mapping[str, Any]:
    """Return the campaign in an event, or as it is now; these fields of it are public."""
    present = now.campaign if now is not None else None
    campaign: Mapping[str, Any] = present or data["campaign"]
    return {field: campaign[field] for field in CampaignSummary.__annotations__}


def _challenges(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the challenges in an event; these fields of them are public."""
    return [{n: one[n] for n in ChallengeRow.__annotations__} for one in data["challenges"]]


async def public_now(campaign_id: UUID, events: Iterable[Told]) -> Present:
    """Return what everybody may see now of what ``events`` tell. Raises Unavailable."""
    ids = {UUID(gift["id"]) for told in events for gift in gifts_of(told.data)}
    gifts = await donations.public_gifts(ids) if ids else {}
    try:
        campaign = await campaigns.get_campaign(_ANYBODY, campaign_id)
    except NotFound:
        return Present(gifts, None)
    return Present(gifts, campaigns.summary(campaign))


async def beginning(scope: Scope, campaign_id: UUID) -> tuple[Mark, Campaign]:
    """Return a campaign, and the mark after which to follow what changes it.

    Raises NotFound and Unavailable.
    """
    async with db.snapshot():
        return await outbox.last_mark(), await campaigns.get_campaign(scope, campaign_id)
