"""A notification: something that an account is told, until it was read."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns


class NotificationKind(StrEnum):
    """What a notification tells."""

    DONATION_APPROVED = "donation_approved"
    DONATION_REJECTED = "donation_rejected"
    DONATION_REFUNDED = "donation_refunded"
    DONATION_UNDONE = "donation_undone"


class Notification(SQLModel, table=True):
    """A notification as stored. It goes with its account, and with what it is about."""

    __tablename__ = "notification"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    user_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False
        )
    )
    kind: NotificationKind = Field(
        sa_column=columns.choice_column(NotificationKind, constraint="valid_kind")
    )
    message: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    donation_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("donation.id", ondelete="CASCADE"), nullable=False
        )
    )
    read_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.Index("notification_user_id_id_index", "user_id", "id"),
        sa.Index("notification_donation_id_index", "donation_id"),
    )
