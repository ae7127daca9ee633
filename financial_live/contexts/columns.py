"""The column types that every table of ours shares."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import class_mapper
from sqlmodel import SQLModel

Row = TypeVar("Row", bound=SQLModel)


def new_id() -> Any:
    """Return a time-ordered UUID (version 7), so that new rows sit together in the index."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    """Return this moment in UTC, to the microsecond."""
    return datetime.now(UTC)


def loaded(table: type[Row], values: Mapping[str, Any]) -> Row:
    """Return a row of ``table`` as a query does: of all columns, none of them checked or a change.

    Making an instance the usual way costs more than the statement that stores it.
    """
    # Asked for so, the mapper is ready, though nothing may have been queried yet.
    row: Row = class_mapper(table).class_manager.new_instance()
    row.__dict__.update(values)
    return row


def key_column() -> sa.Column[Any]:
    """Return a primary key of UUIDs."""
    return sa.Column(sa.Uuid, primary_key=True)


def time_column() -> sa.Column[Any]:
    """Return a moment, kept to the microsecond; the database's clock where nothing is given."""
    return sa.Column(sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def amount_column(*, default: str | None = None, nullable: bool = False) -> sa.Column[Any]:
    """Return a single amount of money."""
    return sa.Column(sa.Numeric(15, 2), nullable=nullable, server_default=default)


def counter_column(*, default: int) -> sa.Column[Any]:
    """Return a count that starts at ``default``."""
    return sa.Column(sa.BigInteger, nullable=False, server_default=str(default))


def choice_column(
    choices: type[StrEnum], *, constraint: str, default: StrEnum | None = None
) -> sa.Column[Any]:
    """Return text that a check called ``constraint`` keeps to the values of ``choices``.

    A check, not a type of PostgreSQL's: adding a value then needs no lock on every table using it.
    """
    kind = sa.Enum(
        choices,
        name=constraint,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )
    return sa.Column(kind, nullable=False, server_default=default.value if default else None)
