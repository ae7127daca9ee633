"""Donations: gifts, what becomes of them, and the proof that every one is counted once."""

from financial_live.contexts.donations.batch import Outcome
from financial_live.contexts.donations.checking import check
from financial_live.contexts.donations.demo import load_demo
from financial_live.contexts.donations.events import (
    DonationRow,
    PublicGift,
    donation_created,
    donation_deleted,
    donation_updated,
    donations_created,
    is_public,
    public_gift,
    row,
)
from financial_live.contexts.donations.giving import Gift
from financial_live.contexts.donations.models import (
    CheckReport,
    Donation,
    DonationSource,
    DonationStatus,
    Statistics,
)
from financial_live.contexts.donations.own import change_visibility, find_own, list_own
from financial_live.contexts.donations.service import (
    delete_donation,
    get_donation,
    give,
    give_many,
    latest,
    list_donations,
    statistics,
    update_donation,
)
from financial_live.contexts.donations.sight import Audience, audience
from financial_live.contexts.listing import Page

__all__ = [
    "Audience",
    "CheckReport",
    "Donation",
    "DonationRow",
    "DonationSource",
    "DonationStatus",
    "Gift",
    "Outcome",
    "Page",
    "PublicGift",
    "Statistics",
    "audience",
    "change_visibility",
    "check",
    "delete_donation",
    "donation_created",
    "donation_deleted",
    "donation_updated",
    "donations_created",
    "find_own",
    "get_donation",
    "give",
    "give_many",
    "is_public",
    "latest",
    "list_donations",
    "list_own",
    "load_demo",
    "public_gift",
    "row",
    "statistics",
    "update_donation",
]
