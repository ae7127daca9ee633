from decimal import Decimal

import pytest
from hypothesis import given, strategies as st
from starlette.exceptions import HTTPException

from financial_live.rest.parsing import parse_json

amounts = st.decimals(allow_nan=False, allow_infinity=False)


class TestParseJson:
    @given(amounts)
    def test_reads_every_number_exactly_as_it_is_written(self, amount: Decimal) -> None:
        read = parse_json(str(amount).encode())

        assert Decimal(read) == amount
        assert not isinstance(read, float)

    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
    def test_refuses_what_is_not_a_number(self, text: str) -> None:
        with pytest.raises(HTTPException, match=text) as refusal:
            parse_json(text.encode())

        assert refusal.value.status_code == 400

    def test_tells_where_the_mistake_is(self) -> None:
        with pytest.raises(HTTPException, match="line 2, column 1"):
            parse_json(b'{"donation": {},\n}')

    @given(st.binary(max_size=200))
    def test_reads_or_refuses_any_bytes(self, body: bytes) -> None:
        try:
            parse_json(body)
        except HTTPException as refusal:
            assert refusal.status_code == 400

    def test_refuses_what_is_nested_deeper_than_anything_needs(self) -> None:
        assert parse_json(b"[" * 32 + b"]" * 32)
        with pytest.raises(HTTPException, match="deeper") as refusal:
            parse_json(b"[" * 33 + b"]" * 33)

        assert refusal.value.status_code == 400
