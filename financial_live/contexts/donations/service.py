"""The use cases of donations. Anybody may give; the rest is for the team of the campaign."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, limits, outbox, rights
from financial_live.contexts import (
    audit_entries,
    campaigns,
    columns,
    idempotency_keys,
    ledger,
    listing,
)
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.constraints import refusals
from financial_live.contexts.donations import batch, events, giving, repo
from financial_live.contexts.donations.batch import Outcome
from financial_live.contexts.donations.giving import Gift
from financial_live.contexts.donations.models import (
    CONSTRAINTS,
    Donation,
    DonationSource,
    GiftInput,
    Rules,
    Statistics,
)
from financial_live.contexts.donations.pricing import price
from financial_live.contexts.donations.sight import Sight, sight
from financial_live.contexts.inputs import Errors, checked
from financial_live.errors import Conflict, NotFound, Stale
from financial_live.limits import Policy
from financial_live.rights import Act
from financial_live.scope import Scope

# What a donor's gift is made of; a counted one keeps these for ever.
_COUNTED_FIELDS = frozenset({"amount", "currency", "campaign_id"})
EDITABLE = (
    *sorted(_COUNTED_FIELDS),
    *("donor_name", "donor_email", "message", "show_name", "show_amount"),
)
"""What of a gift may be edited."""


async def give(
    scope: Scope,
    attrs: Mapping[str, Any],
    *,
    campaign: UUID | str | None = None,
    idempotency_key: str | None = None,
    source: str = "web",
    external_id: str | None = None,
) -> Donation:
    """Take a gift: check it, store it, and where review is automatic count it, all or nothing.

    ``attrs``: donor_name, donor_email, amount (int, Decimal or plain decimal text, in
    ``currency``), currency, campaign_id, and if wanted message, show_name, show_amount, is_test. Of
    an offline gift also given_on, the past day on which it was given.
    ``campaign``, an id or slug, is used instead of campaign_id where a door knows it.

    The same ``idempotency_key`` of one caller, or the same ``source`` and ``external_id``, is the
    same gift: the first one is returned. Emits ``donation_created``. Raises Invalid naming every
    wrong field, Unauthorized or Forbidden for test and offline gifts by others than the campaign's
    team, MissingScope, TooMany for too many from one address, and Conflict if the key was used for
    something else.
    """
    rights.require(scope, Act.GIVE)
    await limits.require(scope, Policy.GIVING)
    errors = Errors()
    door = listing.choice(errors, "source", source, DonationSource)
    errors.raise_any()
    gift = Gift(attrs, DonationSource(door or source), campaign, external_id)
    with refusals(CONSTRAINTS, overflow="amount"):
        if idempotency_key is None:
            return await giving.take(scope, gift)
        return await _give_once(scope, gift, idempotency_key)


async def _give_once(scope: Scope, gift: Gift, key: str) -> Donation:
    taken: list[Donation] = []

    async def act() -> dict[str, Any]:
        taken.append(await giving.take(scope, gift))
        return {"donation_id": str(taken[0].id)}

    body = {**gift.attrs, "campaign_id": gift.campaign_key, "source": gift.source}
    response, _replayed = await idempotency_keys.once(scope, key, body, act)
    return taken[0] if taken else await _given(UUID(response["donation_id"]))


async def _given(donation_id: UUID) -> Donation:
    """Return the gift that an earlier request made, whoever may see it otherwise."""
    async with db.transaction() as session:
        donation = await repo.find(session, donation_id)
    if donation is None:
        raise Conflict("The gift that was made with this idempotency key has been deleted since.")
    return donation


async def give_many(scope: Scope, gifts: Sequence[Gift]) -> list[Outcome]:
    """Take many gifts in one transaction; the bad ones fail alone.

    Returns what became of each, in their order: the donation, the first one again if its external
    id is known, or the error that ``give`` would have raised. Emits ``donations_created`` once for
    each campaign, which grows by one version. Raises MissingScope, and Unavailable if nothing could
    be taken.
    """
    rights.require(scope, Act.GIVE_MANY)
    with refusals(CONSTRAINTS, overflow="amount"):
        return await batch.take_many(scope, gifts)


async def latest(
    scope: Scope, *, campaign_id: UUID | None = None, limit: int = 20
) -> Sequence[Donation]:
    """Return the last ``limit`` (1 to 100) gifts but tests, newest first, with their campaigns.

    Who sees which and how much of them is as for ``list_donations``. Raises Invalid, MissingScope.
    """
    rights.require(scope, Act.LATEST)
    errors = Errors()
    window = listing.window(errors, page=1, per_page=limit, order="desc")
    errors.raise_any()
    async with db.reading() as session:
        seen = await sight(scope, campaign_id)
        query = repo.of_campaign(repo.seen(sees_all=seen.sees_all), campaign_id)
        rows = await repo.newest(session, query, window.per_page)
    return [seen.of(row) for row in rows]


async def get_donation(scope: Scope, id: UUID | str) -> Donation:
    """Return one gift with its campaign.

    Raises NotFound, also for what the caller may not see, and MissingScope.
    """
    rights.require(scope, Act.GET_DONATION)
    donation, seen = await seen_by(scope, id)
    return seen.of(donation)


async def seen_by(scope: Scope, id: UUID | str) -> tuple[Donation, Sight]:
    """Return a gift, whole, and what of it the caller sees. Raises NotFound if that is nothing."""
    async with db.reading() as session:
        donation = await repo.find(session, id_of(id))
    if donation is None:
        raise unknown(id)
    seen = await sight(scope, donation.campaign_id)
    if not (seen.sees_all or events.is_public(donation)):
        raise unknown(id)
    return donation, seen


def id_of(id: UUID | str) -> UUID:
    """Return a gift's id as a UUID. Raises NotFound for what can be none."""
    if isinstance(id, UUID):
        return id
    if not campaigns.is_campaign_id(id):
        raise unknown(id)
    return UUID(id)


