"""Campaigns: what is raised for, and how much of it is there.

Revision ID: 0001_campaign
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001_campaign"
down_revision = None
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("goal_amount", sa.Numeric(15, 2), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(20), server_default="active", nullable=False),
        sa.Column("review_policy", sa.String(20), server_default="manual", nullable=False),
        sa.Column("one_gift_per_donor", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("max_gift", sa.Numeric(15, 2), nullable=True),
        sa.Column("total_raised", sa.Numeric(20, 2), server_default="0", nullable=False),
        sa.Column("gift_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="campaign_pkey"),
        sa.UniqueConstraint("slug", name="campaign_slug_key"),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="valid_slug"),
        sa.CheckConstraint("slug <> 'new'", name="slug_must_not_be_reserved"),
        sa.CheckConstraint("name <> ''", name="name_must_not_be_blank"),
        sa.CheckConstraint("goal_amount > 0", name="goal_amount_must_be_positive"),
        sa.CheckConstraint("max_gift > 0", name="max_gift_must_be_positive"),
        sa.CheckConstraint("currency IN ('IDR', 'USD', 'EUR')", name="valid_currency"),
        sa.CheckConstraint("status IN ('active', 'paused', 'closed')", name="valid_status"),
        sa.CheckConstraint("review_policy IN ('manual', 'automatic')", name="valid_review_policy"),
        sa.CheckConstraint("total_raised >= 0", name="total_raised_must_not_be_negative"),
        sa.CheckConstraint("gift_count >= 0", name="gift_count_must_not_be_negative"),
        sa.CheckConstraint(
            "revision >= 1 AND version >= revision", name="version_must_cover_revisions"
        ),
    )
    op.create_index("campaign_inserted_at_id_index", "campaign", ["inserted_at", "id"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("campaign")
