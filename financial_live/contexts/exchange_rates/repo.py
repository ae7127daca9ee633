"""Every query about exchange rates. Nothing here commits."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import sqlalchemy as sa
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts.exchange_rates.conversion import Pair, Rate
from financial_live.contexts.exchange_rates.models import ExchangeRate
from financial_live.contexts.listing import Window
from financial_live.money import CURRENCIES

_table = SQLModel.metadata.tables["exchange_rate"]
_ORDER = (_table.c.as_of, _table.c.inserted_at, _table.c.id)
_NEWEST_FIRST = tuple(column.desc() for column in _ORDER)

_pair = sa.values(
    sa.column("base", sa.String(3)), sa.column("quote", sa.String(3)), name="pair"
).data(list(itertools.permutations(CURRENCIES, 2)))
# For each pair one row is read at the end of its index, however many rates there are.
_newest = (
    sa.select(_table)
    .where(
        _table.c.base_currency == _pair.c.base,
        _table.c.quote_currency == _pair.c.quote,
        _table.c.as_of <= sa.bindparam("today", type_=sa.Date),
    )
    .order_by(*_NEWEST_FIRST)
    .limit(1)
    .lateral("newest")
)
_NEWEST = sa.select(_newest).select_from(_pair.join(_newest, sa.true()))


async def newest(session: AsyncSession, today: date) -> dict[Pair, Rate]:
    """Return the newest rate of each pair that has one, none of a day to come."""
    rows = await session.execute(_NEWEST, {"today": today})
    return {
        (row.base_currency, row.quote_currency): Rate(Fraction(row.rate), row.as_of, row.source)
        for row in rows
    }


async def page(
    session: AsyncSession, *, pattern: str | None, window: Window
) -> tuple[Sequence[ExchangeRate], int]:
    """Return one page of rates in the order of their days, and how many there are."""
    searched = sa.func.concat_ws(
        " ", _table.c.base_currency, _table.c.quote_currency, _table.c.source
    )
    conditions = [] if pattern is None else [searched.ilike(pattern, escape="\\")]
    total = await session.scalar(sa.select(sa.func.count()).select_from(_table).where(*conditions))
    rows = await session.execute(
        sa.select(ExchangeRate)
        .where(*conditions)
        .order_by(*(_NEWEST_FIRST if window.newest_first else _ORDER))
        .limit(window.per_page)
        .offset(window.offset)
    )
    return rows.scalars().all(), total or 0


async def add(session: AsyncSession, rates: Iterable[ExchangeRate]) -> None:
    """Store rates."""
    session.add_all(rates)
    await session.flush()


async def hold(session: AsyncSession) -> None:
    """Keep others from storing rates until the transaction ends; all may read meanwhile."""
    await session.execute(sa.text("LOCK TABLE exchange_rate IN SHARE ROW EXCLUSIVE MODE"))


async def rates_of(
    session: AsyncSession, *, base: str, source: str, since: date, until: date
) -> Mapping[tuple[str, date], Decimal]:
    """Return by currency and day what one unit of ``base`` was worth, as ``source`` last said."""
    query = (
        sa.select(_table.c.quote_currency, _table.c.as_of, _table.c.rate)
        .where(
            col(ExchangeRate.base_currency) == base,
            col(ExchangeRate.source) == source,
            col(ExchangeRate.as_of).between(since, until),
        )
        .order_by(*_ORDER)
    )
    rows = await session.execute(query)
    return {(row.quote_currency, row.as_of): row.rate for row in rows}
