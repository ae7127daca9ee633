"""What is read of the European Central Bank's files, and what is refused."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from financial_live.contexts.exchange_rates import ecb
from financial_live.contexts.exchange_rates.ecb import MAX_FILE_BYTES, Quoted, read
from financial_live.errors import Invalid
from tests.contexts.exchange_rates.files import DAILY_CSV, DAILY_XML, HISTORICAL_CSV

FRIDAY, THURSDAY = date(2026, 11, 27), date(2026, 11, 26)
OF_FRIDAY = [
    Quoted(FRIDAY, "USD", Decimal("1.0842")),
    Quoted(FRIDAY, "IDR", Decimal("17216.43")),
]


def problems(data: bytes) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        read(data)
    assert set(refusal.value.fields) == {"file"}
    assert all(told in refusal.value.message for told in refusal.value.fields["file"])
    return refusal.value.fields["file"]


class TestRead:
    @pytest.mark.parametrize("data", [DAILY_XML, DAILY_CSV], ids=["xml", "csv"])
    def test_takes_the_currencies_that_are_used_here_and_counts_the_others(
        self, data: bytes
    ) -> None:
        found = read(data)
        assert list(found.rates.values()) == OF_FRIDAY
        assert found.ignored == 1

    def test_takes_every_day_that_has_a_rate(self) -> None:
        found = read(HISTORICAL_CSV)
        assert list(found.rates.values()) == [
            *OF_FRIDAY,
            Quoted(THURSDAY, "USD", Decimal("1.0810")),
            Quoted(THURSDAY, "IDR", Decimal("17190.05")),
            Quoted(date(1999, 1, 4), "USD", Decimal("1.1789")),
        ]
        assert found.ignored == 4

    def test_takes_every_day_of_an_envelope(self) -> None:
        end = b"\t</Cube>\n</gesmes"
        other = DAILY_XML.partition(b"\t<Cube>\n")[2].partition(end)[0]
        both = DAILY_XML.replace(end, other.replace(b"-27", b"-26") + end)
        assert {day for _, day in read(both).rates} == {FRIDAY, THURSDAY}

    @pytest.mark.parametrize(
        "data",
        [
            b"\xef\xbb\xbf" + DAILY_CSV,
            DAILY_CSV.replace(b"\n", b"\r\n"),
            DAILY_CSV + b"\n\n",
            DAILY_CSV.replace(b", \n", b"\n"),
            b"\xef\xbb\xbf" + DAILY_XML,
        ],
    )
    def test_does_not_mind_how_it_was_saved(self, data: bytes) -> None:
        assert list(read(data).rates.values()) == OF_FRIDAY

    @given(st.binary(max_size=200))
    def test_takes_or_refuses_whatever_comes(self, data: bytes) -> None:
        for begun in (b"", DAILY_XML[:-20], HISTORICAL_CSV):
            try:
                assert read(begun + data).rates
            except Invalid as refusal:
                assert refusal.fields["file"]


class TestRefusesAsAWhole:
    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            (b"2026-11-31,1,2,3,4,", "the day '2026-11-31' is invalid: there is no such day"),
            (b"31 November 2026,1,2,3,4,", "the day '31 November 2026' is invalid: there is no"),
            (b"27 Novembre 2026,1,2,3,4,", "the day '27 Novembre 2026' is invalid: write it as"),
            (b"27/11/2026,1,2,3,4,", "the day '27/11/2026' is invalid: write it as 2026-11-30"),
            (b"9999-01-01,1,2,3,4,", "the day '9999-01-01' is in the future"),
            (b",1,2,3,4,", "the day '' can't be blank"),
            (b"2026-11-25,1,2,3,", "3 rates for 4 currencies"),
            (b"2026-11-25,1,2,3,4,5,", "5 rates for 4 currencies"),
            (b"2026-11-25,x,2,3,4,", "the rate of USD is no number: 'x'"),
            (b"2026-11-25,1,,3,4,", "the rate of JPY is no number: ''"),
            (b"2026-11-25,-1,2,3,4,", "the rate of USD is no number: '-1'"),
            (b"2026-11-25,1e3,2,3,4,", "the rate of USD is no number: '1e3'"),
            (b"2026-11-25,NaN,2,3,4,", "the rate of USD is no number: 'NaN'"),
            (b"2026-11-25,0,2,3,4,", "the rate of USD must be from 0.00001 to 99999, is 0"),
            (b"2026-11-25,1,2,3,100000,", "the rate of IDR must be from 0.00001 to 99999"),
            (b"2026-11-25,1.00000000001,2,3,4,", "the rate of USD must have at most 10 decimal"),
            (b"2026-11-26,1.0810,2,3,4,", "USD of 2026-11-26 is there twice"),
        ],
    )
    def test_a_csv_file_with_a_wrong_line(self, line: bytes, problem: str) -> None:
        told = problems(HISTORICAL_CSV + line + b"\n")
        assert told[0].startswith(f"line 5: {problem}")

    @pytest.mark.parametrize(
        ("right", "wrong", "problem"),
        [
            (b"2026-11-27", b"27.11.2026", "line 8: the day '27.11.2026' is invalid"),
            (b"'2026-11-27'", b"''", "line 8: the day '' can't be blank"),
            (b"1.0842", b"1,0842", "line 9: the rate of USD is no number: '1,0842'"),
            (b" rate='1.0842'", b"", "line 9: the rate of USD is no number: ''"),
            (b"'JPY'", b"'Yen'", "line 10: 'Yen' is no currency"),
            (b"'IDR'", b"'USD'", "line 11: USD of 2026-11-27 is there twice"),
            (b" time='2026-11-27'", b"", "line 9: a rate that is of no day"),
            (b"</gesmes:Env", b"</gesmes:Inv", "line 14: no XML: mismatched tag"),
            (b"</gesmes:Envelope>", b"", "line 14: no XML: no element found"),
            (b"gesmes:Envelope", b"gesmes:Letter", "line 2: no envelope of the European Central"),
            (b"2002-08-01/eurofxref", b"2002-08-01/else", "has no rates of IDR, USD"),
        ],
    )
    def test_an_xml_file_with_a_wrong_line(self, right: bytes, wrong: bytes, problem: str) -> None:
        assert right in DAILY_XML
        assert problems(DAILY_XML.replace(right, wrong))[0].startswith(problem)

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"", "line 1: does not begin as such a file does"),
            (b"Date;USD;\n", "line 1: does not begin as such a file does"),
            (b"USD, JPY\n1, 2\n", "line 1: does not begin as such a file does"),
            (b"Date, \n", "line 1: does not begin as such a file does"),
            (b"Date, USD, \n", "has no rates of IDR, USD"),
            (b"Date, JPY, \n2026-11-27, 163.15, \n", "has no rates of IDR, USD"),
            (b"Date, USD\n\xff", "is neither XML nor text in UTF-8"),
            (DAILY_XML.decode().encode("utf-16"), "is neither XML nor text in UTF-8"),
            (b"PK\x03\x04", "is a zip archive: unpack it"),
            (b"<html></html>", "line 1: no envelope of the European Central Bank"),
        ],
    )
    def test_what_is_no_such_file(self, data: bytes, problem: str) -> None:
        assert problems(data)[0].startswith(problem)

    def test_names_every_wrong_line_up_to_some(self) -> None:
        lines = b"".join(b"2026-01-%02d,x,1,1,1,\n" % day for day in range(1, 31))
        told = problems(HISTORICAL_CSV + lines)
        assert [one.partition(":")[0] for one in told] == [
            *(f"line {number}" for number in range(5, 15)),
            "and 20 more",
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
    @pytest.mark.parametrize(
        "doctype",
        [
            "<!DOCTYPE a>",
            '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
            '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;"><!ENTITY d SYSTEM "file:///x">]>',
        ],
    )
    def test_a_document_type_before_any_entity_grows(self, doctype: str, encoding: str) -> None:
        text = DAILY_XML.decode().replace("UTF-8", encoding)
        data = text.replace("<gesmes:Envelope", f"{doctype}<gesmes:Envelope", 1).encode(encoding)
        assert problems(data) == ["line 2: a document type, which such a file never has"]

    def test_a_file_larger_than_any(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ecb, "MAX_FILE_BYTES", 1024**2)
        assert read(DAILY_CSV + b"\n" * (1024**2 - len(DAILY_CSV))).rates
        assert problems(DAILY_CSV + b"\n" * 1024**2) == ["is larger than 1 MB"]
        assert MAX_FILE_BYTES >= 1024**2
