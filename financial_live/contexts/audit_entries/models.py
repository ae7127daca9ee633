"""An audit entry: one act of somebody's, written in the transaction that did it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns

CALLER_LENGTH = 255
ADDRESS_LENGTH = 64
ACT_LENGTH = 40


class AuditEntry(SQLModel, table=True):
    """An act as stored. The database refuses to change or delete one.

    ``caller`` says who as a Scope does, ``user_id`` which account that was, ``address`` from where
    (empty for commands on the machine). ``details`` hold what the act was about, in JSON. What it
    was about may be gone since, so nothing is referred to by a key of the database.
    """

    __tablename__ = "audit_entry"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    act: str = Field(sa_column=sa.Column(sa.String(ACT_LENGTH), nullable=False))
    caller: str = Field(sa_column=sa.Column(sa.String(CALLER_LENGTH), nullable=False))
    user_id: UUID | None = Field(default=None, sa_column=sa.Column(sa.Uuid, nullable=True))
    address: str = Field(default="", sa_column=sa.Column(sa.String(ADDRESS_LENGTH), nullable=False))
    campaign_id: UUID = Field(sa_column=sa.Column(sa.Uuid, nullable=False))
    donation_id: UUID | None = Field(default=None, sa_column=sa.Column(sa.Uuid, nullable=True))
    details: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.Index("audit_entry_donation_id_id_index", "donation_id", "id"),
        sa.Index("audit_entry_campaign_id_id_index", "campaign_id", "id"),
    )
