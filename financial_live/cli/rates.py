"""The subcommands about exchange rates: ``rates import``, ``rates set`` and ``rates list``."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from financial_live.cli.console import Console
from financial_live.cli.data import OPERATOR, with_database
from financial_live.config import Settings
from financial_live.contexts import exchange_rates
from financial_live.contexts.exchange_rates import MAX_FILE_BYTES, ExchangeRate
from financial_live.embedded import joined_or_started
from financial_live.errors import Invalid

_T = TypeVar("_T")


def import_file(settings: Settings, file: Path, console: Console) -> None:
    """Store the rates of a file of the European Central Bank."""
    data = _read(file)
    done = _done(settings, lambda: exchange_rates.import_ecb(OPERATOR, data))
    console.good(f"{done.new} rates are new, {done.known} were known.")
    if done.ignored:
        console.note(f"{done.ignored} are of currencies that are not used here.")


def _read(file: Path) -> bytes:
    """Return what is in a file. Raises Invalid if it cannot be read, or is far too large."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise Invalid({"file": [f"is larger than {MAX_FILE_BYTES} bytes"]})
        return file.read_bytes()
    except OSError as error:
        raise Invalid({"file": [f"cannot be read: {error.strerror}"]}) from None


def enter(settings: Settings, attrs: dict[str, str], console: Console) -> None:
    """Enter one rate by hand."""
    console.good(_line(_done(settings, lambda: exchange_rates.set_rate(OPERATOR, attrs))))


def show(settings: Settings, console: Console) -> None:
    """Print the newest rates, the last day first."""
    page = _done(settings, lambda: exchange_rates.list_rates(OPERATOR))
    for rate in page.items:
        console.note(_line(rate))
    if not page.items:
        console.note("There are no exchange rates yet: gifts must be in their campaign's currency.")


def _line(rate: ExchangeRate) -> str:
    worth = f"{rate.rate.normalize():f} {rate.quote_currency}"
    return f"{rate.as_of}  1 {rate.base_currency} = {worth}  ({rate.source})"


def _done(settings: Settings, work: Callable[[], Awaitable[_T]]) -> _T:
    with joined_or_started(settings) as reachable:
        return asyncio.run(with_database(reachable, work))
