"""What the worker's log must not hold."""

import logging

import pytest

from financial_live.asgi.logs import WithoutQueries, logging_config


def formatted(message: str, *arguments: object) -> str:
    record = logging.LogRecord("server", logging.INFO, "file.py", 1, message, arguments, None)
    return WithoutQueries("%(message)s").format(record)


class TestWithoutQueries:
    @pytest.mark.parametrize(
        "said",
        [
            '127.0.0.1 - "WebSocket /_event?EIO=4&token=secret" [accepted]',
            "GET http://site/campaigns?search=secret HTTP/1.1",
            "/_event/?token=secret",
        ],
    )
    def test_takes_the_query_out(self, said: str) -> None:
        assert "secret" not in formatted(said)
        assert "secret" not in formatted("%s", said)

    def test_leaves_the_path_and_what_follows(self) -> None:
        said = formatted('"WebSocket /_event?token=secret" [accepted]')
        assert said == '"WebSocket /_event?…" [accepted]'

    def test_leaves_a_question_alone(self) -> None:
        assert formatted("is it there? and/or not? yes") == "is it there? and/or not? yes"


class TestLoggingConfig:
    def test_follows_the_level_that_was_asked_for(self) -> None:
        assert logging_config("error")["root"]["level"] == "ERROR"

    def test_says_nothing_of_each_socket_unless_debugging(self) -> None:
        assert logging_config("info")["loggers"]["uvicorn.error"]["level"] == "WARNING"
        assert logging_config("debug")["loggers"]["uvicorn.error"]["level"] == "DEBUG"
