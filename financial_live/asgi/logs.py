"""The worker's log: lines on standard error that nobody can forge, flood, or fill with secrets.

The address of the event socket carries the visitor's token, which is as good as a password for as
long as the page is open, and Reflex logs what it does not understand in full: the event, with its
token, its headers and what a form held. So queries are taken out of addresses, quoted events are
cut off, no line is longer than ``MAX_LINE``, and what visitors can provoke is limited in number.
"""

import logging
import re
import time
from typing import Any

MAX_LINE = 2000
# What a visitor can make these say, by sending nonsense, is worth this many lines and no more.
_PROVOKED = ("reflex", "engineio", "socketio", "uvicorn.error", "financial_live.handlers")
_LINES, _PER_S = 20, 60.0

_QUERY = re.compile(r"(/[^\s\"'?]*)\?[^\s\"']+")
_QUOTED = re.compile(
    r"(Event\(|Event data|Error transforming event|Failed to deserialize|'token'|\"token\").*",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class SafeLines(logging.Formatter):
    """Formats a record so that it looks like one record, and says nothing secret."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record; all but the first, as of a traceback, are indented."""
        text = super().format(record)
        if record.name.startswith(_PROVOKED):
            text = _QUOTED.sub("… (what was sent is not logged)", text)
        text = _CONTROL.sub(_visible, _QUERY.sub(r"\1?…", text))
        lines = [line[:MAX_LINE] for line in text.split("\n")]
        return "\n    ".join(lines)


def _visible(character: re.Match[str]) -> str:
    return repr(character[0])[1:-1]


class Sparing(logging.Filter):
    """Lets through so many records a minute of those that visitors can provoke."""

    def __init__(self) -> None:
        super().__init__()
        self._until = 0.0
        self._left = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is logged."""
        if not record.name.startswith(_PROVOKED):
            return True
        now = time.monotonic()
        if now >= self._until:
            self._until, self._left = now + _PER_S, _LINES
        self._left -= 1
        if self._left == 0:
            record.msg, record.args = "more of this kind is not logged for a minute", ()
            record.exc_info = record.exc_text = None
        return self._left >= 0


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration that uvicorn applies before the application is loaded."""
    chatter = "DEBUG" if level == "debug" else "WARNING"
    # One line for each socket that opens or closes says nothing that the metrics do not.
    loggers = {name: {"level": chatter} for name in ("uvicorn.error", "alembic")}
    # Without a level these add a handler of their own, which says everything, and every time.
    loggers |= {name: {"level": "ERROR"} for name in ("engineio.server", "socketio.server")}
    handler = {"class": "logging.StreamHandler", "formatter": "line", "filters": ["sparing"]}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"sparing": {"()": Sparing}},
        "formatters": {"line": {"()": SafeLines, "fmt": _FORMAT}},
        "handlers": {"stderr": handler},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": loggers,
    }
