"""A donation: one gift by one donor to one campaign, whatever became of it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field as InputField,
    ValidationInfo,
    WithJsonSchema,
)
from sqlmodel import Field, Relationship, SQLModel

from financial_live.contexts import columns
from financial_live.contexts.campaigns import Campaign, CampaignStatus
from financial_live.contexts.constraints import Constraints
from financial_live.contexts.inputs import (
    BLANK,
    INVALID,
    MAX_EMAIL_LENGTH,
    MISSING,
    NOT_POSITIVE,
    TAKEN,
    Amount,
    CurrencyCode,
    Email,
    Input,
    Switch,
    Wrong,
    line_of,
    prose_of,
)
from financial_live.money import format_amount

NAME_LENGTH = 160
MESSAGE_LENGTH = 500
EXTERNAL_ID_LENGTH = 255
CALLER_LENGTH = 255
_CENT = Decimal("0.01")


class DonationStatus(StrEnum):
    """What became of a gift. Approved and refunded ones are counted."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    REFUNDED = "refunded"


class DonationSource(StrEnum):
    """The door a gift came through."""

    WEB = "web"
    API = "api"
    OFFLINE = "offline"
    CHANNEL = "channel"
    QUEUE = "queue"
    IMPORT = "import"


COUNTED = (DonationStatus.APPROVED, DonationStatus.REFUNDED)


