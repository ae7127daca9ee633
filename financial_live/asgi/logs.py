"""The worker's log: one line each on standard error, without query strings.

The address of the event socket carries the visitor's token, which is as good as a password for
as long as the page is open.
"""

import logging
import re
from typing import Any

_QUERY = re.compile(r"(/[^\s\"'?]*)\?[^\s\"']+")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class WithoutQueries(logging.Formatter):
    """Formats a record and takes the query out of every path in it, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return _QUERY.sub(r"\1?…", super().format(record))


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration that uvicorn applies before the application is loaded."""
    chatter = "DEBUG" if level == "debug" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": WithoutQueries, "fmt": _FORMAT}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        # One line for each socket that opens or closes says nothing that the metrics do not.
        "loggers": {name: {"level": chatter} for name in ("uvicorn.error", "alembic")},
    }
