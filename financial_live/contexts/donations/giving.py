"""How a gift is taken: checked, counted, stored and announced, in one transaction.

Many gifts to one campaign wait for each other on its row, so as little as possible happens while
it is held: the gift is checked before, against the settings of a known ``revision``. The counting
statement takes the lock, and counts only if that is still the revision; else the campaign is held
first and the gift checked again.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, outbox, telemetry
from financial_live.contexts import audit_entries, campaigns, columns
from financial_live.contexts.audit_entries import Entry
from financial_live.contexts.campaigns import Campaign, ReviewPolicy
from financial_live.contexts.donations import counting, events, repo
from financial_live.contexts.donations.counting import Shift
from financial_live.contexts.donations.models import (
    EXTERNAL_ID_LENGTH,
    Donation,
    DonationSource,
    DonationStatus,
    GiftInput,
    OfflineInput,
    Rules,
)
from financial_live.contexts.donations.pricing import Price, price
from financial_live.contexts.inputs import INVALID, checked, is_storable_text
from financial_live.contexts.wire import amount_text
from financial_live.errors import AppError, Invalid, Unavailable
from financial_live.rights import Act
from financial_live.scope import Scope

_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Gift:
    """A gift as it is asked for: what the donor says, and what the door knows beside."""

    attrs: Mapping[str, Any]
    source: DonationSource
    campaign: UUID | str | None = None
    external_id: str | None = None
    given_at: datetime | None = None

    @property
    def campaign_key(self) -> object:
        """The campaign as the door named it, or else as the donor did."""
        return self.attrs.get("campaign_id") if self.campaign is None else self.campaign


async def take(scope: Scope, gift: Gift) -> Donation:
    """Take ``gift``; the first one again if its external id is known. Raises like ``give``."""
    async with db.transaction() as session:
        first = await _first(session, gift)
        if first is not None:
            return first
        taken = await _take(scope, gift) or await _take(scope, gift, held=True)
    if taken is None:
        raise Unavailable("The campaign is changing too quickly; try again in a moment.")
    return taken


async def _first(session: AsyncSession, gift: Gift) -> Donation | None:
    check_external_id(gift)
    if gift.external_id is None:
        return None
    return await repo.find_external(session, gift.source, gift.external_id)


def check_external_id(gift: Gift) -> None:
    """Raise Invalid if the gift's name in another system cannot be stored."""
    name = gift.external_id
    if name is None:
        return
    if not 0 < len(name) <= EXTERNAL_ID_LENGTH or not is_storable_text(name):
        raise Invalid({"external_id": [INVALID]})


async def _take(scope: Scope, gift: Gift, *, held: bool = False) -> Donation | None:
    """Take ``gift``; None if the campaign's settings changed between the check and the count."""
    campaign, given, worth = await _checked(scope, gift, held=held)
    donation = new_donation(scope, gift, given, worth, campaign)
    counted = await counting.count(campaign, [shift_of(donation)])
    if counted is None:
        campaigns.forget(campaign)
        return None
    donation.version = counted.campaign.version
    repo.add(donation, counted.campaign)
    await counting.post(counted)
    await record(scope, [donation])
    await outbox.append(counted.telling(events.donation_created(donation, counted.campaign)))
    db.after_commit(lambda: telemetry.count_gift(donation.status))
    return donation


async def _checked(scope: Scope, gift: Gift, *, held: bool) -> tuple[Campaign, GiftInput, Price]:
    """Check ``gift`` by the settings that this worker remembers; by those of now if it is refused.

    Raises like ``checked_gift``.
    """
    key = gift.campaign_key
    if not held and isinstance(key, UUID | str) and (known := campaigns.remembered(key)):
        with suppress(AppError):
            return known, *await checked_gift(scope, gift, known)
    campaign = await named_campaign(key, held=held)
    given, worth = await checked_gift(scope, gift, campaign)
    assert campaign is not None, "checking refuses an unknown campaign"
    campaigns.remember(campaign)
    return campaign, given, worth


def shift_of(donation: Donation) -> Shift:
    """Return what taking a gift changes."""
    return Shift(donation.id, donation.inserted_at, counting.NOTHING, counting.standing(donation))


async def record(scope: Scope, donations: Sequence[Donation], **details: Any) -> None:
    """Write down who took those gifts that only the campaign's team may take."""
    entries = [
        Entry(
            donation.campaign_id,
            donation.id,
            {
                "amount": amount_text(donation.amount),
                "currency": donation.currency,
                "is_test": donation.is_test,
                **details,
            },
        )
        for donation in donations
        if donation.source == DonationSource.OFFLINE or donation.is_test
    ]
    await audit_entries.record_all(scope, "record", entries)


async def named_campaign(key: object, *, held: bool = False) -> Campaign | None:
    """Return the campaign that ``key``, an id or slug, names; None for what names none.

    ``held`` locks its row until the transaction ends.
    """
    if not isinstance(key, UUID | str):
        return None
    campaign = await campaigns.find_campaign(key)
    return await campaigns.locked(campaign.id) if campaign and held else campaign


async def checked_gift(
    scope: Scope, gift: Gift, campaign: Campaign | None
) -> tuple[GiftInput, Price]:
    """Return what is given, and what that is worth to the campaign.

    Raises Unauthorized and Forbidden for what only the campaign's team may, else Invalid.
    """
    campaign_id = campaign.id if campaign is not None else None
    is_offline = gift.source == DonationSource.OFFLINE
    if is_offline:
        await campaigns.require(scope, Act.GIVE_OFFLINE, campaign_id)
    attrs = {**gift.attrs, "campaign_id": gift.campaign_key}
    said: type[GiftInput] = OfflineInput if is_offline else GiftInput
    rules = Rules(campaign, needs_email=not is_offline, currency=attrs.get("currency"))
    given = checked(said, attrs, rules=rules)
    if given.is_test:
        await campaigns.require(scope, Act.GIVE_TEST, campaign_id)
    assert campaign is not None, "checking refuses an unknown campaign"
    return given, await price(given.amount, given.currency, campaign)


def new_donation(
    scope: Scope, gift: Gift, given: GiftInput, worth: Price, campaign: Campaign
) -> Donation:
    """Return the row for what is given to ``campaign``; its version is that before the gift."""
    is_approved = campaign.review_policy == ReviewPolicy.AUTOMATIC
    if campaign.needs_two(worth.amount) and not given.is_test:
        is_approved = False
    moment = columns.now()
    given_at = given.given_at if isinstance(given, OfflineInput) else gift.given_at
    values = {
        **{name: getattr(given, name) for name in GiftInput.model_fields},
        "id": columns.new_id(),
        "counted_amount": worth.amount if is_approved and not given.is_test else None,
        "refunded_amount": _NOTHING,
        "rate": worth.rate,
        "rate_as_of": worth.rate_as_of,
        "rate_source": worth.rate_source,
        "status": DonationStatus.APPROVED if is_approved else DonationStatus.PENDING,
        "first_approver": None,
        "is_hidden": False,
        "one_per_donor": campaign.one_gift_per_donor,
        # Who enters an offline gift has not given it.
        "user_id": None if gift.source == DonationSource.OFFLINE else scope.user_id,
        "source": gift.source,
        "external_id": gift.external_id,
        "version": campaign.version,
        "inserted_at": given_at or moment,
        "updated_at": moment,
    }
    return columns.loaded(Donation, values)
