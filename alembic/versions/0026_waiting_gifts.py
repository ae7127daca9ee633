"""Gifts that wait for review are found among many that do not, in the order they came in.

Revision ID: 0026_waiting_gifts
Revises: 0025_ledger
"""

import sqlalchemy as sa
from alembic import op

revision = "0026_waiting_gifts"
down_revision = "0025_ledger"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    # It holds few of all gifts: building it reads the table once, a second for a million of them.
    op.create_index(
        "donation_waiting_index",
        "donation",
        ["inserted_at", "id", "campaign_id"],
        postgresql_where=sa.text("status::text = 'pending'::text AND NOT is_test"),
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_index("donation_waiting_index", "donation")
