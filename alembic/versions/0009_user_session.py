"""Sessions: where somebody is logged in, and until when.

Revision ID: 0009_user_session
Revises: 0008_user_account
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_user_session"
down_revision = "0008_user_account"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "user_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="user_session_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="user_session_user_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash", name="user_session_token_hash_key"),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
    )
    op.create_index("user_session_user_id_index", "user_session", ["user_id"])
    op.create_index("user_session_expires_at_index", "user_session", ["expires_at"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("user_session")
