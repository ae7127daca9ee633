"""Money: a Decimal and its currency, read from what people type and written as their country does.

Reading never guesses. "50.000" is fifty thousand rupiah to everybody who gives in rupiah, but in
euro it may be fifty, or fifty thousand, depending on who typed it; so there it is refused, with a
hint of how to write it, unless the caller knows the typist's locale.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import cache

from babel import Locale
from babel.numbers import (
    format_currency,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
)

# The digits after the decimal mark by ISO 4217. Every currency here has two, as the columns have.
CURRENCIES: Mapping[str, int] = {"IDR": 2, "USD": 2, "EUR": 2}

# Each currency is written as in its home country, for one reader as for another: the browser's
# Intl gives the same text for the same locale.
HOME_LOCALES: Mapping[str, str] = {"IDR": "id_ID", "USD": "en_US", "EUR": "en_IE"}

MAX_AMOUNT = Decimal("9999999999999.99")
"""What numeric(15,2) holds, the type of every single amount."""

_MAX_LENGTH = 64
_WRITE_ALL_DIGITS = "is invalid: write every digit, such as 1.000.000"
_MARKS = {
    "RP": "IDR",
    "IDR": "IDR",
    "$": "USD",
    "US$": "USD",
    "USD": "USD",
    "€": "EUR",
    "EUR": "EUR",
}
_MARK = re.compile(r"(?:rp\.?|idr|us\$|usd|\$|€|eur)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[.,' ]")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})+")


class AmountError(ValueError):
    """The text is not an amount, or could be two. ``message`` completes "amount …"."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class _Convention:
    """Which separators, before exactly three last digits, mean thousands and which a fraction."""

    thousands: frozenset[str]
    fraction: frozenset[str]

    @classmethod
    def of(cls, currency: str, locale: str | None) -> "_Convention":
        if locale is not None:
            known = Locale.parse(locale.replace("-", "_"))
            group, decimal = get_group_symbol(known), get_decimal_symbol(known)
            return cls(frozenset({group}), frozenset({decimal}))
        return _BY_CURRENCY[currency]


# Nobody gives thousandths of a rupiah, so either mark means thousands. A dollar is written with a
# comma for thousands everywhere it is used. Europe has both habits.
_BY_CURRENCY = {
    "IDR": _Convention(frozenset(".,"), frozenset()),
    "USD": _Convention(frozenset(","), frozenset()),
    "EUR": _Convention(frozenset(), frozenset()),
}


def parse_amount(text: str, currency: str, *, locale: str | None = None) -> Decimal:
    """Read an amount as people type it: 1.000.000, 1,000,000, 1 000 000, Rp 50.000, 50,5, 50.25.

    ``locale`` (``de-DE``) is the typist's, where it is known; it decides whether "1.000" is a
    thousand. Raises AmountError with words for beside the field: for what is not a number, is
    negative or zero, has more decimals than the currency, exceeds ``MAX_AMOUNT``, names another
    currency, or could be read in two ways.
    """
    if currency not in CURRENCIES:
        raise AmountError(f"is in {currency!r}, which is none of {', '.join(CURRENCIES)}")
    if len(text) > _MAX_LENGTH:
        raise AmountError("is invalid")
    bare = _without_mark(_plain(text), currency)
    _refuse_what_is_no_number(bare)
    return _in_range(_read(bare, _Convention.of(currency, locale)))


def _plain(text: str) -> str:
    """Return ``text`` with digits of any script as 0-9 and every kind of space as one space."""
    return "".join(_plain_character(character) for character in text).strip()


def _plain_character(character: str) -> str:
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if character.isspace():
        return " "
    # Arabic has thousands and decimal marks of its own; the apostrophes group in Switzerland.
    return {"\u066c": "'", "\u2019": "'", "\u066b": ".", "\u2212": "-"}.get(character, character)


def _without_mark(text: str, currency: str) -> str:
    """Take a currency's mark off either end. Raises AmountError if it is another currency's."""
    if text.startswith("-"):
        return "-" + _without_mark(text[1:].strip(), currency)
    for match in (_MARK.match(text), re.search(f"{_MARK.pattern}$", text, re.IGNORECASE)):
        if match is None:
            continue
        marked = _MARKS[match.group().upper().removesuffix(".")]
        if marked != currency:
            raise AmountError(f"is in {marked}, but must be in {currency}")
        return (text[: match.start()] + text[match.end() :]).strip()
    return text


