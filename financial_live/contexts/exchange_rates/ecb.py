"""The European Central Bank's euro reference rates, as its files have them.

There are two kinds. In the XML (``eurofxref-daily.xml``, ``…-hist-90d.xml``, ``…-hist.xml``) a
``Cube`` with a time holds one for each currency, in an envelope of the gesmes vocabulary. In the
CSV (``eurofxref.csv``, ``eurofxref-hist.csv``) the first line names the currencies and each other
one is a day, written ``2026-11-30`` or ``30 November 2026``; ``N/A`` is no rate, and lines end in
a comma. In both, one euro is worth the number.

A file is right as a whole or refused, with what is wrong and in which line. None has a document
type, so XML that has one is refused before any entity of it could grow.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from xml.parsers import expat

from financial_live.contexts.exchange_rates.conversion import EURO
from financial_live.contexts.exchange_rates.models import day_of, rate_of
from financial_live.contexts.inputs import Wrong
from financial_live.errors import Invalid
from financial_live.money import CURRENCIES

MAX_FILE_BYTES = 32 * 1024 * 1024
"""Several times the file of all days since 1999."""

_ENVELOPE = "http://www.gesmes.org/xml/2002-08-01 Envelope"
_CUBE = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref Cube"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_MOST_PROBLEMS = 10
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Quoted:
    """What one euro was worth on a day."""

    day: date
    currency: str
    rate: Decimal


@dataclass(slots=True)
class EcbFile:
    """What a file says: the rates in our currencies, and how many others were passed over."""

    rates: dict[tuple[str, date], Quoted] = field(default_factory=dict)
    ignored: int = 0
    problems: list[str] = field(default_factory=list)
    more_problems: int = 0

    def wrong(self, line: int, words: str) -> None:
        """Note what is wrong in a line; only the first ones are told, the others are counted."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"line {line}: {words}")
        else:
            self.more_problems += 1

    def add(self, line: int, day: date, currency: str, text: str) -> None:
        """Note a rate, or what is wrong with it."""
        if not re.fullmatch(r"[A-Z]{3}", currency):
            self.wrong(line, f"{currency[:_SHOWN]!r} is no currency")
        elif not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", text):
            self.wrong(line, f"the rate of {currency} is no number: {text[:_SHOWN]!r}")
        elif currency not in CURRENCIES or currency == EURO:
            self.ignored += 1
        elif (currency, day) in self.rates:
            self.wrong(line, f"{currency} of {day} is there twice")
        else:
            self._keep(line, day, currency, text)

    def _keep(self, line: int, day: date, currency: str, text: str) -> None:
        try:
            self.rates[currency, day] = Quoted(day, currency, rate_of(text))
        except Wrong as error:
            self.wrong(line, f"the rate of {currency} {error}, is {text}")

    def day(self, line: int, text: str) -> date | None:
        """Return the day that is written ``text``; None, and a note, if it is none."""
        try:
            return day_of(_iso(text))
        except Wrong as error:
            self.wrong(line, f"the day {text[:_SHOWN]!r} {error}")
            return None


def _iso(text: str) -> str:
    """Write ``30 November 2026`` as ``2026-11-30``; anything else stays as it is."""
    match = re.fullmatch(r"([0-9]{1,2}) ([A-Z][a-z]+) ([0-9]{4})", text)
    if match is None or match[2] not in _MONTHS:
        return text
    return f"{match[3]}-{_MONTHS.index(match[2]) + 1:02}-{int(match[1]):02}"


def read(data: bytes) -> EcbFile:
    """Return what a file of the European Central Bank says. Raises Invalid, with every problem."""
    if len(data) > MAX_FILE_BYTES:
        raise _refusal([f"is larger than {MAX_FILE_BYTES // 1024**2} MB"])
    if data.startswith(b"PK"):
        raise _refusal(["is a zip archive: unpack it, and import the CSV file in it"])
    is_xml = data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
    found = _read_xml(data) if is_xml else _read_csv(data)
    if found.more_problems:
        found.problems.append(f"and {found.more_problems} more")
    if not found.rates and not found.problems:
        found.problems.append(f"has no rates of {', '.join(sorted({*CURRENCIES} - {EURO}))}")
    if found.problems:
        raise _refusal(found.problems)
    return found


def _refusal(problems: list[str]) -> Invalid:
    told = "\n".join(f"  {problem}" for problem in problems)
    return Invalid({"file": problems}, f"Nothing is imported, because the file\n{told}")


class _Envelope:
    """Follows an XML document: the days that are open, and the rates in them."""

    def __init__(self, found: EcbFile) -> None:
        self._found = found
        self._days: list[date | None] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def read(self, data: bytes) -> None:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            self._found.wrong(error.lineno, f"no XML: {expat.ErrorString(error.code)}")

    def _refuse_doctype(self, *_: object) -> None:
        raise _refusal([f"line {self._line}: a document type, which such a file never has"])

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._days and name != _ENVELOPE:
            raise _refusal([f"line {self._line}: no envelope of the European Central Bank"])
        day = self._days[-1] if self._days else None
        if name == _CUBE and "time" in attributes:
            day = self._found.day(self._line, attributes["time"])
        self._days.append(day)
        if name == _CUBE and "currency" in attributes:
            self._add(day, attributes)

    def _end(self, _: str) -> None:
        self._days.pop()

    def _add(self, day: date | None, attributes: dict[str, str]) -> None:
        if day is None:
            self._found.wrong(self._line, "a rate that is of no day")
            return
        self._found.add(self._line, day, attributes["currency"], attributes.get("rate", ""))


def _read_xml(data: bytes) -> EcbFile:
    found = EcbFile()
    _Envelope(found).read(data)
    return found


def _read_csv(data: bytes) -> EcbFile:
    found = EcbFile()
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise _refusal(["is neither XML nor text in UTF-8"]) from None
    date_word, *currencies = _cells(lines[0]) if lines else [""]
    if date_word != "Date" or not currencies:
        raise _refusal(['line 1: does not begin as such a file does, with "Date, USD, JPY, …"'])
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            _read_day(found, number, currencies, _cells(line))
    return found


def _cells(line: str) -> list[str]:
    """Return what stands between the commas of a line; nothing follows the last one."""
    cells = [cell.strip() for cell in line.split(",")]
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells


def _read_day(found: EcbFile, number: int, currencies: list[str], cells: list[str]) -> None:
    written, *rates = cells
    if len(rates) != len(currencies):
        found.wrong(number, f"{len(rates)} rates for {len(currencies)} currencies")
        return
    day = found.day(number, written)
    if day is None:
        return
    for currency, text in zip(currencies, rates, strict=True):
        if text != "N/A":
            found.add(number, day, currency, text)
