"""Attempts to log in, by account and address, to slow those who guess.

Revision ID: 0011_login_attempt
Revises: 0010_user_token
"""

import sqlalchemy as sa
from alembic import op

revision = "0011_login_attempt"
down_revision = "0010_user_token"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "login_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("has_succeeded", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="login_attempt_pkey"),
    )
    op.create_index(
        "login_attempt_account_inserted_at_index", "login_attempt", ["account", "inserted_at"]
    )
    op.create_index(
        "login_attempt_address_inserted_at_index", "login_attempt", ["address", "inserted_at"]
    )
    op.create_index("login_attempt_inserted_at_index", "login_attempt", ["inserted_at"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("login_attempt")
