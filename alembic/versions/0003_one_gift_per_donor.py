"""One gift per donor, where the campaign says so: its gifts copy that as one_per_donor.

Revision ID: 0003_one_gift_per_donor
Revises: 0002_donation
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_one_gift_per_donor"
down_revision = "0002_donation"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_index(
        "donation_donor_email_campaign_id_index",
        "donation",
        [sa.text("lower(donor_email::text)"), "campaign_id"],
        unique=True,
        postgresql_where=sa.text(
            "one_per_donor AND NOT is_test AND status::text <> 'rejected'::text"
        ),
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_index("donation_donor_email_campaign_id_index", "donation")
