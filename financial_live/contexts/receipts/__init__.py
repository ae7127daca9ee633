"""Receipts: numbered papers about counted gifts, which stay as they were issued."""

from financial_live.contexts.receipts.models import Receipt, ReceiptCounter
from financial_live.contexts.receipts.service import Paper, correct, get_receipt, issue_receipt

__all__ = ["Paper", "Receipt", "ReceiptCounter", "correct", "get_receipt", "issue_receipt"]
