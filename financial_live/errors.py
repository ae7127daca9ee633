"""The errors a context raises and every door translates, each in one place.

An error has a stable ``code`` for programs, an HTTP ``status``, a ``message`` for people that says
what is wrong and what to do, and, for rejected input, ``fields``: a map from field to messages.
"""

from collections.abc import Mapping


class AppError(Exception):
    """Something the caller can understand and act on. Never used for a defect of ours."""

    code = "error"
    status = 500

    def __init__(self, message: str, *, fields: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields: dict[str, list[str]] = dict(fields or {})


class NotFound(AppError):
    """What was asked for is not there, or not for this caller."""

    code = "not_found"
    status = 404


class Invalid(AppError):
    """The input breaks a rule; ``fields`` names every wrong field at once."""

    code = "invalid"
    status = 422

    def __init__(self, fields: Mapping[str, list[str]], message: str | None = None) -> None:
        super().__init__(message or self._summary(fields), fields=fields)

    @staticmethod
    def _summary(fields: Mapping[str, list[str]]) -> str:
        return "; ".join(f"{name} {text}" for name, texts in fields.items() for text in texts)


class Conflict(AppError):
    """The request is well formed but the present state refuses it."""

    code = "conflict"
    status = 409


class Stale(Conflict):
    """What was to be changed is no longer what the caller saw."""

    code = "stale"
    status = 412


class Unauthorized(AppError):
    """The caller is not known: not logged in, or the address and password do not match."""

    code = "unauthorized"
    status = 401


class Forbidden(AppError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403


class MissingScope(Forbidden):
    """The API token is not for this; ``scope`` names what one must be for."""

    code = "insufficient_scope"

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


class TooMany(AppError):
    """The caller has tried too often; ``retry_after_s`` says in how many seconds it may again."""

    code = "too_many"
    status = 429

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(AppError):
    """A part this needs is not reachable now; trying again later is right."""

    code = "unavailable"
    status = 503


class ConfigError(AppError):
    """The settings, the data folder or the machine do not allow a start."""

    code = "config"
    status = 500
