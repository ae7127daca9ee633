"""Single-use tokens: links that are mailed, and tickets of a minute.

Revision ID: 0010_user_token
Revises: 0009_user_session
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010_user_token"
down_revision = "0009_user_session"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "user_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("data", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="user_token_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="user_token_user_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash", name="user_token_token_hash_key"),
        sa.CheckConstraint(
            "purpose IN ('verify', 'reset', 'invite', 'first_admin', 'handover')",
            name="valid_purpose",
        ),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
        sa.CheckConstraint(
            "(user_id IS NULL) = (purpose = 'first_admin')",
            name="only_the_first_admins_token_has_no_user",
        ),
    )
    op.create_index("user_token_user_id_purpose_index", "user_token", ["user_id", "purpose"])
    op.create_index("user_token_expires_at_index", "user_token", ["expires_at"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("user_token")
