"""What donations tell. Each event goes to ``donations``, ``campaigns`` and ``campaign:{id}``.

- ``donation_created``: something was given; counted already, or waiting for review (pending).
- ``donations_created``: many were given at once, to one campaign. Its data has ``donations``, a
  list of rows, instead of ``donation``.
- ``donation_updated``: a gift was edited, or moved to another campaign. Then the topic of the
  campaign it left hears it as well, and a ``campaign_updated`` tells that one's new version.
- ``donation_deleted``: a gift that was never counted is gone.
- ``donation_approved``: it counts from now on.
- ``donation_endorsed``: the first of two people has approved it.
- ``donation_rejected``: it will not count.
- ``donation_refunded``: all or part of it was given back.
- ``donation_undone``: the last of these acts was taken back; the gift is as it was before.
- ``donation_moderated``: the team has hidden the donor's name and message, or shows them again.

The data of each is ``{"donation": row, "campaign": summary}``, both as they are after; and where
it changed what sponsors add, ``challenges``: those of which something else remains now. The row
has no e-mail address, but does have hidden names and amounts: ``public_gift`` and ``is_public``
decide what the public may see of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict
from uuid import UUID

from financial_live.contexts import campaigns
from financial_live.contexts.campaigns import Campaign
from financial_live.contexts.donations.models import COUNTED, Donation
from financial_live.contexts.wire import amount_text, optional_amount_text, time_text
from financial_live.event import Event

NAMES = frozenset(
    {
        "donation_created",
        "donations_created",
        "donation_updated",
        "donation_deleted",
        "donation_approved",
        "donation_endorsed",
        "donation_rejected",
        "donation_refunded",
        "donation_undone",
        "donation_moderated",
    }
)
"""The events that are about gifts."""


class DonationRow(TypedDict):
    """A gift in an event, for those who may see all of it but the e-mail address."""

    id: str
    """The gift's UUID."""
    campaign_id: str
    """The UUID of the campaign it was given to."""
    donor_name: str
    """The name as given; hidden from the public unless ``show_name``."""
    amount: str
    """What was given, decimal text; hidden from the public unless ``show_amount``."""
    currency: str
    """IDR, USD or EUR."""
    counted_amount: str | None
    """What the campaign's total contains of it, in the campaign's currency; None if uncounted."""
    refunded_amount: str
    """How much of that was given back."""
    rate: str | None
    """Units of the campaign's currency for one of ``currency``; None where they are one."""
    rate_as_of: str | None
    """The day that the rate is of, ``2026-11-30``."""
    rate_source: str | None
    """Where the rate is from."""
    is_hidden: bool
    """Whether the team has hidden the donor's name and the message."""
    first_approver: str | None
    """Who has approved it first, while it waits for a second person: ``user:`` and the UUID."""
    is_test: bool
    """Whether it only tries the system: never counted, never public."""
    status: str
    """pending, approved, rejected or refunded."""
    source: str
    """The door it came through."""
    external_id: str | None
    """Its name in the system it came from."""
    user_id: str | None
    """The account of the donor."""
    show_name: bool
    """Whether the public may see the name."""
    show_amount: bool
    """Whether the public may see the amount."""
    message: str
    """What the donor wrote beside it."""
    version: int
    """The campaign's version at the gift's last change: of two rows the higher one is newer."""
    inserted_at: str
    """When it was given, UTC to the microsecond."""
    updated_at: str
    """When it last changed, UTC to the microsecond."""


class PublicGift(TypedDict):
    """A gift as everybody may see it."""

    id: str
    """The gift's UUID."""
    campaign_id: str
    """The UUID of its campaign."""
    donor_name: str | None
    """The donor's name; None where it is hidden."""
    amount: str | None
    """What was given, decimal text; None where it is hidden."""
    currency: str
    """IDR, USD or EUR."""
    counted_amount: str | None
    """That in the campaign's currency; None where it is hidden, or does not count yet."""
    rate: str | None
    """Units of the campaign's currency for one of ``currency``; None where they are one."""
    rate_as_of: str | None
    """The day that the rate is of, ``2026-11-30``."""
    status: str
    """approved or refunded; the giver's own answer may say pending."""
    message: str
    """What the donor wrote beside it."""
    inserted_at: str
    """When it was given, UTC to the microsecond."""
    version: int
    """The campaign's version at its last change."""


