"""Accounts of people, whose addresses are unique in small letters.

Revision ID: 0008_user_account
Revises: 0007_outbox
"""

import sqlalchemy as sa
from alembic import op

revision = "0008_user_account"
down_revision = "0007_outbox"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=True),
        sa.Column("role", sa.String(20), server_default="donor", nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="user_account_pkey"),
        sa.UniqueConstraint("email", name="user_account_email_key"),
        sa.CheckConstraint("email = lower(email)", name="email_must_be_lower_case"),
        sa.CheckConstraint("email <> ''", name="email_must_not_be_blank"),
        sa.CheckConstraint("name <> ''", name="name_must_not_be_blank"),
        sa.CheckConstraint("role IN ('donor', 'manager', 'admin')", name="valid_role"),
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("user_account")