def unknown(id: UUID | str) -> NotFound:
    """Return what to say of a gift that is not there, or not for this caller."""
    return NotFound(f"There is no donation {str(id)[:80]!r}.")


async def update_donation(
    scope: Scope, id: UUID | str, attrs: Mapping[str, Any], *, version: int | None = None
) -> Donation:
    """Edit a gift; nothing happens where nothing differs. ``version`` is the one the editor saw.

    Names, e-mail, message and visibility may always change; amount, currency and campaign only
    while the gift is not counted. Emits ``donation_updated``, and ``campaign_updated`` for the
    campaign that a gift leaves. Who moves one must have the right in both campaigns. Raises
    Unauthorized, Forbidden, NotFound, Invalid naming every wrong field, Stale if it was changed
    since ``version``, and Conflict ("refund instead") for a counted gift.
    """
    seen, _ = await seen_by(scope, id)
    given = {name: attrs[name] for name in EDITABLE if name in attrs}
    with refusals(CONSTRAINTS, overflow="amount"):
        async with db.transaction() as session:
            target = await giving.named_campaign(given.get("campaign_id"))
            donation = await held(session, seen, target)
            await campaigns.require(scope, Act.UPDATE_DONATION, donation.campaign_id)
            if target is not None:
                await campaigns.require(scope, Act.UPDATE_DONATION, target.id)
            refuse_stale(donation, version)
            changes = await _changes(donation, given, target)
            if not changes:
                return donation
            await _record(scope, "update", donation, changes)
            return await change(session, donation, changes)


async def held(session: AsyncSession, seen: Donation, target: Campaign | None) -> Donation:
    """Lock the gift's campaign and ``target`` by id, then the gift. Raises NotFound, Conflict.

    It must be where it was seen: that campaign is the one that is held.
    """
    donation_id, at = seen.id, seen.campaign_id
    for campaign_id in sorted({at} if target is None else {at, target.id}):
        await campaigns.locked(campaign_id)
    donation = await repo.lock(session, donation_id)
    if donation is None:
        raise unknown(donation_id)
    if donation.campaign_id != at:
        raise Conflict("This gift was moved to another campaign meanwhile; load it again.")
    return donation


async def _changes(
    donation: Donation, given: Mapping[str, Any], target: Campaign | None
) -> dict[str, Any]:
    """Return the fields that differ, checked by the rules that concern them."""
    before = {name: getattr(donation, name) for name in EDITABLE}
    after = checked(GiftInput, before | dict(given), rules=_rules(donation, given, target))
    changes = {n: getattr(after, n) for n in EDITABLE if getattr(after, n) != before[n]}
    fixed = sorted(_COUNTED_FIELDS & changes.keys())
    if donation.is_counted and fixed:
        raise Conflict(
            f"This gift is {donation.status} and counted; its {', '.join(fixed)} cannot change. "
            "Refund instead."
        )
    if fixed:
        # What was approved by the first of two people is another gift now.
        changes |= await _worth(after, target or donation.campaign) | {"first_approver": None}
    return changes


