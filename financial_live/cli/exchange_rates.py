"""The subcommands about exchange rates: ``rates import``, ``rates set`` and ``rates list``."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

from financial_live.cli.console import Console
from financial_live.cli.data import OPERATOR, with_database
from financial_live.config import Settings
from financial_live.contexts import exchange_rates
from financial_live.contexts.exchange_rates import MAX_FILE_BYTES, ExchangeRate
from financial_live.contexts.wire import rate_text
from financial_live.embedded import joined_or_started
from financial_live.errors import Invalid

_T = TypeVar("_T")


def import_file(settings: Settings, file: Path, console: Console) -> None:
    """Import a file of the European Central Bank; of one with a wrong line, nothing."""
    data = _read(file)
    done = _done(settings, lambda: exchange_rates.import_ecb(OPERATOR, data))
    console.good(f"{done.new} new exchange rates; {done.known} were known.")
    if done.ignored:
        console.note(f"{done.ignored} others are of currencies that nobody gives in here.")


def enter(settings: Settings, attrs: Mapping[str, str], console: Console) -> None:
    """Enter a rate by hand."""
    rate = _done(settings, lambda: exchange_rates.set_rate(OPERATOR, attrs))
    console.good(_sentence(rate))


def show(settings: Settings, search: str | None, console: Console) -> None:
    """List the last rates, and say how many more there are."""
    page = _done(settings, lambda: exchange_rates.list_rates(OPERATOR, search=search))
    for rate in page.items:
        console.note(_sentence(rate))
    if not page.total:
        console.note("There are no such exchange rates.")
    elif page.total > len(page.items):
        console.note(f"And {page.total - len(page.items)} earlier ones.")


def _sentence(rate: ExchangeRate) -> str:
    worth = f"1 {rate.base_currency} is {rate_text(rate.rate)} {rate.quote_currency}"
    return f"{rate.as_of}: {worth} ({rate.source})."


def _read(file: Path) -> bytes:
    """Return what a file holds, or one byte more than is taken. Raises Invalid."""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Invalid({"file": [f"cannot be read: {error.strerror}"]}) from error


def _done(settings: Settings, work: Callable[[], Awaitable[_T]]) -> _T:
    with joined_or_started(settings) as reachable:
        return asyncio.run(with_database(reachable, work))