def _refuse_what_is_no_number(text: str) -> None:
    if not text:
        raise AmountError("can't be blank")
    if re.fullmatch(r"-\s*[0-9][0-9.,' ]*", text):
        raise AmountError("must be greater than 0")
    if re.fullmatch(r"[0-9][0-9.,' ]*\s*[^\W\d_]+\.?", text):
        raise AmountError(_WRITE_ALL_DIGITS)
    if not re.fullmatch(r"[0-9]+(?:[.,' ][0-9]+)*", text):
        raise AmountError("is invalid")


def _read(text: str, convention: _Convention) -> Decimal:
    """Read digits with separators between them, each separator standing alone."""
    marks, groups = _SEPARATOR.findall(text), _SEPARATOR.split(text)
    if not marks:
        return Decimal(text)
    if len(marks) == 1 and marks[0] in ".," and len(groups[1]) == 3:
        return _read_three_after_one_mark(text, marks[0], convention)
    *grouping, last = marks
    if last in ".," and last not in grouping and len(groups[-1]) != 3:
        return _read_fraction(groups, grouping)
    return Decimal(_ungrouped(groups, marks))


def _read_three_after_one_mark(text: str, mark: str, convention: _Convention) -> Decimal:
    """Read the one shape that means a thousand to some and one to others."""
    whole = text.replace(mark, "")
    if text.startswith("0") or len(whole) > 6 or mark in convention.fraction:
        raise AmountError("must have at most 2 decimal places")
    if mark in convention.thousands:
        return Decimal(whole)
    raise AmountError(f"could be read in two ways: write {whole}, or at most 2 decimals")


def _read_fraction(groups: list[str], grouping: list[str]) -> Decimal:
    *whole, fraction = groups
    if len(fraction) > 2:
        raise AmountError("must have at most 2 decimal places")
    digits = _ungrouped(whole, grouping) if grouping else whole[0]
    return Decimal(f"{digits}.{fraction}")


def _ungrouped(groups: list[str], marks: list[str]) -> str:
    """Join groups of thousands. Raises AmountError unless all have three digits and one mark."""
    if len(set(marks)) > 1 or not _GROUPED.fullmatch(" ".join(groups)):
        raise AmountError(_WRITE_ALL_DIGITS)
    return "".join(groups)


def _in_range(amount: Decimal) -> Decimal:
    if amount <= 0:
        raise AmountError("must be greater than 0")
    if amount > MAX_AMOUNT:
        raise AmountError("is too large")
    return amount


def format_amount(amount: Decimal, currency: str) -> str:
    """Write ``amount`` as the currency's home country does: Rp 50.000, $50.25, €50.

    Whole amounts show no decimals, others as many as the currency has. The space is CLDR's
    non-breaking one, as in the browser. Raises KeyError for a currency not in CURRENCIES.
    """
    pattern = _written_pattern(currency)
    if amount == amount.to_integral_value():
        pattern = pattern.removesuffix(".00")
    return format_currency(
        amount, currency, format=pattern, locale=HOME_LOCALES[currency], currency_digits=False
    )


@cache
def _written_pattern(currency: str) -> str:
    """Return the home locale's pattern, with CLDR's space between a mark of letters and digits.

    Babel leaves that space (CLDR's currencySpacing) to its callers; browsers put it in.
    """
    locale = Locale.parse(HOME_LOCALES[currency])
    pattern = str(locale.currency_formats["standard"].pattern)
    is_letters = get_currency_symbol(currency, locale)[-1].isalpha()
    return pattern.replace("¤", "¤\u00a0") if is_letters else pattern


def progress(total: Decimal, goal: Decimal) -> Decimal:
    """Return how many percent of ``goal`` ``total`` is, with one decimal; may exceed 100.

    Rounded down, so that 100 is shown when the goal is reached and not a moment before.
    """
    return (total / goal * 100).quantize(Decimal("0.1"), rounding=ROUND_DOWN)