async def _worth(after: GiftInput, campaign: Campaign) -> dict[str, Any]:
    worth = await price(after.amount, after.currency, campaign)
    return {
        "rate": worth.rate,
        "rate_as_of": worth.rate_as_of,
        "rate_source": worth.rate_source,
    }


async def _record(scope: Scope, act: str, donation: Donation, changes: Mapping[str, Any]) -> None:
    """Write down what is changed, from what to what; an address only that it is."""
    shown = [name for name in EDITABLE if name in changes and name != "donor_email"]
    about: dict[str, Any] = {
        name: [_plain(getattr(donation, name)), _plain(changes[name])] for name in shown
    }
    if "donor_email" in changes:
        about["donor_email"] = None
    await audit_entries.record(
        scope,
        act,
        campaign_id=donation.campaign_id,
        donation_id=donation.id,
        details={"changed": about},
    )


def _plain(value: object) -> object:
    """Return a field's value as JSON holds it."""
    return value if isinstance(value, bool) else str(value)


def _rules(donation: Donation, given: Mapping[str, Any], target: Campaign | None) -> Rules:
    campaign = target if "campaign_id" in given else donation.campaign
    is_moved = campaign is None or campaign.id != donation.campaign_id
    return Rules(
        campaign,
        needs_email=donation.source != DonationSource.OFFLINE,
        must_be_open=is_moved,
    )


async def change(session: AsyncSession, donation: Donation, changes: dict[str, Any]) -> Donation:
    """Write ``changes`` under the locks that ``held`` took, and tell every campaign concerned."""
    left = donation.campaign_id if "campaign_id" in changes else None
    campaign = await touched(changes.get("campaign_id", donation.campaign_id))
    if left is not None:
        changes["one_per_donor"] = campaign.one_gift_per_donor
        await outbox.append(campaigns.campaign_updated(await touched(left)))
    changes |= {"version": campaign.version, "updated_at": columns.now()}
    changed = await repo.change(session, donation, changes)
    await outbox.append(events.donation_updated(changed, campaign, left=left))
    return changed


async def touched(campaign_id: UUID) -> Campaign:
    """Count a version of a campaign whose totals stay as they are."""
    campaign = await campaigns.counted(campaign_id, amount=Decimal(0), gifts=0)
    assert campaign is not None, "a locked campaign cannot vanish"
    return campaign


def refuse_stale(donation: Donation, version: int | None) -> None:
    """Raise Stale if the gift was changed since the ``version`` that the caller saw."""
    if version is not None and version != donation.version:
        raise Stale("This gift was changed by somebody else meanwhile; load it again.")


async def delete_donation(scope: Scope, id: UUID | str, *, version: int | None = None) -> Donation:
    """Delete a gift that is not counted, and return what it was.

    ``version`` is the one the caller saw. Emits ``donation_deleted``. Raises Unauthorized,
    Forbidden, NotFound, Stale if it was changed since, and Conflict ("refund instead").
    """
    seen, _ = await seen_by(scope, id)
    with refusals(CONSTRAINTS, overflow="amount"):
        async with db.transaction() as session:
            donation = await held(session, seen, None)
            await campaigns.require(scope, Act.DELETE_DONATION, donation.campaign_id)
            refuse_stale(donation, version)
            if donation.is_counted:
                raise Conflict(
                    f"This gift is {donation.status} and counted; it cannot be deleted. "
                    "Refund instead."
                )
            if await ledger.has_entries(donation.id):
                raise Conflict(
                    "This gift counted once and is in the ledger, so it cannot be deleted. "
                    "Reject it instead."
                )
            campaign = await touched(donation.campaign_id)
            about = {"amount": [str(donation.amount), None], "status": [str(donation.status), None]}
            await audit_entries.record(
                scope,
                "delete",
                campaign_id=donation.campaign_id,
                donation_id=donation.id,
                details={"changed": about},
            )
            await repo.remove(session, donation)
            donation.version = campaign.version
            await outbox.append(events.donation_deleted(donation, campaign))
    return donation


async def statistics(scope: Scope, campaign_id: UUID) -> Statistics:
    """Return the largest and the average counted gift of a campaign, after refunds.

    For others than the campaign's team the largest leaves out amounts their donors hide. Raises
    MissingScope.
    """
    rights.require(scope, Act.STATISTICS)
    async with db.reading() as session:
        seen = await sight(scope, campaign_id)
        found = await repo.statistics(session, campaign_id, sees_hidden=seen.sees_all)
    return Statistics(*found)
