"""Donors see the gifts they gave with their address, wherever they gave them.

Revision ID: 0017_gifts_of_an_address
Revises: 0016_mail_to_the_invited
"""

import sqlalchemy as sa
from alembic import op

revision = "0017_gifts_of_an_address"
down_revision = "0016_mail_to_the_invited"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_index(
        "donation_donor_email_inserted_at_id_index",
        "donation",
        [
            sa.text("lower(donor_email::text)"),
            sa.text("inserted_at DESC"),
            sa.text("id DESC"),
        ],
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_index("donation_donor_email_inserted_at_id_index", "donation")
