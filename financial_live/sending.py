"""Statements sent straight by the driver, many in one round trip.

What a statement costs here is its way to the server and back, and its way through SQLAlchemy. So
what every gift runs is SQL as the driver reads it, and is sent by libpq's pipeline: the server
works through all of it, and answers once. After one that fails it skips the rest, up to the end of
the round trip.

Rows travel as one JSON text, which the server takes apart by the types of the table's own columns:
a statement is the same for one row and for a thousand, and nothing of it depends on the values.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
import psycopg
from psycopg.rows import DictRow, dict_row
from sqlalchemy.exc import DBAPIError, StatementError

from financial_live import telemetry

Driver = psycopg.AsyncConnection[Any]
Row = Mapping[str, Any]


async def _nothing() -> None:
    pass


class Statement(NamedTuple):
    """SQL, and what its ``%(name)s`` stand for."""

    text: str
    values: Row


def insertion(table: str, columns: Sequence[str], *, then: str = "") -> str:
    """Return the SQL that stores the rows ``%(rows)s`` of ``rows_text``, and ``then`` does more."""
    names = ", ".join(columns)
    given = f"jsonb_populate_recordset(NULL::{table}, %(rows)s)"
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {given} {then}".strip()  # noqa: S608


def rows_text(rows: Sequence[Row]) -> str:
    """Return rows as JSON, amounts of money as text. Raises TypeError for what JSON cannot say."""
    return orjson.dumps(rows, default=_plain).decode()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is no JSON")


async def send(
    driver: Driver,
    statements: Sequence[Statement],
    *,
    then: Callable[[], Awaitable[None]] = _nothing,
) -> list[DictRow]:
    """Send ``statements``, and what ``then`` sends, in one round trip.

    Returns the rows of the last statement, if it has any. Raises what SQLAlchemy would raise for
    the first one that fails; those after it did nothing.
    """
    started = time.perf_counter()
    try:
        async with driver.pipeline() as pipeline:
            try:
                for text, values in statements:
                    cursor = driver.cursor(row_factory=dict_row)
                    await cursor.execute(text, values)
                await then()
                await pipeline.sync()
            except Exception:
                # What follows an error is answered too: that it was skipped.
                with contextlib.suppress(psycopg.Error):
                    await pipeline.sync()
                raise
        return await cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        raise _wrapped(error, driver) from error
    finally:
        passed_s = time.perf_counter() - started
        for text, _ in statements:
            telemetry.observe_query(text, passed_s)


def _wrapped(error: psycopg.Error, driver: Driver) -> StatementError:
    """Return the error as SQLAlchemy raises it, without what the statement was given."""
    return DBAPIError.instance(
        "(sent by the driver)",
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=driver.closed,
    )