def row(donation: Donation) -> DonationRow:
    """Return what events say of ``donation``: everything but the e-mail address."""
    return DonationRow(
        id=str(donation.id),
        campaign_id=str(donation.campaign_id),
        donor_name=donation.donor_name,
        amount=amount_text(donation.amount),
        currency=donation.currency,
        counted_amount=optional_amount_text(donation.counted_amount),
        refunded_amount=amount_text(donation.refunded_amount),
        rate=f"{donation.rate.normalize():f}" if donation.rate is not None else None,
        rate_as_of=donation.rate_as_of.isoformat() if donation.rate_as_of else None,
        rate_source=donation.rate_source,
        is_hidden=donation.is_hidden,
        first_approver=donation.first_approver,
        is_test=donation.is_test,
        status=str(donation.status),
        source=str(donation.source),
        external_id=donation.external_id,
        user_id=str(donation.user_id) if donation.user_id else None,
        show_name=donation.show_name,
        show_amount=donation.show_amount,
        message=donation.message,
        version=donation.version,
        inserted_at=time_text(donation.inserted_at),
        updated_at=time_text(donation.updated_at),
    )


def is_public(gift: Donation | Mapping[str, Any]) -> bool:
    """Whether the public may see ``gift``, a row or an event's: counted, and not a test."""
    data = row(gift) if isinstance(gift, Donation) else gift
    return data["status"] in COUNTED and not data["is_test"]


def public_gift(gift: Donation | Mapping[str, Any]) -> PublicGift:
    """Return what everybody may see of ``gift``, a row or an event's, hiding what its donor hides.

    The only place that decides it. Whether the gift is to be seen at all is ``is_public``'s.
    """
    data = row(gift) if isinstance(gift, Donation) else gift
    return PublicGift(
        id=data["id"],
        campaign_id=data["campaign_id"],
        donor_name=data["donor_name"] if data["show_name"] and not data["is_hidden"] else None,
        amount=data["amount"] if data["show_amount"] else None,
        currency=data["currency"],
        counted_amount=data["counted_amount"] if data["show_amount"] else None,
        rate=data["rate"],
        rate_as_of=data["rate_as_of"],
        status=data["status"],
        message="" if data["is_hidden"] else data["message"],
        inserted_at=data["inserted_at"],
        version=data["version"],
    )


def donation_created(donation: Donation, campaign: Campaign) -> Event:
    """Tell that ``donation`` was given; ``campaign`` is as it is after."""
    return _event("donation_created", donation, campaign)


def donations_created(donations: Sequence[Donation], campaign: Campaign) -> Event:
    """Tell that ``donations`` were given at once; ``campaign`` is as it is after all of them."""
    rows = [row(donation) for donation in donations]
    data = {"donations": rows, "campaign": campaigns.summary(campaign)}
    return Event("donations_created", ("donations", *campaigns.topics(campaign)), data)


def donation_updated(donation: Donation, campaign: Campaign, *, left: UUID | None = None) -> Event:
    """Tell that ``donation`` was edited; ``left`` is the campaign it was moved away from."""
    return _event("donation_updated", donation, campaign, left=left)


def donation_deleted(donation: Donation, campaign: Campaign) -> Event:
    """Tell that ``donation`` is gone; its version is the campaign's after."""
    return _event("donation_deleted", donation, campaign)


def donation_approved(donation: Donation, campaign: Campaign) -> Event:
    """Tell that ``donation`` counts from now on."""
    return _event("donation_approved", donation, campaign)


def donation_endorsed(donation: Donation, campaign: Campaign) -> Event:
    """Tell that the first of two people has approved ``donation``."""
    return _event("donation_endorsed", donation, campaign)


def donation_rejected(donation: Donation, campaign: Campaign) -> Event:
    """Tell that ``donation`` will not count."""
    return _event("donation_rejected", donation, campaign)


def donation_refunded(donation: Donation, campaign: Campaign) -> Event:
    """Tell that all or part of ``donation`` was given back."""
    return _event("donation_refunded", donation, campaign)


def donation_undone(donation: Donation, campaign: Campaign) -> Event:
    """Tell that the last act on ``donation`` was taken back."""
    return _event("donation_undone", donation, campaign)


def donation_moderated(donation: Donation, campaign: Campaign) -> Event:
    """Tell that the name and message of ``donation`` were hidden, or are shown again."""
    return _event("donation_moderated", donation, campaign)


def _event(name: str, donation: Donation, campaign: Campaign, *, left: UUID | None = None) -> Event:
    topics = ("donations", *campaigns.topics(campaign))
    if left is not None:
        topics += (f"campaign:{left}",)
    return Event(name, topics, {"donation": row(donation), "campaign": campaigns.summary(campaign)})
