"""Donations: gifts, what becomes of them, and the proof that every one is counted once."""

from financial_live.contexts.donations.batch import Outcome
from financial_live.contexts.donations.checking import check
from financial_live.contexts.donations.demo import load_demo
from financial_live.contexts.donations.events import (
    NAMES,
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
from financial_live.contexts.donations.history import Done, history
from financial_live.contexts.donations.lists import (
    list_donations,
    list_managed,
    public_gifts,
    scroll,
)
from financial_live.contexts.donations.models import (
    CheckReport,
    Donation,
    DonationSource,
    DonationStatus,
    GiftInput,
    RefundInput,
    RejectInput,
    Statistics,
)
from financial_live.contexts.donations.own import (
    change_visibility,
    find_own,
    list_own,
    locked_gift,
)
from financial_live.contexts.donations.queue import (
    QueueOrder,
    Waiting,
    is_reviewer,
    review_queue,
    waiting,
)
from financial_live.contexts.donations.recording import MOST as MOST_IN_BATCH, record_batch
from financial_live.contexts.donations.review import (
    ACTS,
    MOST_AT_ONCE,
    UNDO_WITHIN,
    approve,
    hide,
    refund,
    reject,
    review_many,
    show,
    undo,
)
from financial_live.contexts.donations.service import (
    EDITABLE,
    delete_donation,
    get_donation,
    give,
    give_many,
    latest,
    statistics,
    update_donation,
)
from financial_live.contexts.donations.sight import Audience, audience
from financial_live.contexts.listing import Page, Stretch

__all__ = [
    "ACTS",
    "EDITABLE",
    "MOST_AT_ONCE",
    "MOST_IN_BATCH",
    "NAMES",
    "UNDO_WITHIN",
    "Audience",
    "CheckReport",
    "Donation",
    "DonationRow",
    "DonationSource",
    "DonationStatus",
    "Done",
    "Gift",
    "GiftInput",
    "Outcome",
    "Page",
    "PublicGift",
    "QueueOrder",
    "RefundInput",
    "RejectInput",
    "Statistics",
    "Stretch",
    "Waiting",
    "approve",
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
    "hide",
    "history",
    "is_public",
    "is_reviewer",
    "latest",
    "list_donations",
    "list_managed",
    "list_own",
    "load_demo",
    "locked_gift",
    "public_gift",
    "public_gifts",
    "record_batch",
    "refund",
    "reject",
    "review_many",
    "review_queue",
    "row",
    "scroll",
    "show",
    "statistics",
    "undo",
    "update_donation",
    "waiting",
]
