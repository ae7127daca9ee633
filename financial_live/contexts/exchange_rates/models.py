"""An exchange rate: what one unit of a currency was worth in another on a day, and who says so."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema
from sqlmodel import Field, SQLModel

from financial_live.contexts import columns
from financial_live.contexts.inputs import BLANK, INVALID, CurrencyCode, Input, Wrong, line_of

# A rate made of two others, one over the other or times it, still fits its numeric(20,10).
MIN_RATE = Decimal("0.00001")
MAX_RATE = Decimal(99_999)
RATE_STEP = Decimal("0.0000000001")
SOURCE_LENGTH = 160
BY_HAND = "by hand: "


class ExchangeRate(SQLModel, table=True):
    """A rate as stored: one unit of ``base_currency`` is worth ``rate`` of ``quote_currency``.

    The database refuses to change or delete one; of two of the same day the later counts.
    """

    __tablename__ = "exchange_rate"

    id: UUID = Field(default_factory=columns.new_id, sa_column=columns.key_column())
    base_currency: str = Field(sa_column=sa.Column(sa.String(3), nullable=False))
    quote_currency: str = Field(sa_column=sa.Column(sa.String(3), nullable=False))
    rate: Decimal = Field(sa_column=sa.Column(sa.Numeric(20, 10), nullable=False))
    as_of: date = Field(sa_column=sa.Column(sa.Date, nullable=False))
    source: str = Field(sa_column=sa.Column(sa.Text, nullable=False))
    entered_by: UUID | None = Field(default=None, sa_column=sa.Column(sa.Uuid, nullable=True))
    inserted_at: datetime = Field(default_factory=columns.now, sa_column=columns.time_column())

    __table_args__ = (
        sa.CheckConstraint("base_currency IN ('IDR', 'USD', 'EUR')", name="valid_base_currency"),
        sa.CheckConstraint("quote_currency IN ('IDR', 'USD', 'EUR')", name="valid_quote_currency"),
        sa.CheckConstraint("base_currency <> quote_currency", name="currencies_must_differ"),
        sa.CheckConstraint("rate BETWEEN 0.00001 AND 99999", name="rate_must_be_in_range"),
        sa.CheckConstraint("source <> ''", name="source_must_not_be_blank"),
        sa.Index(
            "exchange_rate_newest_index",
            *("base_currency", "quote_currency", "as_of", "inserted_at", "id"),
        ),
        sa.Index("exchange_rate_as_of_inserted_at_id_index", "as_of", "inserted_at", "id"),
    )


def today() -> date:
    """Return the day it is in UTC."""
    return columns.now().date()


def rate_of(value: object) -> Decimal:
    """Return a rate. Raises Wrong for what is none, or has more than ten decimals.

    Text must be plain (``1.0842``). A float is refused, because 0.1 is not a tenth in one.
    """
    rate = _decimal(value)
    if not rate.is_finite():
        raise Wrong(INVALID)
    if not MIN_RATE <= rate <= MAX_RATE:
        raise Wrong(f"must be from {MIN_RATE:f} to {MAX_RATE:f}")
    if rate != rate.quantize(RATE_STEP):
        raise Wrong("must have at most 10 decimal places")
    return rate


def _decimal(value: object) -> Decimal:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise Wrong(BLANK)
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,64}(\.[0-9]{1,64})?", value.strip()):
        return Decimal(value.strip())
    raise Wrong(f"{INVALID}: write it as 1.0842")


def day_of(value: object) -> date:
    """Return a day, of text as ISO 8601 writes it. Raises Wrong for none, or one to come (UTC)."""
    if value is None or value == "":
        raise Wrong(BLANK)
    day = _day(value)
    if day > today():
        raise Wrong(f"is in the future: today is {today()}, by UTC")
    return day


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        raise Wrong(f"{INVALID}: there is no such day") from None
    raise Wrong(f"{INVALID}: write it as 2026-11-30")


def _another(quote: str, info: ValidationInfo) -> str:
    if quote == info.data.get("base_currency"):
        raise Wrong("must be another one than the base currency")
    return quote


_RateText = Annotated[
    Decimal,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*[0-9]{1,5}(\.[0-9]{1,10})?\s*$"},
                {"type": "number", "minimum": float(MIN_RATE), "maximum": float(MAX_RATE)},
            ]
        }
    ),
]
_DayText = Annotated[date, WithJsonSchema({"type": "string", "format": "date"})]


class RateInput(Input):
    """A rate that somebody enters by hand."""

    base_currency: CurrencyCode
    """The currency of which one unit is meant."""
    quote_currency: Annotated[CurrencyCode, AfterValidator(_another)]
    """The currency that it is worth ``rate`` of."""
    rate: Annotated[Decimal, BeforeValidator(rate_of, json_schema_input_type=_RateText)]
    """How much it is worth: decimal text, or a number, with at most ten decimals."""
    as_of: Annotated[date, BeforeValidator(day_of, json_schema_input_type=_DayText)]
    """The day it is of, not one to come (UTC)."""
    source: Annotated[str, line_of(SOURCE_LENGTH)]
    """Who says so; "by hand: " is put before it."""
