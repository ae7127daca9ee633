"""Receipts of counted gifts, numbered without gaps, which nobody changes or deletes.

Revision ID: 0019_receipt
Revises: 0018_mail_is_bounded
"""

import sqlalchemy as sa
from alembic import op

revision = "0019_receipt"
down_revision = "0018_mail_is_bounded"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "receipt_counter",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="receipt_counter_pkey"),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("donation_id", sa.Uuid(), nullable=False),
        sa.Column("correction", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("donor_name", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(15, 2), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("campaign_name", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="receipt_pkey"),
        sa.ForeignKeyConstraint(
            ["donation_id"],
            ["donation.id"],
            name="receipt_donation_id_fkey",
            ondelete="RESTRICT",
        ),
        sa.UniqueConstraint("year", "serial", name="receipt_year_serial_key"),
        sa.UniqueConstraint("donation_id", "correction", name="receipt_donation_id_correction_key"),
        sa.CheckConstraint("serial > 0", name="serial_must_be_positive"),
        sa.CheckConstraint("correction >= 0", name="correction_must_not_be_negative"),
    )
    op.execute(
        "CREATE FUNCTION refuse_to_change_receipts() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'a receipt is never changed or deleted'"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER receipt_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_receipts()"
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("receipt")
    op.drop_table("receipt_counter")
    op.execute("DROP FUNCTION refuse_to_change_receipts()")
