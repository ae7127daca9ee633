from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from financial_live.contexts.wire import (
    amount_text,
    optional_amount_text,
    rate_text,
    time_text,
)


class TestAmountText:
    def test_has_two_decimals_and_no_exponent(self) -> None:
        assert amount_text(Decimal("50")) == "50.00"
        assert amount_text(Decimal("1E+3")) == "1000.00"
        assert amount_text(Decimal("999999999999999999.99")) == "999999999999999999.99"

    def test_may_be_absent(self) -> None:
        assert optional_amount_text(None) is None
        assert optional_amount_text(Decimal(1)) == "1.00"


class TestRateText:
    def test_has_no_needless_zeros_and_no_exponent(self) -> None:
        assert rate_text(Decimal("1.0842000000")) == "1.0842"
        assert rate_text(Decimal("16000.0000000000")) == "16000"
        assert rate_text(Decimal("0.0000000001")) == "0.0000000001"
        assert rate_text(Decimal("9999999999.9999999999")) == "9999999999.9999999999"


class TestTimeText:
    def test_is_utc_with_six_digits(self) -> None:
        assert time_text(datetime(2026, 3, 7, 12, tzinfo=UTC)) == "2026-03-07T12:00:00.000000Z"
        jakarta = timezone(timedelta(hours=7))
        given = datetime(2026, 3, 7, 1, 2, 3, 4, tzinfo=jakarta)
        assert time_text(given) == "2026-03-06T18:02:03.000004Z"
