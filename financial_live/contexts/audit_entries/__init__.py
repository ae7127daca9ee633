"""Audit entries: who did what to which gift or campaign, when and from where; never changed."""

from financial_live.contexts.audit_entries.models import AuditEntry
from financial_live.contexts.audit_entries.service import (
    Entry,
    entries_of,
    last_of,
    record,
    record_all,
)

__all__ = ["AuditEntry", "Entry", "entries_of", "last_of", "record", "record_all"]
