"""The ledger: the balanced entries behind every total, and transfers between campaigns."""

from financial_live.contexts.ledger.events import TransferRow, transfer_row
from financial_live.contexts.ledger.models import Account, EntryKind, LedgerEntry, Posting, posting
from financial_live.contexts.ledger.service import has_entries, post, transfer

__all__ = [
    "Account",
    "EntryKind",
    "LedgerEntry",
    "Posting",
    "TransferRow",
    "has_entries",
    "post",
    "posting",
    "transfer",
    "transfer_row",
]
