"""What the mails to an address, and the invitations somebody makes, are counted by.

Revision ID: 0018_mail_is_bounded
Revises: 0017_gifts_of_an_address
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_mail_is_bounded"
down_revision = "0017_gifts_of_an_address"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.add_column("mail", sa.Column("recipient", sa.String(64), nullable=True))
    # Mails are forgotten after a week, so the table is small.
    op.create_index("mail_recipient_sent_at_index", "mail", ["recipient", "sent_at"])
    op.create_table(
        "campaign_inviter",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invitations", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name="campaign_inviter_user_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name="campaign_inviter_pkey"),
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("campaign_inviter")
    op.drop_index("mail_recipient_sent_at_index", "mail")
    op.drop_column("mail", "recipient")
