"""How many gifts are taken at once: one transaction, one statement, one event for each campaign.

A queue or an import brings gifts faster than one transaction each could count them. The campaigns
are locked first, by id, so that nothing the gifts were checked against can change; the gifts are
stored in one statement, which leaves out those that a unique index refuses; and each campaign is
counted once, for what was stored.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from financial_live import db, outbox, telemetry
from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations import counting, events, giving, repo
from financial_live.contexts.donations.giving import Gift
from financial_live.contexts.donations.models import Donation, DonationSource
from financial_live.contexts.inputs import TAKEN
from financial_live.errors import AppError, Invalid
from financial_live.scope import Scope

Outcome = Donation | AppError
"""What became of a gift of a batch: the donation, or why it was not taken."""

_Names = dict[tuple[DonationSource, str], Donation]


async def take_many(scope: Scope, gifts: Sequence[Gift]) -> list[Outcome]:
    """Take each of ``gifts`` that can be taken; return what became of each, in their order."""
    names = [(g.source, g.external_id or "") for g in gifts if _has_storable_name(g)]
    async with db.transaction() as session:
        known = await campaigns.locked_all([gift.campaign_key for gift in gifts])
        before = await repo.find_externals(session, names)
        asked = [await _asked(scope, gift, known, before) for gift in gifts]
        fresh = [d for d in asked if isinstance(d, Donation) and d not in before.values()]
        ids = await repo.add_all(fresh)
        campaigns_by_id = {campaign.id: campaign for campaign in known.values()}
        await count_and_tell(scope, campaigns_by_id, [d for d in fresh if d.id in ids])
        after = await repo.find_externals(session, names) if len(ids) < len(fresh) else before
    refused = {d.id for d in fresh} - ids
    return [_outcome(gift, one, refused, after) for gift, one in zip(gifts, asked, strict=True)]


def _has_storable_name(gift: Gift) -> bool:
    try:
        giving.check_external_id(gift)
    except Invalid:
        return False
    return gift.external_id is not None


async def _asked(
    scope: Scope, gift: Gift, known: Mapping[object, Campaign], before: _Names
) -> Outcome:
    """Return the row for ``gift``, not stored yet; the one it was before; or why it is refused."""
    try:
        giving.check_external_id(gift)
        if gift.external_id and (first := before.get((gift.source, gift.external_id))):
            return first
        campaign = known.get(gift.campaign_key)
        given, worth = await giving.checked_gift(scope, gift, campaign)
        assert campaign is not None, "checking refuses an unknown campaign"
    except AppError as error:
        return error
    donation = giving.new_donation(scope, gift, given, worth, campaign)
    # The campaign is locked: the next version is the one that counting this batch will make.
    donation.version = campaign.version + 1
    return donation


async def count_and_tell(
    scope: Scope, held: Mapping[UUID, Campaign], stored: Sequence[Donation], **details: Any
) -> None:
    """Count the stored gifts, a version and an event for each campaign, in order of id.

    The campaigns are held. ``details`` are for the audit trail, where a gift has an entry there.
    """
    if not stored:
        return
    by_campaign: dict[UUID, list[Donation]] = {}
    for donation in stored:
        by_campaign.setdefault(donation.campaign_id, []).append(donation)
    moved = sorted(by_campaign.items())
    counted = await counting.count_all(
        [(held[key], [giving.shift_of(donation) for donation in gifts]) for key, gifts in moved]
    )
    await counting.post(*counted)
    await giving.record(scope, stored, **details)
    told = []
    for (_, gifts), one in zip(moved, counted, strict=True):
        for donation in gifts:
            repo.set_campaign(donation, one.campaign)
            db.after_commit(partial(telemetry.count_gift, donation.status))
        told.append(one.telling(events.donations_created(gifts, one.campaign)))
    await outbox.append(*told)


def _outcome(gift: Gift, asked: Outcome, refused: set[UUID], after: _Names) -> Outcome:
    """Return what became of ``asked``: a unique index may have refused what was checked."""
    if isinstance(asked, AppError) or asked.id not in refused:
        return asked
    first = after.get((gift.source, gift.external_id)) if gift.external_id else None
    return first or Invalid({"donor_email": [TAKEN]})