class Donation(SQLModel, table=True):
    """A gift as stored. ``version`` is the campaign's at the gift's last change."""

    __tablename__ = "donation"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    campaign_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("campaign.id", ondelete="RESTRICT"), nullable=False
        )
    )
    donor_name: str = Field(sa_column=sa.Column(sa.String(NAME_LENGTH), nullable=False))
    donor_email: str | None = Field(
        default=None, sa_column=sa.Column(sa.String(MAX_EMAIL_LENGTH), nullable=True)
    )
    amount: Decimal = Field(sa_column=columns.amount_column())
    currency: str = Field(sa_column=sa.Column(sa.String(3), nullable=False))
    counted_amount: Decimal | None = Field(
        default=None, sa_column=columns.amount_column(nullable=True)
    )
    refunded_amount: Decimal = Field(
        default=Decimal("0.00"), sa_column=columns.amount_column(default="0")
    )
    is_test: bool = Field(
        default=False, sa_column=sa.Column(sa.Boolean, nullable=False, server_default=sa.false())
    )
    status: DonationStatus = Field(
        default=DonationStatus.PENDING,
        sa_column=columns.choice_column(
            DonationStatus, constraint="valid_status", default=DonationStatus.PENDING
        ),
    )
    rate: Decimal | None = Field(
        default=None, sa_column=sa.Column(sa.Numeric(24, 14), nullable=True)
    )
    rate_as_of: date | None = Field(default=None, sa_column=sa.Column(sa.Date, nullable=True))
    rate_source: str | None = Field(default=None, sa_column=sa.Column(sa.Text, nullable=True))
    first_approver: str | None = Field(
        default=None, sa_column=sa.Column(sa.String(CALLER_LENGTH), nullable=True)
    )
    is_hidden: bool = Field(
        default=False, sa_column=sa.Column(sa.Boolean, nullable=False, server_default=sa.false())
    )
    one_per_donor: bool = Field(
        default=True, sa_column=sa.Column(sa.Boolean, nullable=False, server_default=sa.true())
    )
    user_id: UUID | None = Field(default=None, sa_column=sa.Column(sa.Uuid, nullable=True))
    source: DonationSource = Field(
        default=DonationSource.WEB,
        sa_column=columns.choice_column(
            DonationSource, constraint="valid_source", default=DonationSource.WEB
        ),
    )
    external_id: str | None = Field(
        default=None, sa_column=sa.Column(sa.String(EXTERNAL_ID_LENGTH), nullable=True)
    )
    show_name: bool = Field(
        default=True, sa_column=sa.Column(sa.Boolean, nullable=False, server_default=sa.true())
    )
    show_amount: bool = Field(
        default=True, sa_column=sa.Column(sa.Boolean, nullable=False, server_default=sa.true())
    )
    message: str = Field(
        default="",
        sa_column=sa.Column(sa.String(MESSAGE_LENGTH), nullable=False, server_default=""),
    )
    version: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    updated_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    # Loaded along by every list; reading it where it was not is a defect, not a hidden query.
    campaign: Campaign = Relationship(sa_relationship_kwargs={"lazy": "raise"})

    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_must_be_positive"),
        sa.CheckConstraint("currency IN ('IDR', 'USD', 'EUR')", name="valid_currency"),
        sa.CheckConstraint("donor_name <> ''", name="donor_name_must_not_be_blank"),
        sa.CheckConstraint(
            "donor_email IS NOT NULL OR source = 'offline'",
            name="donor_email_may_be_missing_offline_only",
        ),
        sa.CheckConstraint(
            "(counted_amount IS NOT NULL) = (status IN ('approved', 'refunded') AND NOT is_test)",
            name="counted_amount_must_match_status",
        ),
        sa.CheckConstraint("counted_amount > 0", name="counted_amount_must_be_positive"),
        sa.CheckConstraint(
            "refunded_amount >= 0 AND refunded_amount <= coalesce(counted_amount, 0)",
            name="refunded_amount_must_be_within_counted",
        ),
        sa.CheckConstraint("rate > 0", name="rate_must_be_positive"),
        sa.CheckConstraint(
            "(rate IS NULL) = (rate_as_of IS NULL) AND (rate IS NULL) = (rate_source IS NULL)",
            name="rate_must_be_whole",
        ),
        sa.CheckConstraint(
            "counted_amount IS NULL OR counted_amount = round(amount * coalesce(rate, 1), 2)",
            name="counted_amount_must_be_converted",
        ),
        sa.CheckConstraint(
            "first_approver IS NULL OR status = 'pending'", name="first_approval_must_wait"
        ),
        sa.Index("donation_campaign_id_index", "campaign_id"),
        sa.Index("donation_status_index", "status"),
        sa.Index("donation_inserted_at_index", "inserted_at"),
        sa.Index(
            "donation_waiting_index",
            "inserted_at",
            "id",
            "campaign_id",
            postgresql_where=sa.text("status::text = 'pending'::text AND NOT is_test"),
        ),
        sa.Index(
            "donation_campaign_id_inserted_at_id_index",
            "campaign_id",
            sa.text("inserted_at DESC"),
            sa.text("id DESC"),
        ),
        sa.Index(
            "donation_donor_email_inserted_at_id_index",
            sa.text("lower(donor_email::text)"),
            sa.text("inserted_at DESC"),
            sa.text("id DESC"),
        ),
        sa.Index(
            "donation_donor_email_campaign_id_index",
            sa.text("lower(donor_email::text)"),
            "campaign_id",
            unique=True,
            postgresql_where=sa.text(
                "one_per_donor AND NOT is_test AND status::text <> 'rejected'::text"
            ),
        ),
        sa.Index(
            "donation_source_external_id_index",
            "source",
            "external_id",
            unique=True,
            postgresql_where=sa.text("external_id IS NOT NULL"),
        ),
    )

    @property
    def is_counted(self) -> bool:
        """Whether the campaign's totals contain this gift, so that it may never be rewritten."""
        return self.status in COUNTED and not self.is_test

    @property
    def converted_amount(self) -> Decimal:
        """The amount in the campaign's currency, by the gift's own rate."""
        return converted(self.amount, self.rate)

    @property
    def kept_amount(self) -> Decimal:
        """What the campaign's total contains of the gift, in its currency, after refunds."""
        return (self.counted_amount or Decimal(0)) - self.refunded_amount


def converted(amount: Decimal, rate: Decimal | None) -> Decimal:
    """Return ``amount`` times ``rate``, rounded half up to the cent as the database does."""
    return (amount * (rate or 1)).quantize(_CENT, rounding=ROUND_HALF_UP)


