"""An idempotency key: the answer to a request, kept for those who ask it again."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns

KEY_LENGTH = 255


class IdempotencyKey(SQLModel, table=True):
    """A key as stored. The row of a request still being answered is seen by nobody but itself."""

    __tablename__ = "idempotency_key"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    caller: str = Field(sa_column=sa.Column(sa.String(KEY_LENGTH), nullable=False))
    key: str = Field(sa_column=sa.Column(sa.String(KEY_LENGTH), nullable=False))
    body_hash: str = Field(sa_column=sa.Column(sa.String(64), nullable=False))
    response: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    expires_at: datetime = Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=False))

    __table_args__ = (
        sa.UniqueConstraint("caller", "key", name="idempotency_key_caller_key_key"),
        sa.CheckConstraint("key <> ''", name="key_must_not_be_blank"),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
        sa.Index("idempotency_key_expires_at_index", "expires_at"),
    )
