"""Exchange rates: what a gift in one currency is worth to a campaign in another."""

from financial_live.contexts.exchange_rates.conversion import Conversion, Rate
from financial_live.contexts.exchange_rates.ecb import MAX_FILE_BYTES
from financial_live.contexts.exchange_rates.models import ExchangeRate, RateInput
from financial_live.contexts.exchange_rates.service import (
    Imported,
    convert,
    import_ecb,
    list_rates,
    rates_to,
    set_rate,
)
from financial_live.contexts.listing import Page

__all__ = [
    "MAX_FILE_BYTES",
    "Conversion",
    "ExchangeRate",
    "Imported",
    "Page",
    "Rate",
    "RateInput",
    "convert",
    "import_ecb",
    "list_rates",
    "rates_to",
    "set_rate",
]
