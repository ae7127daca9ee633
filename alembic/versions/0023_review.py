"""What review, matches, transfers and other currencies need of campaigns and gifts.

Revision ID: 0023_review
Revises: 0022_exchange_rate
"""

import sqlalchemy as sa
from alembic import op

revision = "0023_review"
down_revision = "0022_exchange_rate"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"

CAMPAIGN_CHECKS = {
    "dual_approval_from_must_be_positive": "dual_approval_from > 0",
    "matched_total_must_not_be_negative": "matched_total >= 0",
    "total_must_not_be_negative": "total_raised + matched_total + transferred_total >= 0",
}
DONATION_CHECKS = {
    "rate_must_be_positive": "rate > 0",
    "rate_must_be_whole": (
        "(rate IS NULL) = (rate_as_of IS NULL) AND (rate IS NULL) = (rate_source IS NULL)"
    ),
    "counted_amount_must_be_converted": (
        "counted_amount IS NULL OR counted_amount = round(amount * coalesce(rate, 1), 2)"
    ),
    "first_approval_must_wait": "first_approver IS NULL OR status = 'pending'",
}


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.add_column("campaign", sa.Column("dual_approval_from", sa.Numeric(15, 2), nullable=True))
    for name in ("matched_total", "transferred_total"):
        column = sa.Column(name, sa.Numeric(20, 2), server_default="0", nullable=False)
        op.add_column("campaign", column)
    op.add_column("donation", sa.Column("rate", sa.Numeric(24, 14), nullable=True))
    op.add_column("donation", sa.Column("rate_as_of", sa.Date(), nullable=True))
    op.add_column("donation", sa.Column("rate_source", sa.Text(), nullable=True))
    op.add_column("donation", sa.Column("first_approver", sa.String(255), nullable=True))
    op.add_column(
        "donation",
        sa.Column("is_hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    # Rows that are there are looked at by the next migration, without holding up who writes.
    for table, checks in (("campaign", CAMPAIGN_CHECKS), ("donation", DONATION_CHECKS)):
        for name, text in checks.items():
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({text}) NOT VALID")


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for table, checks in (("donation", DONATION_CHECKS), ("campaign", CAMPAIGN_CHECKS)):
        for name in checks:
            op.drop_constraint(name, table)
    for name in ("is_hidden", "first_approver", "rate_source", "rate_as_of", "rate"):
        op.drop_column("donation", name)
    for name in ("transferred_total", "matched_total", "dual_approval_from"):
        op.drop_column("campaign", name)
