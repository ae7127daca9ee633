"""Events of one topic are found among many of others.

Revision ID: 0021_outbox_topics
Revises: 0020_api_token
"""

from alembic import op

revision = "0021_outbox_topics"
down_revision = "0020_api_token"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    # It holds a week's events at most: built at once, it keeps nobody waiting for long.
    op.create_index("outbox_topics_index", "outbox", ["topics"], postgresql_using="gin")


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_index("outbox_topics_index", "outbox")
