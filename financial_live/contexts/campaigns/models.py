"""A campaign: what is raised for, how much of it is there, and the rules its gifts follow."""

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import BeforeValidator, Field as InputField
from sqlmodel import Field, SQLModel

from financial_live import money
from financial_live.contexts import columns
from financial_live.contexts.constraints import Constraints
from financial_live.contexts.inputs import (
    INVALID,
    NOT_POSITIVE,
    TAKEN,
    Amount,
    CurrencyCode,
    Input,
    Switch,
    Wrong,
    line_of,
    prose_of,
)

NAME_LENGTH = 160
SLUG_LENGTH = 80
DESCRIPTION_LENGTH = 20_000
LABEL_LENGTH = 80
# The page with the form for a new campaign has this address.
RESERVED_SLUGS = frozenset({"new"})
SLUG_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"
_UUID_SHAPE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class CampaignStatus(StrEnum):
    """Whether a campaign takes gifts."""

    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


class ReviewPolicy(StrEnum):
    """Whether a gift counts at once, or when somebody has approved it."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class Campaign(SQLModel, table=True):
    """A campaign as stored. Amounts are in its own ``currency``."""

    __tablename__ = "campaign"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    slug: str = Field(sa_column=sa.Column(sa.String(SLUG_LENGTH), nullable=False))
    name: str = Field(sa_column=sa.Column(sa.String(NAME_LENGTH), nullable=False))
    description: str = Field(
        default="", sa_column=sa.Column(sa.Text, nullable=False, server_default="")
    )
    goal_amount: Decimal = Field(sa_column=columns.amount_column())
    currency: str = Field(sa_column=sa.Column(sa.String(3), nullable=False))
    status: CampaignStatus = Field(
        default=CampaignStatus.ACTIVE,
        sa_column=columns.choice_column(
            CampaignStatus, constraint="valid_status", default=CampaignStatus.ACTIVE
        ),
    )
    review_policy: ReviewPolicy = Field(
        default=ReviewPolicy.MANUAL,
        sa_column=columns.choice_column(
            ReviewPolicy, constraint="valid_review_policy", default=ReviewPolicy.MANUAL
        ),
    )
    one_gift_per_donor: bool = Field(
        default=True, sa_column=sa.Column(sa.Boolean, nullable=False, server_default=sa.true())
    )
    max_gift: Decimal | None = Field(default=None, sa_column=columns.amount_column(nullable=True))
    dual_approval_from: Decimal | None = Field(
        default=None, sa_column=columns.amount_column(nullable=True)
    )
    total_raised: Decimal = Field(
        default=Decimal("0.00"),
        sa_column=sa.Column(sa.Numeric(20, 2), nullable=False, server_default="0"),
    )
    matched_total: Decimal = Field(
        default=Decimal("0.00"),
        sa_column=sa.Column(sa.Numeric(20, 2), nullable=False, server_default="0"),
    )
    transferred_total: Decimal = Field(
        default=Decimal("0.00"),
        sa_column=sa.Column(sa.Numeric(20, 2), nullable=False, server_default="0"),
    )
    gift_count: int = Field(default=0, sa_column=columns.counter_column(default=0))
    version: int = Field(default=1, sa_column=columns.counter_column(default=1))
    revision: int = Field(default=1, sa_column=columns.counter_column(default=1))
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())
    updated_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.UniqueConstraint("slug", name="campaign_slug_key"),
        sa.CheckConstraint(f"slug ~ '{SLUG_PATTERN}'", name="valid_slug"),
        sa.CheckConstraint("slug <> 'new'", name="slug_must_not_be_reserved"),
        sa.CheckConstraint("name <> ''", name="name_must_not_be_blank"),
        sa.CheckConstraint("goal_amount > 0", name="goal_amount_must_be_positive"),
        sa.CheckConstraint("max_gift > 0", name="max_gift_must_be_positive"),
        sa.CheckConstraint("currency IN ('IDR', 'USD', 'EUR')", name="valid_currency"),
        sa.CheckConstraint("total_raised >= 0", name="total_raised_must_not_be_negative"),
        sa.CheckConstraint("dual_approval_from > 0", name="dual_approval_from_must_be_positive"),
        sa.CheckConstraint("matched_total >= 0", name="matched_total_must_not_be_negative"),
        sa.CheckConstraint(
            "total_raised + matched_total + transferred_total >= 0",
            name="total_must_not_be_negative",
        ),
        sa.CheckConstraint("gift_count >= 0", name="gift_count_must_not_be_negative"),
        sa.CheckConstraint(
            "revision >= 1 AND version >= revision", name="version_must_cover_revisions"
        ),
        sa.Index("campaign_inserted_at_id_index", "inserted_at", "id"),
    )

    @property
    def total(self) -> Decimal:
        """What the campaign has: gifts, what sponsors added, and what came from other campaigns."""
        return self.total_raised + self.matched_total + self.transferred_total

    @property
    def progress(self) -> Decimal:
        """How many percent of the goal the total is, with one decimal; may exceed 100."""
        return money.progress(self.total, self.goal_amount)

    def needs_two(self, amount: Decimal) -> bool:
        """Whether a gift of ``amount``, in the campaign's currency, needs two people's approval."""
        return self.dual_approval_from is not None and amount >= self.dual_approval_from

    @property
    def gift_limit(self) -> Decimal:
        """The most that one gift may be: ``max_gift``, or what the column holds."""
        return money.MAX_AMOUNT if self.max_gift is None else self.max_gift


class Milestone(SQLModel, table=True):
    """A total worth telling of. ``reached_at`` is set once, and stays whatever happens after."""

    __tablename__ = "milestone"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    campaign_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("campaign.id", ondelete="CASCADE"), nullable=False
        )
    )
    amount: Decimal = Field(sa_column=columns.amount_column())
    label: str = Field(sa_column=sa.Column(sa.String(LABEL_LENGTH), nullable=False))
    reached_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "amount", name="milestone_campaign_id_amount_key"),
        sa.CheckConstraint("amount > 0", name="amount_must_be_positive"),
        sa.CheckConstraint("label <> ''", name="label_must_not_be_blank"),
    )


CONSTRAINTS: Constraints = {
    "milestone_campaign_id_amount_key": ("amount", TAKEN),
    "campaign_slug_key": ("slug", TAKEN),
    "valid_slug": ("slug", INVALID),
    "slug_must_not_be_reserved": ("slug", "is reserved"),
    "name_must_not_be_blank": ("name", "can't be blank"),
    "goal_amount_must_be_positive": ("goal_amount", NOT_POSITIVE),
    "max_gift_must_be_positive": ("max_gift", NOT_POSITIVE),
    "dual_approval_from_must_be_positive": ("dual_approval_from", NOT_POSITIVE),
    "valid_currency": ("currency", INVALID),
    "valid_status": ("status", INVALID),
    "valid_review_policy": ("review_policy", INVALID),
}


def is_campaign_id(text: str) -> bool:
    """Whether ``text`` is written as a campaign's id; no slug may be."""
    return _UUID_SHAPE.fullmatch(text.lower()) is not None


