"""Cursors: how far each reader of the outbox has read.

Revision ID: 0012_outbox_cursor
Revises: 0011_login_attempt
"""

import sqlalchemy as sa
from alembic import op

revision = "0012_outbox_cursor"
down_revision = "0011_login_attempt"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "outbox_cursor",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="outbox_cursor_pkey"),
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("outbox_cursor")
