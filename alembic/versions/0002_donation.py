"""Donations: gifts to a campaign, which cannot be deleted under them.

Revision ID: 0002_donation
Revises: 0001_campaign
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_donation"
down_revision = "0001_campaign"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "donation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("donor_name", sa.String(160), nullable=False),
        sa.Column("donor_email", sa.String(254), nullable=True),
        sa.Column("amount", sa.Numeric(15, 2), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("counted_amount", sa.Numeric(15, 2), nullable=True),
        sa.Column("refunded_amount", sa.Numeric(15, 2), server_default="0", nullable=False),
        sa.Column("is_test", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("one_per_donor", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(20), server_default="web", nullable=False),
        sa.Column("external_id", sa.String(255), nullable=True),
        sa.Column("show_name", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("show_amount", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("message", sa.String(500), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="donation_pkey"),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name="donation_campaign_id_fkey",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("amount > 0", name="amount_must_be_positive"),
        sa.CheckConstraint("currency IN ('IDR', 'USD', 'EUR')", name="valid_currency"),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'rejected', 'refunded')", name="valid_status"
        ),
        sa.CheckConstraint(
            "source IN ('web', 'api', 'offline', 'channel', 'queue', 'import')",
            name="valid_source",
        ),
        sa.CheckConstraint("donor_name <> ''", name="donor_name_must_not_be_blank"),
        sa.CheckConstraint(
            "donor_email IS NOT NULL OR source = 'offline'",
            name="donor_email_may_be_missing_offline_only",
        ),
        sa.CheckConstraint(
            "(counted_amount IS NOT NULL) = (status IN ('approved', 'refunded') AND NOT is_test)",
            name="counted_amount_must_match_status",
        ),
        sa.CheckConstraint("counted_amount > 0", name="counted_amount_must_be_positive"),
        sa.CheckConstraint(
            "refunded_amount >= 0 AND refunded_amount <= coalesce(counted_amount, 0)",
            name="refunded_amount_must_be_within_counted",
        ),
    )
    op.create_index("donation_campaign_id_index", "donation", ["campaign_id"])
    op.create_index("donation_status_index", "donation", ["status"])
    op.create_index("donation_inserted_at_index", "donation", ["inserted_at"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("donation")
