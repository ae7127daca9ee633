"""The settings: the only place that reads the environment.

Every rule is a validator of its own field, so that one load finds all that is wrong at once and
says it in one message. Secrets are ``SecretStr`` and the messages never repeat a value that may
hold one.
"""

import difflib
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import (
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from financial_live.config.addresses import (
    is_loopback_host,
    is_mailbox,
    is_origin,
    is_redis_url,
    is_smtp_url,
    is_socket,
    network_of,
    postgres_url,
    system_certificates,
    visitor_address,
)
from financial_live.config.fields import Fields, TlsMode, default_data_dir
from financial_live.config.rates import Rate
from financial_live.errors import ConfigError

__all__ = [
    "Rate",
    "Settings",
    "get_settings",
    "is_loopback_host",
    "is_mailbox",
    "is_origin",
    "network_of",
    "visitor_address",
]

_T = TypeVar("_T")

_OWN_PREFIX = "FINANCIAL_LIVE_"


class Settings(Fields):
    """What the environment and the command line ask for, checked. Make it with ``load``."""

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the environment; an override that is not None replaces what it says.

        Raises ConfigError with one line for each missing or wrong setting.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        problems: list[str] = []
        settings: Self | None = None
        try:
            settings = cls(**given)
        except ValidationError as error:
            problems = [_sentence(cls, one) for one in error.errors(include_input=False)]
        if given.get("env", os.environ.get("FINANCIAL_LIVE_ENV")) == "production":
            problems += _unknown_names(os.environ, cls.names())
        if settings is None or problems:
            raise ConfigError(_message(problems))
        return settings

    @classmethod
    def names(cls) -> dict[str, str]:
        """Return every environment variable with what it does, as the documentation lists them."""
        return {_name_of(cls, field): one.description or "" for field, one in _fields(cls)}

    @property
    def sqlalchemy_url(self) -> str:
        """PostgreSQL's address for SQLAlchemy and psycopg, with TLS applied. Holds the password.

        Raises ConfigError when there is no address: no embedded PostgreSQL was started either.
        """
        if self.database_url is None:
            raise ConfigError(
                "There is no database. Set DATABASE_URL, or use `financial-live run`."
            )
        url = postgres_url(self.database_url.get_secret_value())
        return url.update_query_dict(self._tls_options(url)).render_as_string(hide_password=False)

    @property
    def is_production(self) -> bool:
        """Whether FINANCIAL_LIVE_ENV is `production`."""
        return self.env == "production"

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine can reach the address listened on."""
        return is_loopback_host(self.host)

    @property
    def serves_this_machine(self) -> bool:
        """Whether it is for this machine alone: on loopback, outside production.

        A listed origin elsewhere means that a proxy passes visitors on, who only seem to be here.
        """
        hosts = [urlsplit(origin).hostname or "" for origin in self.allowed_origins]
        return not self.is_production and all(map(is_loopback_host, [self.host, *hosts]))

    @property
    def site_url(self) -> str:
        """What links to the site begin with: PUBLIC_URL, or the address it listens on."""
        return (
            self.public_url
            or f"http://{'localhost' if self.is_loopback else self.host}:{self.port}"
        )

    @staticmethod
    def default_data_dir() -> Path:
        """Return the data folder that is used when none is asked for."""
        return default_data_dir()

    def secret(self, field: Literal["database_url", "redis_url", "smtp_url"]) -> str:
        """Return an address as it was given, with its password; empty when there is none."""
        value: SecretStr | None = getattr(self, field)
        return value.get_secret_value() if value else ""

    def environment(self) -> dict[str, str]:
        """Return these settings as environment variables, for a worker. Holds the passwords."""
        values = {_name_of(type(self), name): getattr(self, name) for name, _ in _fields(self)}
        return {name: _as_text(value) for name, value in values.items() if value not in (None, ())}

    def _tls_options(self, url: URL) -> dict[str, str]:
        mode = self.database_tls or self._default_tls(url)
        if mode is None or is_socket(url):
            return {}
        if not mode.startswith("verify"):
            return {"sslmode": mode}
        return {
            "sslmode": mode,
            "sslrootcert": str(self.database_ca_file or system_certificates()),
        }

    def _default_tls(self, url: URL) -> TlsMode | None:
        if "sslmode" in url.query:
            return None
        return "verify-full" if self.is_production else None

    @field_validator("env", "database_tls", "log_level", mode="before")
    @classmethod
    def _one_of(cls, value: Any, info: ValidationInfo) -> Any:
        choices = _choices(cls, info)
        text = value.strip().lower() if isinstance(value, str) else value
        if text is not None and text not in choices:
            raise ValueError(f"is {text!r}. Use one of {', '.join(choices)}.")
        return text

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return _required(value, info, "Set it to postgresql://user:password@host:5432/name.")
        try:
            postgres_url(value.get_secret_value())
        except (ArgumentError, ValueError):
            # The cause is dropped: it may repeat the address, and with it the password.
            raise ValueError(
                "is not an address of PostgreSQL. Write postgresql://user:password@host:5432/name, "
                "with special characters of the password percent-encoded."
            ) from None
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return _required(value, info, "Set it to redis://:password@host:6379/0.")
        if not is_redis_url(value.get_secret_value()):
            raise ValueError(
                "is not an address of Valkey or Redis. Write redis://:password@host:6379/0, or "
                "rediss:// for TLS."
            )
        return value

    @field_validator("pool_size", "port", mode="before")
    @classmethod
    def _whole_number(cls, value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,9}", value.strip()):
            raise ValueError(f"is {value!r}. Use a whole number.")
        return value

    @field_validator("pool_size")
    @classmethod
    def _pool_holds_two(cls, value: int) -> int:
        # A request needs a second connection while its first one waits for a lock.
        if value < 2:
            raise ValueError(f"is {value}. Use 2 or more; 10 suits most.")
        return value

    @field_validator("port")
    @classmethod
    def _is_port(cls, value: int) -> int:
        if not 0 <= value <= 65535:
            raise ValueError(f"is {value}. Use 1 to 65535, or 0 for any free port.")
        return value

    @field_validator("database_ca_file")
    @classmethod
    def _ca_file_exists(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"names {value}, which is not a file. Correct the path or unset it.")
        return value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not value:
            return _required(value, info, "List your site, such as https://give.example.org.")
        if wrong := [origin for origin in value if not is_origin(origin)]:
            raise ValueError(
                f"lists {', '.join(map(repr, wrong))}. Write each as scheme://host or "
                "scheme://host:port, and no `*`: it would let every site act for your visitors."
            )
        return tuple(origin.lower() for origin in value)

    @field_validator("public_url")
    @classmethod
    def _is_public(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return _required(value, info, "Set it to your site, such as https://give.example.org.")
        if not is_origin(value.strip().rstrip("/")):
            raise ValueError(f"is {value!r}. Write scheme://host or scheme://host:port.")
        return value.strip().rstrip("/").lower()

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_smtp_url(value.get_secret_value()):
            raise ValueError(
                "is not an address of a mail server. Write smtp://user:password@host:587, with "
                "special characters of the password percent-encoded, or smtps:// for TLS."
            )
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_mailbox(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("smtp_url") is not None:
            raise ValueError("is missing; SMTP_URL needs it. Set it to no-reply@example.org.")
        if value is not None and not is_mailbox(value.strip()):
            raise ValueError(f"is {value!r}. Write one e-mail address, such as give@example.org.")
        return value.strip() if value is not None else None

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        host = value.strip().removeprefix("[").removesuffix("]")
        if not host or "/" in host or " " in host:
            raise ValueError(f"is {value!r}. Use an address such as 127.0.0.1 or 0.0.0.0.")
        return host

    @field_validator("data_dir", "frontend_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else Path(os.path.abspath(value.expanduser()))


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return this process's settings, read once. Raises ConfigError like ``Settings.load``."""
    return Settings.load()


def _required(value: _T, info: ValidationInfo, advice: str) -> _T:
    if info.data.get("env") == "production":
        raise ValueError(f"is missing; production needs it. {advice}")
    return value


def _fields(settings: Settings | type[Settings]) -> Iterable[tuple[str, Any]]:
    return (settings if isinstance(settings, type) else type(settings)).model_fields.items()


def _name_of(cls: type[Settings], field: str) -> str:
    return str(cls.model_fields[field].validation_alias)


def _choices(cls: type[Settings], info: ValidationInfo) -> tuple[str, ...]:
    annotation = cls.model_fields[str(info.field_name)].annotation
    options = get_args(annotation)
    nested = [word for option in options for word in get_args(option)]
    return tuple(nested or options)


def _as_text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _sentence(cls: type[Settings], error: Any) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    name = _name_of(cls, field) if field in cls.model_fields else field
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{name} {text if error['type'] == 'value_error' else f'is wrong: {text}.'}"


def _unknown_names(environ: Iterable[str], known: dict[str, str]) -> list[str]:
    unknown = sorted(n for n in environ if n.startswith(_OWN_PREFIX) and n not in known)
    return [_not_a_setting(name, known) for name in unknown]


def _not_a_setting(name: str, known: dict[str, str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else "Unset it."
    return f"{name} is not a setting. {hint}"


def _message(problems: list[str]) -> str:
    return "\n".join(["These settings are missing or wrong:", *(f"  - {p}" for p in problems)])