CONSTRAINTS: Constraints = {
    "amount_must_be_positive": ("amount", NOT_POSITIVE),
    "valid_currency": ("currency", INVALID),
    "valid_source": ("source", INVALID),
    "donor_name_must_not_be_blank": ("donor_name", BLANK),
    "donor_email_may_be_missing_offline_only": ("donor_email", BLANK),
    "donation_campaign_id_fkey": ("campaign_id", MISSING),
    "donation_donor_email_campaign_id_index": ("donor_email", TAKEN),
    "donation_source_external_id_index": ("external_id", TAKEN),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a gift must satisfy beyond its own fields; passed to ``GiftInput`` as context.

    ``campaign`` is the one that was named, if there is such a one. Editing a gift leaves off the
    rules about what is not edited.
    """

    campaign: Campaign | None
    needs_email: bool = True
    must_be_open: bool = True
    currency: object = None
    """What it is given in, where the amount is held to the campaign's limit: the amount is looked
    at before the currency, and what is wrong with others keeps this from being said."""


def _rules(info: ValidationInfo) -> Rules:
    context: dict[str, Any] = info.context or {}
    rules: Rules = context["rules"]
    return rules


def _campaign_id(value: object, info: ValidationInfo) -> UUID:
    """Return the id of the campaign that the caller named, by id or slug."""
    rules = _rules(info)
    if value is None or value == "":
        raise Wrong(BLANK)
    if not isinstance(value, UUID | str):
        raise Wrong(INVALID)
    if rules.campaign is None:
        raise Wrong(MISSING)
    if rules.must_be_open and rules.campaign.status != CampaignStatus.ACTIVE:
        raise Wrong(f"is {rules.campaign.status}")
    return rules.campaign.id


def _email_if_needed(value: object, info: ValidationInfo) -> object:
    if value in (None, "") and not _rules(info).needs_email:
        return None
    if value is None:
        raise Wrong(BLANK)
    return value


def _within_limit(amount: Decimal, info: ValidationInfo) -> Decimal:
    """Refuse more than one gift may be; in another currency that is known by its rate only."""
    rules = _rules(info)
    campaign = rules.campaign
    if campaign and rules.currency == campaign.currency and amount > campaign.gift_limit:
        most = format_amount(campaign.gift_limit, campaign.currency)
        raise Wrong(f"must be at most {most}")
    return amount


_CampaignKey = Annotated[UUID | str, WithJsonSchema({"type": "string", "minLength": 1})]


class GiftInput(Input):
    """What a donor says of a gift. Checked with ``Rules`` as the context's ``rules``."""

    donor_name: Annotated[str, line_of(NAME_LENGTH)]
    """Who gives."""
    donor_email: Annotated[Email | None, BeforeValidator(_email_if_needed)] = InputField(
        default=None, validate_default=True
    )
    """Where to write to the donor; never shown to the public."""
    amount: Annotated[Amount, AfterValidator(_within_limit)]
    """What is given: decimal text, or a number with at most two decimals."""
    currency: CurrencyCode
    """The campaign's own currency, or one with an exchange rate to it."""
    campaign_id: Annotated[UUID, BeforeValidator(_campaign_id, json_schema_input_type=_CampaignKey)]
    """The campaign it is given to, by its id or slug."""
    message: Annotated[str, prose_of(MESSAGE_LENGTH)] = ""
    """What is said beside it; everybody may read it."""
    show_name: Switch = True
    """Whether the public may see the name."""
    show_amount: Switch = True
    """Whether the public may see the amount."""
    is_test: Switch = False
    """Whether it only tries the system; for the campaign's team."""


def _past_day(value: object) -> date | None:
    """Return a day as ISO 8601 writes it, not one to come (UTC); None for none."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise Wrong(f"{INVALID}: write it as 2026-11-30") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Wrong(INVALID)
    if value > columns.now().date():
        raise Wrong("must not be a day to come, by UTC")
    return value


class OfflineInput(GiftInput):
    """What somebody of the team says of a gift that was given by hand."""

    given_on: Annotated[date | None, BeforeValidator(_past_day)] = None
    """The day it was given, by UTC; today where nothing is given."""

    @property
    def given_at(self) -> datetime | None:
        """The noon of a day that is past, because nobody knows more of it; None for today."""
        if self.given_on in (None, columns.now().date()):
            return None
        return datetime.combine(self.given_on, time(12), tzinfo=UTC)


class RejectInput(Input):
    """Why a gift is rejected."""

    reason: Annotated[str, line_of(MESSAGE_LENGTH)]
    """Why; for the team."""


class RefundInput(Input):
    """How much of a gift is given back, and why."""

    amount: Amount | None = None
    """How much, in the campaign's currency; all that is left where nothing is given."""
    reason: Annotated[str, line_of(MESSAGE_LENGTH)]
    """Why; for the team."""


class Visibility(Input):
    """What a donor hides or shows of a gift afterwards; what is not set stays as it is."""

    show_name: Switch = True
    show_amount: Switch = True


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a campaign's counted gifts amount to, in its currency, after refunds."""

    largest: Decimal | None
    """The largest gift whose amount is shown; None if there is none."""
    average: Decimal | None
    """The mean over all counted gifts, to the cent; None if there are none."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check of the rows found. ``problems`` is empty when all facts hold."""

    campaigns: int
    donations: int
    problems: list[str]
