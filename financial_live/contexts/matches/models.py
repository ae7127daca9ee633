"""A match challenge: a sponsor's word to add to gifts; and what each gift has got by it."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns
from financial_live.contexts.constraints import Constraints
from financial_live.contexts.inputs import (
    INVALID,
    NOT_POSITIVE,
    Amount,
    Input,
    Wrong,
    line_of,
)

SPONSOR_LENGTH = 160
MAX_RATIO = Decimal(10)


class MatchChallenge(SQLModel, table=True):
    """A challenge as stored; amounts are in the campaign's currency.

    ``ratio`` is what the sponsor adds to one unit given, ``cap`` the most in all, and
    ``matched_amount`` what was added so far, after refunds. Gifts given from ``starts_at`` until
    before ``ends_at`` are matched, unless the challenge was cancelled before they were counted.
    """

    __tablename__ = "match_challenge"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    campaign_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("campaign.id", ondelete="RESTRICT"), nullable=False
        )
    )
    sponsor_name: str = Field(sa_column=sa.Column(sa.String(SPONSOR_LENGTH), nullable=False))
    ratio: Decimal = Field(sa_column=sa.Column(sa.Numeric(4, 2), nullable=False))
    cap: Decimal = Field(sa_column=columns.amount_column())
    matched_amount: Decimal = Field(
        default=Decimal("0.00"), sa_column=columns.amount_column(default="0")
    )
    starts_at: datetime = Field(sa_column=sa.Column(sa.DateTime(timezone=True), nullable=False))
    ends_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    cancelled_at: datetime | None = Field(
        default=None, sa_column=sa.Column(sa.DateTime(timezone=True), nullable=True)
    )
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.CheckConstraint("sponsor_name <> ''", name="sponsor_name_must_not_be_blank"),
        sa.CheckConstraint("ratio > 0 AND ratio <= 10", name="ratio_must_be_within_bounds"),
        sa.CheckConstraint("cap > 0", name="cap_must_be_positive"),
        sa.CheckConstraint(
            "matched_amount >= 0 AND matched_amount <= cap",
            name="matched_amount_must_be_within_cap",
        ),
        sa.CheckConstraint("ends_at > starts_at", name="end_must_follow_start"),
        sa.Index("match_challenge_campaign_id_id_index", "campaign_id", "id"),
    )

    @property
    def remaining(self) -> Decimal:
        """How much the sponsor may still add; nothing once the challenge was cancelled."""
        return Decimal(0) if self.cancelled_at else self.cap - self.matched_amount

    def takes(self, given_at: datetime) -> bool:
        """Whether a gift of this moment, counted now, is matched as far as the cap allows."""
        is_over = self.ends_at is not None and given_at >= self.ends_at
        return self.cancelled_at is None and self.starts_at <= given_at and not is_over


class GiftMatch(SQLModel, table=True):
    """What one challenge added to one gift: when it was counted, and of that what remains."""

    __tablename__ = "gift_match"

    donation_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid,
            # It is written beside its gift, in one transaction; the order does not matter.
            sa.ForeignKey("donation.id", deferrable=True, initially="DEFERRED"),
            primary_key=True,
        )
    )
    challenge_id: UUID = Field(
        sa_column=sa.Column(
            sa.Uuid, sa.ForeignKey("match_challenge.id", ondelete="RESTRICT"), primary_key=True
        )
    )
    granted: Decimal = Field(sa_column=columns.amount_column())
    amount: Decimal = Field(sa_column=columns.amount_column())

    __table_args__ = (
        sa.CheckConstraint("amount >= 0 AND amount <= granted", name="amount_must_be_granted"),
        sa.Index("gift_match_challenge_id_index", "challenge_id"),
    )


CONSTRAINTS: Constraints = {
    "sponsor_name_must_not_be_blank": ("sponsor_name", "can't be blank"),
    "ratio_must_be_within_bounds": ("ratio", INVALID),
    "cap_must_be_positive": ("cap", NOT_POSITIVE),
    "end_must_follow_start": ("ends_at", "must be after starts_at"),
}


def _ratio(value: object) -> Any:
    """Return a ratio as an amount is read, and within its bounds."""
    text = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise Wrong(INVALID)
    if isinstance(value, str) and not re.fullmatch(r"\s*-?[0-9]{1,9}(\.[0-9]{1,9})?\s*", text):
        raise Wrong(f"{INVALID}: write 1 to add as much as is given, 0.5 for half")
    ratio = Decimal(text)
    if not ratio.is_finite() or not 0 < ratio <= MAX_RATIO or ratio != round(ratio, 2):
        raise Wrong(f"must be greater than 0 and at most {MAX_RATIO}, with at most 2 decimals")
    return ratio


def _moment(value: object) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Wrong(f"{INVALID}: write it as 2026-12-24T18:00:00Z") from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Wrong(f"{INVALID}: write it as 2026-12-24T18:00:00Z, with its zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Wrong(f"{INVALID}: there is no such moment in UTC") from None


def _after_start(value: datetime | None, info: ValidationInfo) -> datetime | None:
    starts_at = info.data.get("starts_at")
    if value is not None and starts_at is not None and value <= starts_at:
        raise Wrong("must be after starts_at")
    return value


_MomentText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
_Moment = BeforeValidator(_moment, json_schema_input_type=_MomentText | Literal[""] | None)
_RatioText = Annotated[
    Decimal,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*[0-9]{1,2}(\.[0-9]{1,2})?\s*$"},
                {"type": "number", "exclusiveMinimum": 0, "maximum": float(MAX_RATIO)},
            ]
        }
    ),
]


class ChallengeInput(Input):
    """What a challenge is made of."""

    sponsor_name: Annotated[str, line_of(SPONSOR_LENGTH)]
    """Who adds to the gifts; everybody sees it."""
    ratio: Annotated[Decimal, BeforeValidator(_ratio, json_schema_input_type=_RatioText)]
    """What is added to one unit given: 1 doubles a gift; more than 0, at most 10."""
    cap: Amount
    """The most that is added in all, in the campaign's currency."""
    starts_at: Annotated[datetime | None, _Moment] = None
    """The first moment of gifts that are matched, with its zone; now where nothing is given."""
    ends_at: Annotated[datetime | None, _Moment, AfterValidator(_after_start)] = None
    """The first moment of gifts that no longer are; open-ended where nothing is given."""
