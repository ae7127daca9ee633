"""The outbox: events written with the rows they are about, and their places.

Revision ID: 0007_outbox
Revises: 0006_idempotency_key
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0007_outbox"
down_revision = "0006_idempotency_key"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("topics", ARRAY(sa.Text()), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="outbox_pkey"),
        sa.UniqueConstraint("position", name="outbox_position_key"),
        sa.CheckConstraint("cardinality(topics) > 0", name="outbox_has_topics"),
    )
    op.create_index(
        "outbox_unplaced_index", "outbox", ["id"], postgresql_where=sa.text("position IS NULL")
    )
    op.create_index("outbox_inserted_at_index", "outbox", ["inserted_at"])
    op.create_table(
        "topic_sequence",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name="topic_sequence_pkey"),
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("topic_sequence")
    op.drop_table("outbox")
