"""A receipt: what is certified of one gift, in the words of the day it was issued."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns

ORIGINAL = 0


class Receipt(SQLModel, table=True):
    """A receipt as issued. The database refuses to change or delete one.

    ``correction`` is 0 for the receipt of a gift itself. One that replaces it, after a refund or an
    act that was undone, is another row with the next number there, and a number of its own; its
    ``amount`` is zero where nothing of the gift is kept.
    """

    __tablename__ = "receipt"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    year: int = Field(sa_column=sa.Column(sa.Integer, nullable=False))
    serial: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    donation_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("donation.id", ondelete="RESTRICT"), nullable=False
        )
    )
    correction: int = Field(
        default=ORIGINAL, sa_column=sa.Column(sa.SmallInteger, nullable=False, server_default="0")
    )
    donor_name: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    amount: Decimal = Field(sa_column=columns.amount_column())
    currency: str = Field(sa_column=sa.Column(sa.String(3), nullable=False))
    campaign_name: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    given_at: datetime = Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=False))
    issued_at: datetime = Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=False))

    __table_args__ = (
        sa.UniqueConstraint("year", "serial", name="receipt_year_serial_key"),
        sa.UniqueConstraint("donation_id", "correction", name="receipt_donation_id_correction_key"),
        sa.CheckConstraint("serial > 0", name="serial_must_be_positive"),
        sa.CheckConstraint("correction >= 0", name="correction_must_not_be_negative"),
    )

    @property
    def number(self) -> str:
        """What stands on the paper: the year (UTC) and the serial in it, ``2026-000042``."""
        return f"{self.year}-{self.serial:06d}"


class ReceiptCounter(SQLModel, table=True):
    """The last serial that was given in a year."""

    __tablename__ = "receipt_counter"

    year: int = Field(sa_column=sa.Column(sa.Integer, primary_key=True, autoincrement=False))
    last_serial: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
