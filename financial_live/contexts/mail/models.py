"""A mail as stored: whom it is for and how its sending goes, but no address and no text."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns

KIND_LENGTH = 40
ERROR_LENGTH = 200
HASH_LENGTH = 64


def recipient_of(email: str) -> str:
    """Return the name under which mails to an address are counted: a hash, not the address."""
    return hashlib.sha256(email.encode()).hexdigest()


class Mail(SQLModel, table=True):
    """A mail to the owner of an account, or to somebody invited, whom the event knows.

    It was asked for by the event at ``position``.

    One with neither ``next_attempt_at`` nor ``sent_at`` was given up. ``data`` is the event's.
    ``recipient`` is the hash of the address that it was sent to (``recipient_of``).
    """

    __tablename__ = "mail"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    position: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    user_id: UUID | None = Field(default=None, sa_column=sa.Column(sa.Uuid, nullable=True))
    kind: str = Field(sa_column=sa.Column(sa.String(KIND_LENGTH), nullable=False))
    data: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    attempts: int = Field(
        default=0, sa_column=sa.Column(sa.Integer, nullable=False, server_default="0")
    )
    next_attempt_at: datetime | None = Field(
        default_factory=columns.now, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    sent_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    recipient: str | None = Field(
        default=None, sa_column=sa.Column(sa.String(HASH_LENGTH), nullable=True)
    )
    last_error: str | None = Field(
        default=None, sa_column=sa.Column(sa.String(ERROR_LENGTH), nullable=True)
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    @property
    def file_name(self) -> str:
        """The name of this attempt to send it, and of its file where mails are files."""
        return f"{self.id}-{self.attempts}"

    __table_args__ = (
        sa.UniqueConstraint("position", name="mail_position_key"),
        sa.CheckConstraint(
            "sent_at IS NULL OR next_attempt_at IS NULL", name="sent_mail_waits_for_nothing"
        ),
        sa.Index("mail_user_id_kind_index", "user_id", "kind"),
        sa.Index(
            "mail_next_attempt_at_index",
            "next_attempt_at",
            postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        ),
        sa.Index("mail_inserted_at_index", "inserted_at"),
        sa.Index("mail_recipient_sent_at_index", "recipient", "sent_at"),
    )
