"""Exchange rates by day, which nobody changes or deletes: a later one replaces an earlier one.

Revision ID: 0022_exchange_rate
Revises: 0021_outbox_topics
"""

import sqlalchemy as sa
from alembic import op

revision = "0022_exchange_rate"
down_revision = "0021_outbox_topics"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.create_table(
        "exchange_rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("base_currency", sa.String(3), nullable=False),
        sa.Column("quote_currency", sa.String(3), nullable=False),
        sa.Column("rate", sa.Numeric(20, 10), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column(
            "inserted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="exchange_rate_pkey"),
        sa.CheckConstraint("base_currency IN ('IDR', 'USD', 'EUR')", name="valid_base_currency"),
        sa.CheckConstraint("quote_currency IN ('IDR', 'USD', 'EUR')", name="valid_quote_currency"),
        sa.CheckConstraint("base_currency <> quote_currency", name="currencies_must_differ"),
        sa.CheckConstraint("rate BETWEEN 0.00001 AND 99999", name="rate_must_be_in_range"),
        sa.CheckConstraint("source <> ''", name="source_must_not_be_blank"),
    )
    # The newest of a pair is the last one that it holds.
    op.create_index(
        "exchange_rate_newest_index",
        "exchange_rate",
        ["base_currency", "quote_currency", "as_of", "inserted_at", "id"],
    )
    op.create_index(
        "exchange_rate_as_of_inserted_at_id_index", "exchange_rate", ["as_of", "inserted_at", "id"]
    )
    op.execute(
        "CREATE FUNCTION refuse_to_change_exchange_rates() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'an exchange rate is never changed or deleted'"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER exchange_rate_is_final BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON exchange_rate"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_exchange_rates()"
    )


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_table("exchange_rate")
    op.execute("DROP FUNCTION refuse_to_change_exchange_rates()")
