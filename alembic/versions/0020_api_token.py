"""API tokens: how programs come in, as the user who made them.

Revision ID: 0020_api_token
Revises: 0019_receipt
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0020_api_token"
down_revision = "0019_receipt"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("hint", sa.String(4), nullable=False),
        sa.Column("scopes", ARRAY(sa.String(20)), nullable=False),
        sa.Column("is_login", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_address", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="api_token_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="api_token_user_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash", name="api_token_token_hash_key"),
        sa.CheckConstraint("name <> ''", name="name_must_not_be_blank"),
        sa.CheckConstraint(
            "scopes <@ ARRAY['read', 'give', 'manage']::varchar[] AND cardinality(scopes) > 0",
            name="valid_scopes",
        ),
        sa.CheckConstraint("expires_at > inserted_at", name="expiry_must_follow_insertion"),
    )
    op.create_index("api_token_user_id_index", "api_token", ["user_id"])
    op.create_index("api_token_expires_at_index", "api_token", ["expires_at"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("api_token")
