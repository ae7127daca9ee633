"""Entering, importing and asking for exchange rates."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from financial_live import db
from financial_live.contexts import columns, exchange_rates
from financial_live.contexts.exchange_rates import MAX_FILE_BYTES, ExchangeRate
from financial_live.errors import AppError, Forbidden, Invalid, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.factories import OPERATOR, VISITOR

pytestmark = pytest.mark.usefixtures("database")
OPERATOR_ID = UUID("00000000-0000-7000-8000-000000000001")
RATE: dict[str, Any] = {
    "base_currency": "EUR",
    "quote_currency": "IDR",
    "rate": "17000",
    "as_of": "2026-11-30",
    "source": "Bank",
}
DAILY_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
 <gesmes:subject>Reference rates</gesmes:subject>
 <Cube><Cube time='2026-11-30'>
  <Cube currency='USD' rate='1.0842'/><Cube currency='JPY' rate='161.5'/>
  <Cube currency='IDR' rate='17123.45'/>
 </Cube></Cube>
</gesmes:Envelope>
"""
DAILY_CSV = b"Date, USD, JPY, IDR, \n30 November 2026, 1.0842, 161.5, 17123.45, \n"
HISTORY_CSV = (
    b"Date,USD,JPY,IDR,\n2026-11-30,1.0842,161.5,17123.45,\n2026-11-27,1.0801,N/A,17100.5,\n"
)


async def enter(**attrs: Any) -> ExchangeRate:
    return await exchange_rates.set_rate(OPERATOR, RATE | attrs)


async def execute(statement: str) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement)


class TestSetRate:
    async def test_counts_from_now_on(self) -> None:
        await enter()
        found = await exchange_rates.convert(Decimal(50), "EUR", "IDR")
        assert (found.amount, found.rate) == (Decimal("850000.00"), Decimal(17_000))
        assert (found.as_of.isoformat(), found.source) == ("2026-11-30", "by hand: Bank")

    async def test_a_later_one_of_the_day_replaces_it(self) -> None:
        await enter(rate="1700")
        await enter()
        assert (await exchange_rates.convert(Decimal(1), "EUR", "IDR")).amount == 17_000

    async def test_names_every_wrong_field_at_once(self) -> None:
        wrong = {
            "base_currency": "XAU",
            "rate": "1.08420000001",
            "as_of": "2126-11-30",
            "source": " ",
        }
        with pytest.raises(Invalid) as refused:
            await enter(**wrong)
        assert set(refused.value.fields) == set(wrong)

    @pytest.mark.parametrize("rate", ["0", "-1", "1e3", 0.1, "100000", "", None, "1,08"])
    async def test_refuses_what_is_no_rate(self, rate: object) -> None:
        with pytest.raises(Invalid) as refused:
            await enter(rate=rate)
        assert set(refused.value.fields) == {"rate"}

    async def test_a_currency_has_none_to_itself(self) -> None:
        with pytest.raises(Invalid) as refused:
            await enter(quote_currency="EUR")
        assert set(refused.value.fields) == {"quote_currency"}

    @pytest.mark.parametrize(
        ("role", "error"), [(None, Unauthorized), (Role.MANAGER, Forbidden)], ids=str
    )
    async def test_is_for_admins(self, role: Role | None, error: type[AppError]) -> None:
        scope = VISITOR if role is None else Scope.user(OPERATOR_ID, role=role)
        with pytest.raises(error):
            await exchange_rates.set_rate(scope, RATE)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE exchange_rate SET rate = 1",
            "DELETE FROM exchange_rate",
            "TRUNCATE exchange_rate",
        ],
    )
    async def test_the_database_refuses_to_change_one(self, statement: str) -> None:
        await enter()
        with pytest.raises(DBAPIError, match="never changed or deleted"):
            await execute(statement)


class TestConvert:
    async def test_refuses_a_currency_without_a_rate_and_says_what_to_do(self) -> None:
        with pytest.raises(Invalid, match="has no exchange rate to IDR: give in IDR"):
            await exchange_rates.convert(Decimal(50), "EUR", "IDR")

    async def test_looks_at_no_rate_of_a_day_to_come(self, monkeypatch: pytest.MonkeyPatch) -> None:
        await enter()
        monkeypatch.setattr(columns, "now", lambda: datetime(2026, 11, 29, tzinfo=UTC))
        with pytest.raises(Invalid):
            await exchange_rates.convert(Decimal(50), "EUR", "IDR")

    async def test_says_which_others_can_be_converted(self) -> None:
        await enter()
        assert set(await exchange_rates.rates_to(VISITOR, "IDR")) == {"EUR"}
        assert set(await exchange_rates.rates_to(VISITOR, "EUR")) == {"IDR"}
        assert not await exchange_rates.rates_to(VISITOR, "USD")


class TestImport:
    @pytest.mark.parametrize("data", [DAILY_XML, DAILY_CSV], ids=["xml", "csv"])
    async def test_takes_our_currencies_of_the_daily_file(self, data: bytes) -> None:
        done = await exchange_rates.import_ecb(OPERATOR, data)
        assert (done.new, done.known, done.ignored) == (2, 0, 1)
        found = await exchange_rates.convert(Decimal(1), "EUR", "USD")
        assert (found.amount, found.source) == (Decimal("1.08"), "ECB")

    async def test_takes_each_day_of_the_history(self) -> None:
        done = await exchange_rates.import_ecb(OPERATOR, HISTORY_CSV)
        assert (done.new, done.known) == (4, 0)
        page = await exchange_rates.list_rates(VISITOR)
        assert {(r.as_of.isoformat(), str(r.rate.normalize())) for r in page.items} == {
            ("2026-11-30", "1.0842"),
            ("2026-11-30", "17123.45"),
            ("2026-11-27", "1.0801"),
            ("2026-11-27", "17100.5"),
        }

    async def test_the_same_file_again_adds_nothing(self) -> None:
        await exchange_rates.import_ecb(OPERATOR, DAILY_XML)
        done = await exchange_rates.import_ecb(OPERATOR, DAILY_CSV)
        assert (done.new, done.known) == (0, 2)

    async def test_a_corrected_rate_is_added_and_counts(self) -> None:
        await exchange_rates.import_ecb(OPERATOR, DAILY_CSV)
        await exchange_rates.import_ecb(OPERATOR, DAILY_CSV.replace(b"1.0842", b"1.5"))
        assert (await exchange_rates.convert(Decimal(2), "EUR", "USD")).amount == 3

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "file"),
            (b"\xff\xfe\x00", "file"),
            (b"Date, USD, \n30 November 2026, dear, \n", "line 2"),
            (b"Date, USD, \n31 November 2026, 1.1, \n", "line 2"),
            (b"Date,USD,\n2026-11-30,1.1,\n2026-11-27,0,\n", "line 3"),
            (DAILY_XML.replace(b"1.0842", b"x"), "line 6"),
            (DAILY_XML[:-40], "file"),
            (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "file"),
        ],
    )
    async def test_refuses_a_file_as_a_whole_and_says_what_is_wrong(
        self, data: bytes, words: str
    ) -> None:
        with pytest.raises(Invalid, match=words):
            await exchange_rates.import_ecb(OPERATOR, data)
        assert (await exchange_rates.list_rates(VISITOR)).total == 0

    async def test_refuses_what_is_far_too_large(self) -> None:
        with pytest.raises(Invalid, match="file"):
            await exchange_rates.import_ecb(OPERATOR, b" " * (MAX_FILE_BYTES + 1))
