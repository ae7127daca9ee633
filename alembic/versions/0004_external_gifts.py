"""A gift that another system names is taken from it once.

Revision ID: 0004_external_gifts
Revises: 0003_one_gift_per_donor
"""

import sqlalchemy as sa
from alembic import op

revision = "0004_external_gifts"
down_revision = "0003_one_gift_per_donor"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_index(
        "donation_source_external_id_index",
        "donation",
        ["source", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_index("donation_source_external_id_index", "donation")
