"""Mails to people who have no account yet.

Revision ID: 0016_mail_to_the_invited
Revises: 0015_campaign_invitation
"""

from alembic import op

revision = "0016_mail_to_the_invited"
down_revision = "0015_campaign_invitation"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.alter_column("mail", "user_id", nullable=True)


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute("DELETE FROM mail WHERE user_id IS NULL")
    op.alter_column("mail", "user_id", nullable=False)
