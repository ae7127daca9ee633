"""The teams of campaigns.

Revision ID: 0014_campaign_member
Revises: 0013_mail
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_campaign_member"
down_revision = "0013_mail"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "campaign_member",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("campaign_id", "user_id", name="campaign_member_pkey"),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name="campaign_member_campaign_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name="campaign_member_user_id_fkey",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("role IN ('viewer', 'reviewer', 'owner')", name="valid_role"),
    )
    op.create_index("campaign_member_user_id_index", "campaign_member", ["user_id"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("campaign_member")
