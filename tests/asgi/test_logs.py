"""What the worker's log must not hold."""

import logging
from typing import Any

import engineio
import pytest
import socketio

from financial_live.asgi.logs import MAX_LINE, SafeLines, Sparing, logging_config


def formatted(message: str, *arguments: object) -> str:
    record = logging.LogRecord("server", logging.INFO, "file.py", 1, message, arguments, None)
    return SafeLines("%(message)s").format(record)


class TestSafeLines:
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


class TestWhatVisitorsProvoke:
    def provoked(self, message: str) -> str:
        record = logging.LogRecord("reflex.state", logging.ERROR, "f.py", 1, message, (), None)
        return SafeLines("%(levelname)s %(message)s").format(record)

    @pytest.mark.parametrize(
        "said",
        [
            "No handler for Event(token='secret', name='x')",
            "Received event data as a string. Event data: {'donor_email': 'secret'}",
            "Failed to deserialize event data: secret",
            "{'token': 'secret'}",
        ],
    )
    def test_what_was_sent_is_not_logged(self, said: str) -> None:
        assert "secret" not in self.provoked(said)

    def test_one_record_cannot_look_like_two(self) -> None:
        said = self.provoked("bad\n2026-01-01 CRITICAL root: forged\r\x1b[31mred")
        first, second = said.split("\n")
        assert first == "ERROR bad"
        assert second.startswith("    2026-01-01")
        assert "\x1b" not in said
        assert "\r" not in said

    def test_a_line_has_an_end(self) -> None:
        assert len(self.provoked("y" * 900_000)) <= MAX_LINE

    @pytest.mark.parametrize("name", ["engineio.server", "uvicorn.error"])
    def test_a_flood_is_a_few_lines_a_minute(self, name: str) -> None:
        sparing = Sparing()
        records = [
            logging.LogRecord(name, logging.ERROR, "f.py", 1, "bad", (), None) for _ in range(1000)
        ]
        passed = [record for record in records if sparing.filter(record)]
        assert len(passed) == 20
        assert "not logged" in passed[-1].getMessage()

    def test_the_rest_of_the_program_is_always_heard(self) -> None:
        record = logging.LogRecord("financial_live.x", logging.ERROR, "f.py", 1, "bad", (), None)
        assert all(Sparing().filter(record) for _ in range(100))


class TestLoggingConfig:
    def test_follows_the_level_that_was_asked_for(self) -> None:
        assert logging_config("error")["root"]["level"] == "ERROR"

    def test_says_nothing_of_each_socket_unless_debugging(self) -> None:
        assert logging_config("info")["loggers"]["uvicorn.error"]["level"] == "WARNING"
        assert logging_config("debug")["loggers"]["uvicorn.error"]["level"] == "DEBUG"

    @pytest.mark.parametrize("make", [engineio.AsyncServer, socketio.AsyncServer])
    def test_leaves_no_part_a_handler_of_its_own(self, make: Any) -> None:
        loggers = [logging.getLogger(f"{name}.server") for name in ("engineio", "socketio")]
        before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
        try:
            for logger in loggers:
                logger.handlers.clear()
                logger.setLevel(logging_config("debug")["loggers"][logger.name]["level"])
            make()
            assert [logger.handlers for logger in loggers] == [[], []]
        finally:
            for logger, level, handlers in before:
                logger.setLevel(level)
                logger.handlers[:] = handlers
