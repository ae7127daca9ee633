"""Exchange rates: entering, importing and listing them, and that they stay as they were entered."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from financial_live import db
from financial_live.contexts import columns, exchange_rates
from financial_live.contexts.exchange_rates import ExchangeRate, Imported
from financial_live.errors import Forbidden, Invalid, Unauthorized
from financial_live.scope import Role, Scope
from tests.contexts.exchange_rates.files import DAILY_CSV, DAILY_XML, HISTORICAL_CSV
from tests.contexts.factories import OPERATOR, VISITOR, messages

RATE = {
    "base_currency": "EUR",
    "quote_currency": "USD",
    "rate": "1.0842",
    "as_of": "2026-11-27",
    "source": "Bank X",
}
MANAGER = Scope.user(uuid4(), role=Role.MANAGER, is_verified=True)


async def enter(base: str, quote: str, rate: str, as_of: str = "2026-11-27") -> ExchangeRate:
    given = {"base_currency": base, "quote_currency": quote, "rate": rate, "as_of": as_of}
    return await exchange_rates.set_rate(OPERATOR, RATE | given)


async def execute(statement: str, *values: object) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement, values)


async def total() -> int:
    return (await exchange_rates.list_rates(VISITOR)).total


async def worth(amount: str, base: str, quote: str) -> Decimal:
    return (await exchange_rates.convert(Decimal(amount), base, quote)).amount


@pytest.mark.usefixtures("database")
class TestConvert:
    async def test_says_by_which_rate(self) -> None:
        await enter("USD", "IDR", "16000.5")
        found = await exchange_rates.convert(Decimal("10.00"), "USD", "IDR")
        assert found == exchange_rates.Conversion(
            Decimal("160005.00"), Decimal("16000.5"), date(2026, 11, 27), "by hand: Bank X"
        )

    async def test_takes_the_newest_day_whatever_was_entered_last(self) -> None:
        await enter("USD", "IDR", "2", "2026-11-27")
        await enter("USD", "IDR", "1", "2026-11-26")
        await enter("IDR", "USD", "0.25", "2026-11-25")
        assert await worth("10", "USD", "IDR") == 20

    async def test_takes_the_last_entered_of_a_day(self) -> None:
        for rate in ("1", "2", "3"):
            await enter("USD", "IDR", rate)
        assert await worth("10", "USD", "IDR") == 30

    async def test_goes_in_reverse_and_over_the_euro(self) -> None:
        await enter("EUR", "USD", "1.25")
        await enter("EUR", "IDR", "20000")
        assert await worth("100000", "IDR", "EUR") == 5
        assert await worth("10", "USD", "IDR") == 160_000
        assert await worth("160000", "IDR", "USD") == 10

    async def test_takes_none_of_a_day_to_come(self) -> None:
        await enter("USD", "IDR", "2")
        await execute(
            "INSERT INTO exchange_rate (id, base_currency, quote_currency, rate, as_of, source)"
            " VALUES (%s, 'USD', 'IDR', 9, %s, 'somebody')",
            uuid4(),
            columns.now().date() + timedelta(days=1),
        )
        assert await worth("10", "USD", "IDR") == 20

    async def test_in_the_same_currency_is_itself(self) -> None:
        found = await exchange_rates.convert(Decimal("10.01"), "USD", "USD")
        assert (found.amount, found.rate) == (Decimal("10.01"), Decimal(1))
        assert found.as_of == columns.now().date()

    @pytest.mark.parametrize("currency", ["USD", "GBP", ""])
    async def test_says_what_to_do_where_there_is_no_rate(self, currency: str) -> None:
        await enter("EUR", "USD", "1.25")
        with pytest.raises(Invalid) as refusal:
            await exchange_rates.convert(Decimal(1), currency, "IDR")
        assert messages(refusal.value, "currency") == ["has no exchange rate to IDR: give in IDR"]

    async def test_refuses_what_is_worth_too_little_or_too_much(self) -> None:
        await enter("EUR", "IDR", "20000")
        for amount, base, quote in (("50", "IDR", "EUR"), ("9999999999999.99", "EUR", "IDR")):
            with pytest.raises(Invalid) as refusal:
                await exchange_rates.convert(Decimal(amount), base, quote)
            assert messages(refusal.value, "amount")

    async def test_joins_the_transaction_of_its_caller(self) -> None:
        async with db.transaction():
            await enter("USD", "IDR", "2")
            assert await worth("10", "USD", "IDR") == 20


@pytest.mark.usefixtures("database")
class TestRatesTo:
    async def test_names_the_other_currencies_that_can_be_converted(self) -> None:
        assert await exchange_rates.rates_to(VISITOR, "IDR") == {}
        await enter("EUR", "IDR", "20000", "2026-11-26")
        found = await exchange_rates.rates_to(VISITOR, "IDR")
        assert {currency: rate.rate for currency, rate in found.items()} == {"EUR": 20000}
        await enter("EUR", "USD", "1.25")
        found = await exchange_rates.rates_to(VISITOR, "IDR")
        assert {currency: rate.rate for currency, rate in found.items()} == {
            "USD": 16000,
            "EUR": 20000,
        }
        assert found["USD"].as_of == date(2026, 11, 26)

    async def test_says_the_rate_that_is_converted_by(self) -> None:
        await exchange_rates.import_ecb(OPERATOR, HISTORICAL_CSV)
        for to in ("IDR", "USD", "EUR"):
            for other, rate in (await exchange_rates.rates_to(VISITOR, to)).items():
                found = await exchange_rates.convert(Decimal(500_000), other, to)
                assert (found.rate, found.as_of, found.source) == (
                    rate.rate,
                    rate.as_of,
                    rate.source,
                )


@pytest.mark.usefixtures("database")
class TestSetRate:
    async def test_keeps_who_entered_it_and_that_it_was_by_hand(self) -> None:
        admin = Scope.user(uuid4(), role=Role.ADMIN, is_verified=True)
        made = await exchange_rates.set_rate(admin, RATE | {"source": " Bank X "})
        [found] = (await exchange_rates.list_rates(VISITOR)).items
        assert found.id == made.id
        assert (found.base_currency, found.quote_currency) == ("EUR", "USD")
        assert (found.rate, found.as_of) == (Decimal("1.0842"), date(2026, 11, 27))
        assert (found.source, found.entered_by) == ("by hand: Bank X", admin.user_id)
        assert found.inserted_at <= columns.now()

    @pytest.mark.parametrize(
        ("rate", "kept"),
        [
            ("0.00001", "0.00001"),
            ("99999", "99999"),
            (" 1.0842000000 ", "1.0842"),
            ("0.1234567891", "0.1234567891"),
            (2, "2"),
            (Decimal("1.50"), "1.5"),
        ],
    )
    async def test_takes_decimal_text_and_exact_numbers(self, rate: object, kept: str) -> None:
        made = await exchange_rates.set_rate(OPERATOR, RATE | {"rate": rate})
        assert made.rate == Decimal(kept)

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("base_currency", "GBP", "is invalid: use one of IDR, USD, EUR"),
            ("quote_currency", "", "can't be blank"),
            ("quote_currency", "EUR", "must be another one than the base currency"),
            ("rate", "", "can't be blank"),
            ("rate", None, "can't be blank"),
            ("rate", "1,0842", "is invalid: write it as 1.0842"),
            ("rate", "17.216.43", "is invalid: write it as 1.0842"),
            ("rate", "-1", "is invalid: write it as 1.0842"),
            ("rate", "1e3", "is invalid: write it as 1.0842"),
            ("rate", "٣", "is invalid: write it as 1.0842"),
            ("rate", "1" * 65, "is invalid: write it as 1.0842"),
            ("rate", 1.5, "is invalid: write it as 1.0842"),
            ("rate", True, "is invalid: write it as 1.0842"),
            ("rate", Decimal("NaN"), "is invalid"),
            ("rate", "0", "must be from 0.00001 to 99999"),
            ("rate", "0.000009", "must be from 0.00001 to 99999"),
            ("rate", "99999.1", "must be from 0.00001 to 99999"),
            ("rate", "1.00000000001", "must have at most 10 decimal places"),
            ("as_of", "", "can't be blank"),
            ("as_of", None, "can't be blank"),
            ("as_of", "30.11.2026", "is invalid: write it as 2026-11-30"),
            ("as_of", "20261127", "is invalid: write it as 2026-11-30"),
            ("as_of", 20261127, "is invalid: write it as 2026-11-30"),
            ("as_of", datetime(2026, 11, 27, tzinfo=UTC), "is invalid: write it as 2026-11-30"),
            ("as_of", "2026-02-30", "is invalid: there is no such day"),
            ("source", " ", "can't be blank"),
            ("source", "a\nb", "is invalid: it has control characters"),
            ("source", "x" * 161, "should be at most 160 character(s)"),
        ],
    )
    async def test_refuses_a_wrong_field(self, field: str, value: object, message: str) -> None:
        with pytest.raises(Invalid) as refusal:
            await exchange_rates.set_rate(OPERATOR, RATE | {field: value})
        assert refusal.value.fields == {field: [message]}
        assert await total() == 0

    async def test_refuses_a_day_to_come_but_takes_today(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moment = datetime(2026, 11, 27, 23, 59, 59, tzinfo=UTC)
        monkeypatch.setattr(columns, "now", lambda: moment)
        with pytest.raises(Invalid, match=r"as_of is in the future: today is 2026-11-27, by UTC"):
            await enter("EUR", "USD", "1", "2026-11-28")
        await enter("EUR", "USD", "1", "2026-11-27")
        assert await total() == 1

    async def test_names_everything_that_is_wrong_at_once(self) -> None:
        with pytest.raises(Invalid) as refusal:
            await exchange_rates.set_rate(OPERATOR, {"rate": "x"})
        assert set(refusal.value.fields) == set(RATE)

    @pytest.mark.parametrize(("scope", "error"), [(VISITOR, Unauthorized), (MANAGER, Forbidden)])
    async def test_is_the_admins(self, scope: Scope, error: type[Exception]) -> None:
        with pytest.raises(error):
            await exchange_rates.set_rate(scope, RATE)
        with pytest.raises(error):
            await exchange_rates.import_ecb(scope, DAILY_XML)
        assert await total() == 0


@pytest.mark.usefixtures("database")
class TestImportEcb:
    async def test_stores_what_is_used_here_once_however_it_comes(self) -> None:
        assert await exchange_rates.import_ecb(OPERATOR, DAILY_XML) == Imported(2, 0, 1)
        assert await exchange_rates.import_ecb(OPERATOR, DAILY_CSV) == Imported(0, 2, 1)
        assert await exchange_rates.import_ecb(OPERATOR, HISTORICAL_CSV) == Imported(3, 2, 4)
        assert await exchange_rates.import_ecb(OPERATOR, DAILY_XML) == Imported(0, 2, 1)
        rates = (await exchange_rates.list_rates(VISITOR)).items
        assert {(r.base_currency, r.source) for r in rates} == {("EUR", "ECB")}
        assert len(rates) == 5
        assert await worth("10", "EUR", "USD") == Decimal("10.84")

    async def test_a_corrected_rate_counts_from_then_on(self) -> None:
        await exchange_rates.import_ecb(OPERATOR, DAILY_CSV)
        corrected = DAILY_CSV.replace(b"1.0842", b"2")
        assert await exchange_rates.import_ecb(OPERATOR, corrected) == Imported(1, 1, 1)
        assert await exchange_rates.import_ecb(OPERATOR, corrected) == Imported(0, 2, 1)
        assert await worth("10", "EUR", "USD") == 20

    async def test_what_was_entered_by_hand_after_it_is_not_undone_by_the_same_file(self) -> None:
        await exchange_rates.import_ecb(OPERATOR, DAILY_CSV)
        await enter("EUR", "USD", "2")
        assert await exchange_rates.import_ecb(OPERATOR, DAILY_CSV) == Imported(0, 2, 1)
        assert await worth("10", "EUR", "USD") == 20

    async def test_nobody_enters_by_hand_what_is_taken_for_the_banks(self) -> None:
        await exchange_rates.set_rate(OPERATOR, RATE | {"source": "ECB"})
        assert await exchange_rates.import_ecb(OPERATOR, DAILY_CSV) == Imported(2, 0, 1)

    async def test_stores_nothing_of_a_file_with_a_wrong_line(self) -> None:
        with pytest.raises(Invalid, match="line 5"):
            await exchange_rates.import_ecb(OPERATOR, HISTORICAL_CSV + b"2026-11-25,x,1,1,1,\n")
        assert await total() == 0


@pytest.mark.usefixtures("database")
class TestListRates:
    async def test_begins_with_the_newest_day(self) -> None:
        for rate, day in (("1", "2026-11-26"), ("2", "2026-11-27"), ("3", "2026-11-27")):
            await enter("EUR", "USD", rate, day)
        found = await exchange_rates.list_rates(VISITOR, per_page=2)
        assert [r.rate for r in found.items] == [3, 2]
        assert found.total == 3
        found = await exchange_rates.list_rates(VISITOR, per_page=2, page=2)
        assert [r.rate for r in found.items] == [1]
        found = await exchange_rates.list_rates(VISITOR, order="asc")
        assert [r.rate for r in found.items] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("search", "total"),
        [("usd", 3), ("EUR IDR", 2), ("ecb", 5), ("Bank", 1), ("%", 0), (" ", 6)],
    )
    async def test_finds_a_currency_a_pair_or_a_source(self, search: str, total: int) -> None:
        await exchange_rates.import_ecb(OPERATOR, HISTORICAL_CSV)
        await enter("IDR", "EUR", "0.00005")
        assert (await exchange_rates.list_rates(VISITOR, search=search)).total == total

    async def test_names_every_wrong_parameter(self) -> None:
        wrong: dict[str, Any] = {"search": "\x00x", "order": "up", "page": 0, "per_page": 101}
        with pytest.raises(Invalid) as refusal:
            await exchange_rates.list_rates(VISITOR, **wrong)
        assert set(refusal.value.fields) == set(wrong)


class TestWhatWasEntered:
    """The database itself keeps it, whoever asks."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE exchange_rate SET rate = 1",
            "DELETE FROM exchange_rate",
            "TRUNCATE exchange_rate",
        ],
    )
    async def test_is_never_changed_or_deleted(
        self, own_database: db.Database, statement: str
    ) -> None:
        await enter("EUR", "USD", "2")
        with pytest.raises(DBAPIError, match="never changed or deleted"):
            await execute(statement)
        assert await worth("10", "EUR", "USD") == 20

    async def test_is_stored_once_by_two_imports_at_once(self, own_database: db.Database) -> None:
        done = await asyncio.gather(
            *(exchange_rates.import_ecb(OPERATOR, HISTORICAL_CSV) for _ in range(4))
        )
        assert sorted(one.new for one in done) == [0, 0, 0, 5]
        assert await total() == 5
