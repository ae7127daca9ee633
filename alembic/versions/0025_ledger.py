"""The ledger, match challenges and milestones, the audit trail, and notifications.

What was counted before there was a ledger gets its entries here.

Revision ID: 0025_ledger
Revises: 0024_review_checks
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025_ledger"
down_revision = "0024_review_checks"
branch_labels = None
depends_on = None

# Whoever waits for a lock makes everybody else wait behind it; better to fail and try again.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"

SIDES = {
    "gift": ("donors", "gifts"),
    "gift_undone": ("gifts", "donors"),
    "refund": ("gifts", "donors"),
    "refund_undone": ("donors", "gifts"),
    "match": ("sponsors", "matches"),
    "match_returned": ("matches", "sponsors"),
    "transfer": ("transfers", "transfers"),
}
ACCOUNTS = ("donors", "gifts", "sponsors", "matches", "transfers")
NOTICES = ("donation_approved", "donation_rejected", "donation_refunded", "donation_undone")


def moment(name: str = "inserted_at", *, nullable: bool = False) -> sa.Column[Any]:
    default = sa.func.now() if name == "inserted_at" else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def choice(name: str, values: tuple[str, ...], constraint: str) -> sa.Column[Any]:
    kind = sa.Enum(*values, name=constraint, native_enum=False, create_constraint=True, length=20)
    return sa.Column(name, kind, nullable=False)


def final(table: str, words: str) -> None:
    op.execute(
        f"CREATE FUNCTION refuse_to_change_{table}() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN RAISE EXCEPTION '{words} is never changed or deleted'"
        f" USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_{table}()"
    )


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    make_challenges()
    make_milestones()
    make_ledger()
    make_audit_trail()
    make_notifications()
    for kind, amount in (("gift", "counted_amount"), ("refund", "refunded_amount")):
        debit, credit = SIDES[kind]
        op.execute(
            "INSERT INTO ledger_entry (id, kind, debit_campaign_id, debit_account,"
            " credit_campaign_id, credit_account, amount, currency, donation_id, inserted_at)"
            f" SELECT gen_random_uuid(), '{kind}', d.campaign_id, '{debit}', d.campaign_id,"
            f" '{credit}', d.{amount}, c.currency, d.id, d.updated_at"
            f" FROM donation d JOIN campaign c ON c.id = d.campaign_id WHERE d.{amount} > 0"
        )


def make_challenges() -> None:
    op.create_table(
        "match_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("sponsor_name", sa.String(160), nullable=False),
        sa.Column("ratio", sa.Numeric(4, 2), nullable=False),
        sa.Column("cap", sa.Numeric(15, 2), nullable=False),
        sa.Column("matched_amount", sa.Numeric(15, 2), server_default="0", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        moment("ends_at", nullable=True),
        moment("cancelled_at", nullable=True),
        moment(),
        sa.PrimaryKeyConstraint("id", name="match_challenge_pkey"),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name="match_challenge_campaign_id_fkey",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("sponsor_name <> ''", name="sponsor_name_must_not_be_blank"),
        sa.CheckConstraint("ratio > 0 AND ratio <= 10", name="ratio_must_be_within_bounds"),
        sa.CheckConstraint("cap > 0", name="cap_must_be_positive"),
        sa.CheckConstraint(
            "matched_amount >= 0 AND matched_amount <= cap",
            name="matched_amount_must_be_within_cap",
        ),
        sa.CheckConstraint("ends_at > starts_at", name="end_must_follow_start"),
    )
    op.create_index(
        "match_challenge_campaign_id_id_index", "match_challenge", ["campaign_id", "id"]
    )
    op.create_table(
        "gift_match",
        sa.Column("donation_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("granted", sa.Numeric(15, 2), nullable=False),
        sa.Column("amount", sa.Numeric(15, 2), nullable=False),
        sa.PrimaryKeyConstraint("donation_id", "challenge_id", name="gift_match_pkey"),
        sa.ForeignKeyConstraint(
            ["donation_id"],
            ["donation.id"],
            name="gift_match_donation_id_fkey",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["match_challenge.id"],
            name="gift_match_challenge_id_fkey",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("amount >= 0 AND amount <= granted", name="amount_must_be_granted"),
    )
    op.create_index("gift_match_challenge_id_index", "gift_match", ["challenge_id"])


def make_milestones() -> None:
    op.create_table(
        "milestone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(15, 2), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        moment("reached_at", nullable=True),
        moment(),
        sa.PrimaryKeyConstraint("id", name="milestone_pkey"),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name="milestone_campaign_id_fkey",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("campaign_id", "amount", name="milestone_campaign_id_amount_key"),
        sa.CheckConstraint("amount > 0", name="amount_must_be_positive"),
        sa.CheckConstraint("label <> ''", name="label_must_not_be_blank"),
    )


def make_ledger() -> None:
    sides = " OR ".join(
        f"kind = '{kind}' AND debit_account = '{debit}' AND credit_account = '{credit}'"
        for kind, (debit, credit) in SIDES.items()
    )
    campaign_keys = [
        sa.ForeignKeyConstraint(
            [f"{side}_campaign_id"],
            ["campaign.id"],
            name=f"ledger_entry_{side}_campaign_id_fkey",
            ondelete="RESTRICT",
        )
        for side in ("debit", "credit")
    ]
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        choice("kind", tuple(SIDES), "valid_kind"),
        sa.Column("debit_campaign_id", sa.Uuid(), nullable=False),
        choice("debit_account", ACCOUNTS, "valid_debit_account"),
        sa.Column("credit_campaign_id", sa.Uuid(), nullable=False),
        choice("credit_account", ACCOUNTS, "valid_credit_account"),
        sa.Column("amount", sa.Numeric(15, 2), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("donation_id", sa.Uuid(), nullable=True),
        sa.Column("challenge_id", sa.Uuid(), nullable=True),
        moment(),
        sa.PrimaryKeyConstraint("id", name="ledger_entry_pkey"),
        *campaign_keys,
        sa.ForeignKeyConstraint(
            ["donation_id"],
            ["donation.id"],
            name="ledger_entry_donation_id_fkey",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["match_challenge.id"],
            name="ledger_entry_challenge_id_fkey",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("amount > 0", name="amount_must_be_positive"),
        sa.CheckConstraint(sides, name="accounts_must_match_kind"),
        sa.CheckConstraint(
            "(kind = 'transfer') = (debit_campaign_id <> credit_campaign_id)",
            name="only_transfers_cross_campaigns",
        ),
        sa.CheckConstraint(
            "(kind = 'transfer') = (donation_id IS NULL)", name="all_but_transfers_name_a_gift"
        ),
        sa.CheckConstraint(
            "(kind IN ('match', 'match_returned')) = (challenge_id IS NOT NULL)",
            name="only_matches_name_a_challenge",
        ),
    )
    op.create_index("ledger_entry_donation_id_index", "ledger_entry", ["donation_id"])
    final("ledger_entry", "an entry of the ledger")


def make_audit_trail() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("donation_id", sa.Uuid(), nullable=True),
        sa.Column("details", JSONB(), nullable=False),
        moment(),
        sa.PrimaryKeyConstraint("id", name="audit_entry_pkey"),
    )
    op.create_index("audit_entry_donation_id_id_index", "audit_entry", ["donation_id", "id"])
    op.create_index("audit_entry_campaign_id_id_index", "audit_entry", ["campaign_id", "id"])
    final("audit_entry", "an entry of the audit trail")


def make_notifications() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        choice("kind", NOTICES, "valid_kind"),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("donation_id", sa.Uuid(), nullable=False),
        moment("read_at", nullable=True),
        moment(),
        sa.PrimaryKeyConstraint("id", name="notification_pkey"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name="notification_user_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["donation_id"],
            ["donation.id"],
            name="notification_donation_id_fkey",
            ondelete="CASCADE",
        ),
    )
    op.create_index("notification_user_id_id_index", "notification", ["user_id", "id"])
    op.create_index("notification_donation_id_index", "notification", ["donation_id"])


def downgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for table in ("notification", "audit_entry", "ledger_entry", "milestone", "gift_match"):
        op.drop_table(table)
    op.drop_table("match_challenge")
    for table in ("ledger_entry", "audit_entry"):
        op.execute(f"DROP FUNCTION refuse_to_change_{table}()")
