"""Idempotency keys: a repeated request is answered, not done again.

Revision ID: 0006_idempotency_key
Revises: 0005_latest_gifts
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_idempotency_key"
down_revision = "0005_latest_gifts"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("response", JSONB(), nullable=False),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="idempotency_key_pkey"),
        sa.UniqueConstraint("caller", "key", name="idempotency_key_caller_key_key"),
        sa.CheckConstraint("key <> ''", name="key_must_not_be_blank"),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
    )
    op.create_index("idempotency_key_expires_at_index", "idempotency_key", ["expires_at"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("idempotency_key")
