"""Ledger entries: money that moved from one account to another, in double entry.

Each campaign has five accounts. What is raised stands on the credit side of ``gifts``, ``matches``
and ``transfers``, whose balances are the campaign's total_raised, matched_total and
transferred_total; ``donors`` and ``sponsors`` are where it came from. An entry debits one account
and credits another by one amount, so an entry that does not balance cannot be written. An entry is
never changed or deleted: what it did is undone by another one, the other way round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns
from financial_live.contexts.inputs import Amount, Input, prose_of

NOTE_LENGTH = 500


class Account(StrEnum):
    """The accounts that each campaign has."""

    DONORS = "donors"
    GIFTS = "gifts"
    SPONSORS = "sponsors"
    MATCHES = "matches"
    TRANSFERS = "transfers"


class EntryKind(StrEnum):
    """Why money moved."""

    GIFT = "gift"
    GIFT_UNDONE = "gift_undone"
    REFUND = "refund"
    REFUND_UNDONE = "refund_undone"
    MATCH = "match"
    MATCH_RETURNED = "match_returned"
    TRANSFER = "transfer"


ACCOUNTS: Mapping[EntryKind, tuple[Account, Account]] = {
    EntryKind.GIFT: (Account.DONORS, Account.GIFTS),
    EntryKind.GIFT_UNDONE: (Account.GIFTS, Account.DONORS),
    EntryKind.REFUND: (Account.GIFTS, Account.DONORS),
    EntryKind.REFUND_UNDONE: (Account.DONORS, Account.GIFTS),
    EntryKind.MATCH: (Account.SPONSORS, Account.MATCHES),
    EntryKind.MATCH_RETURNED: (Account.MATCHES, Account.SPONSORS),
    EntryKind.TRANSFER: (Account.TRANSFERS, Account.TRANSFERS),
}
"""The account that each kind of entry debits, and the one that it credits."""

_SIDES = " OR ".join(
    f"kind = '{kind}' AND debit_account = '{debit}' AND credit_account = '{credit}'"
    for kind, (debit, credit) in ACCOUNTS.items()
)


def _campaign_column() -> sa.Column[Any]:
    return sa.Column(sa.Uuid, sa.ForeignKey("campaign.id", ondelete="RESTRICT"), nullable=False)


class LedgerEntry(SQLModel, table=True):
    """An entry as stored. The database refuses to change or delete one."""

    __tablename__ = "ledger_entry"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    kind: EntryKind = Field(sa_column=columns.choice_column(EntryKind, constraint="valid_kind"))
    debit_campaign_id: UUID = Field(sa_column=_campaign_column())
    debit_account: Account = Field(
        sa_column=columns.choice_column(Account, constraint="valid_debit_account")
    )
    credit_campaign_id: UUID = Field(sa_column=_campaign_column())
    credit_account: Account = Field(
        sa_column=columns.choice_column(Account, constraint="valid_credit_account")
    )
    amount: Decimal = Field(sa_column=columns.amount_column())
    currency: str = Field(sa_column=sa.Column(sa.String(3), nullable=False))
    donation_id: UUID | None = Field(
        default=None,
        # An entry is written beside its gift, in one transaction; the order does not matter.
        sa_column=sa.Column(
            sa.Uuid,
            sa.ForeignKey("donation.id", deferrable=True, initially="DEFERRED"),
            nullable=True,
        ),
    )
    challenge_id: UUID | None = Field(
        default=None,
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("match_challenge.id", ondelete="RESTRICT"), nullable=True
        ),
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_must_be_positive"),
        sa.CheckConstraint(_SIDES, name="accounts_must_match_kind"),
        sa.CheckConstraint(
            "(kind = 'transfer') = (debit_campaign_id <> credit_campaign_id)",
            name="only_transfers_cross_campaigns",
        ),
        sa.CheckConstraint(
            "(kind = 'transfer') = (donation_id IS NULL)", name="all_but_transfers_name_a_gift"
        ),
        sa.CheckConstraint(
            "(kind IN ('match', 'match_returned')) = (challenge_id IS NOT NULL)",
            name="only_matches_name_a_challenge",
        ),
        sa.Index("ledger_entry_donation_id_index", "donation_id"),
    )


@dataclass(frozen=True, slots=True)
class Posting:
    """An entry to be written. ``amount`` is greater than zero, in ``currency``."""

    kind: EntryKind
    debit_campaign_id: UUID
    credit_campaign_id: UUID
    amount: Decimal
    currency: str
    donation_id: UUID | None = None
    challenge_id: UUID | None = None


def posting(
    kind: EntryKind,
    campaign_id: UUID,
    amount: Decimal,
    currency: str,
    *,
    donation_id: UUID,
    challenge_id: UUID | None = None,
) -> Posting:
    """Return an entry between two accounts of one campaign, for a gift."""
    return Posting(kind, campaign_id, campaign_id, amount, currency, donation_id, challenge_id)


class TransferInput(Input):
    """What a transfer is asked for with, beside the two campaigns."""

    amount: Amount
    """How much, in the currency of both campaigns."""
    note: Annotated[str, prose_of(NOTE_LENGTH)] = ""
    """Why, for the audit trail."""
