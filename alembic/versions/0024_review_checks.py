"""The checks of the last migration hold for the rows that were there.

Revision ID: 0024_review_checks
Revises: 0023_review
"""

from alembic import op

revision = "0024_review_checks"
down_revision = "0023_review"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"

CHECKS = {
    "campaign": {
        "dual_approval_from_must_be_positive": "dual_approval_from > 0",
        "matched_total_must_not_be_negative": "matched_total >= 0",
        "total_must_not_be_negative": "total_raised + matched_total + transferred_total >= 0",
    },
    "donation": {
        "rate_must_be_positive": "rate > 0",
        "rate_must_be_whole": (
            "(rate IS NULL) = (rate_as_of IS NULL) AND (rate IS NULL) = (rate_source IS NULL)"
        ),
        "counted_amount_must_be_converted": (
            "counted_amount IS NULL OR counted_amount = round(amount * coalesce(rate, 1), 2)"
        ),
        "first_approval_must_wait": "first_approver IS NULL OR status = 'pending'",
    },
}


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for table, checks in CHECKS.items():
        for name in checks:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for table, checks in CHECKS.items():
        for name, text in checks.items():
            op.drop_constraint(name, table)
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({text}) NOT VALID")
