"""Mails that are to be sent, or were.

Revision ID: 0013_mail
Revises: 0012_outbox_cursor
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013_mail"
down_revision = "0012_outbox_cursor"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(200), nullable=True),
        sa.Column(
            "inserted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="mail_pkey"),
        sa.UniqueConstraint("position", name="mail_position_key"),
        sa.CheckConstraint(
            "sent_at IS NULL OR next_attempt_at IS NULL", name="sent_mail_waits_for_nothing"
        ),
    )
    op.create_index("mail_user_id_kind_index", "mail", ["user_id", "kind"])
    op.create_index(
        "mail_next_attempt_at_index",
        "mail",
        ["next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index("mail_inserted_at_index", "mail", ["inserted_at"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("mail")
