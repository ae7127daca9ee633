"""Donations: gifts, what becomes of them, and the proof that every one is counted once."""

from financial_live.contexts.donations.checking import check
from financial_live.contexts.donations.demo import load_demo
from financial_live.contexts.donations.events import (
    DonationRow,
    PublicGift,
    donation_created,
    donation_deleted,
    donation_updated,
    is_public,
    public_gift,
    row,
)
from financial_live.contexts.donations.models import (
    CheckReport,
    Donation,
    DonationSource,
    DonationStatus,
    Statistics,
)
from financial_live.contexts.donations.service import (
    delete_donation,
    get_donation,
    give,
    latest,
    list_donations,
    statistics,
    update_donation,
)
from financial_live.contexts.listing import Page

__all__ = [
    "CheckReport",
    "Donation",
    "DonationRow",
    "DonationSource",
    "DonationStatus",
    "Page",
    "PublicGift",
    "Statistics",
    "check",
    "delete_donation",
    "donation_created",
    "donation_deleted",
    "donation_updated",
    "get_donation",
    "give",
    "is_public",
    "latest",
    "list_donations",
    "load_demo",
    "public_gift",
    "row",
    "statistics",
    "update_donation",
]