def key_of(id_or_slug: UUID | str) -> UUID | str:
    """Return what names a campaign as its id where it is one, else as a slug."""
    if isinstance(id_or_slug, str) and is_campaign_id(id_or_slug):
        return UUID(id_or_slug)
    return id_or_slug


def _slug(value: object) -> str | None:
    """Return a slug somebody chose; None for none, which is then made from the name."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(SLUG_PATTERN.strip("^$"), value):
        raise Wrong("is invalid: use small letters a-z, digits and single hyphens")
    if value in RESERVED_SLUGS or is_campaign_id(value):
        raise Wrong("is reserved")
    if len(value) > SLUG_LENGTH:
        raise Wrong(f"should be at most {SLUG_LENGTH} character(s)")
    return value


def _one_of(choices: type[StrEnum]) -> BeforeValidator:
    def check(value: object) -> Any:
        if value not in list(choices):
            raise Wrong(f"{INVALID}: use one of {', '.join(choices)}")
        return value

    return BeforeValidator(check)


_SlugText = Annotated[str, InputField(max_length=SLUG_LENGTH, pattern=SLUG_PATTERN)]


_AmountOrNone = Annotated[
    Amount | None,
    BeforeValidator(
        lambda v: None if v == "" else v, json_schema_input_type=Amount | Literal[""] | None
    ),
]


class CampaignInput(Input):
    """The settings of a campaign. Name, goal_amount and currency are enough."""

    name: Annotated[str, line_of(NAME_LENGTH)]
    """What the campaign is called."""
    goal_amount: Amount
    """How much is to be raised: decimal text, or a number with at most two decimals."""
    currency: CurrencyCode
    """The currency of all its amounts; it stays once something was given."""
    slug: Annotated[
        str | None,
        BeforeValidator(_slug, json_schema_input_type=_SlugText | Literal[""] | None),
    ] = None
    """Its address below /campaigns/; without one it is made from the name."""
    description: Annotated[str, prose_of(DESCRIPTION_LENGTH)] = ""
    """What it is for, in as many lines as it takes."""
    status: Annotated[CampaignStatus, _one_of(CampaignStatus)] = CampaignStatus.ACTIVE
    """Only active campaigns take gifts."""
    review_policy: Annotated[ReviewPolicy, _one_of(ReviewPolicy)] = ReviewPolicy.MANUAL
    """Whether gifts count at once, or when somebody has approved them."""
    one_gift_per_donor: Switch = True
    """Whether an address may give only once."""
    max_gift: _AmountOrNone = None
    """The most that one gift may be; null for no limit."""
    dual_approval_from: _AmountOrNone = None
    """Gifts of so much or more wait until two people have approved them; null for none."""


class MilestoneInput(Input):
    """What a milestone is made of."""

    amount: Amount
    """The total at which it is reached, in the campaign's currency."""
    label: Annotated[str, line_of(LABEL_LENGTH)]
    """What it is called: "The walls stand"."""


SETTINGS = tuple(CampaignInput.model_fields)
"""The columns that somebody edits; ``revision`` counts their edits."""
