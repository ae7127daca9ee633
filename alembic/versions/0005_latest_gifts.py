"""A campaign's latest gifts are read for every page that shows them.

Revision ID: 0005_latest_gifts
Revises: 0004_external_gifts
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_latest_gifts"
down_revision = "0004_external_gifts"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_index(
        "donation_campaign_id_inserted_at_id_index",
        "donation",
        ["campaign_id", sa.text("inserted_at DESC"), sa.text("id DESC")],
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_index("donation_campaign_id_inserted_at_id_index", "donation")
