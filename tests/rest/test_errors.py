import logging

import orjson
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from financial_live.errors import (
    AppError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
    Unavailable,
)
from financial_live.rest.errors import error_response


class TestErrorResponse:
    def test_rejected_input_is_a_map_from_field_to_messages(self) -> None:
        answer = error_response(Invalid({"amount": ["must be greater than 0"]}))

        assert answer.status_code == 422
        assert orjson.loads(answer.body) == {"errors": {"amount": ["must be greater than 0"]}}

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (NotFound("There is none."), 404),
            (Conflict("Not now.", fields={"currency": ["must stay USD"]}), 409),
            (Unauthorized("Who are you?"), 401),
            (Forbidden("Not you."), 403),
            (Unavailable("Later."), 503),
            (AppError("Odd."), 500),
            (HTTPException(413, "Too large."), 413),
        ],
    )
    def test_everything_else_is_one_sentence(self, error: Exception, status: int) -> None:
        answer = error_response(error)

        assert answer.status_code == status
        sentence = str(error).removeprefix(f"{status}: ")
        assert orjson.loads(answer.body) == {"errors": {"detail": sentence}}

    def test_what_is_away_may_be_asked_again(self) -> None:
        assert error_response(Unavailable("Later.")).headers["retry-after"] == "1"

    def test_who_is_not_known_is_told_what_is_missing(self) -> None:
        told = error_response(Unauthorized("Who are you?")).headers
        assert told["www-authenticate"] == "Bearer"
        assert "www-authenticate" not in error_response(Forbidden("Not you.")).headers

    def test_a_defect_is_logged_and_tells_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        answer = error_response(RuntimeError("password=hunter2"))

        assert answer.status_code == 500
        assert orjson.loads(answer.body) == {"errors": {"detail": "Internal Server Error"}}
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert "hunter2" in caplog.text

    def test_a_client_that_went_away_is_no_defect(self, caplog: pytest.LogCaptureFixture) -> None:
        assert error_response(ClientDisconnect()).status_code == 400
        assert caplog.records == []
