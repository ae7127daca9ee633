"""Receipts: numbered papers about counted gifts, which stay as they were issued."""

from financial_live.contexts.receipts.models import Receipt, ReceiptCounter
from financial_live.contexts.receipts.service import get_receipt, issue_receipt

__all__ = ["Receipt", "ReceiptCounter", "get_receipt", "issue_receipt"]
