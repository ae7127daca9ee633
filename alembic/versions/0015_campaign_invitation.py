"""Invitations into the teams of campaigns.

Revision ID: 0015_campaign_invitation
Revises: 0014_campaign_member
"""

import sqlalchemy as sa
from alembic import op

revision = "0015_campaign_invitation"
down_revision = "0014_campaign_member"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "campaign_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.String(64), nullable=True),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="campaign_invitation_pkey"),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name="campaign_invitation_campaign_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"],
            ["user_account.id"],
            name="campaign_invitation_invited_by_fkey",
            ondelete="SET NULL",
        ),
        sa.UniqueConstraint("token_hash", name="campaign_invitation_token_hash_key"),
        sa.CheckConstraint("role IN ('viewer', 'reviewer', 'owner')", name="valid_role"),
        sa.CheckConstraint("email = lower(email)", name="email_must_be_lower_case"),
        sa.CheckConstraint("email <> ''", name="email_must_not_be_blank"),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
    )
    op.create_index(
        "campaign_invitation_campaign_id_email_index",
        "campaign_invitation",
        ["campaign_id", "email"],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL"),
    )
    op.create_index("campaign_invitation_invited_by_index", "campaign_invitation", ["invited_by"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("campaign_invitation")
