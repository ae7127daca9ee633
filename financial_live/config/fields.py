"""What can be set. The rules that the values must follow are ``Settings``'."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from financial_live.config.rates import GivenRate, Rate
from financial_live.errors import ConfigError

Environment = Literal["development", "production"]
TlsMode = Literal["disable", "require", "verify-ca", "verify-full"]
LogLevel = Literal["debug", "info", "warning", "error"]


def default_data_dir() -> Path:
    """Return where data is kept unless something else is said. Raises ConfigError."""
    try:
        home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    except RuntimeError as error:
        raise ConfigError(
            "This user has no home folder. Set FINANCIAL_LIVE_DATA_DIR, or use --data-dir FOLDER."
        ) from error
    return Path(home) / "financial_live"


class Fields(BaseSettings):
    """Every setting: its name in the environment, its default, and what it is."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        validate_default=True,
    )

    # This one is first, because the rules of the others depend on it.
    env: Environment = Field(
        default="development",
        validation_alias="FINANCIAL_LIVE_ENV",
        description="`development` or `production`. Production refuses to start half configured, "
        "loads no demo and grants nobody the operator's rights.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL to use instead of the embedded one: "
        "`postgresql://user:password@host:5432/name`. Required in production.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias="REDIS_URL",
        description="Valkey or Redis to use instead of the embedded one: "
        "`redis://:password@host:6379/0`. Required in production.",
    )
    pool_size: int = Field(
        default=10,
        validation_alias="POOL_SIZE",
        description="Database connections of each worker, at least 2.",
    )
    database_tls: TlsMode | None = Field(
        default=None,
        validation_alias="DATABASE_TLS",
        description="TLS to PostgreSQL: `disable`, `require`, `verify-ca` or `verify-full`. In "
        "production `verify-full` unless this or the address says otherwise.",
    )
    database_ca_file: Path | None = Field(
        default=None,
        validation_alias="DATABASE_CA_FILE",
        description="File with the certificates that may sign PostgreSQL's own; by default those "
        "the system trusts.",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        validation_alias="ALLOWED_ORIGINS",
        description="Comma-separated origins whose pages may use this server, such as "
        "`https://give.example.org`. The server's own address need not be listed in "
        "development. Required in production.",
    )
    public_url: str | None = Field(
        default=None,
        validation_alias="PUBLIC_URL",
        description="Where people reach the site, such as `https://give.example.org`: what the "
        "links in mails begin with. Required in production.",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        validation_alias="SMTP_URL",
        description="Mail server: `smtp://user:password@host:587` with STARTTLS, or `smtps://` "
        "for TLS from the start. Without it mails are files in the data folder.",
    )
    mail_from: str | None = Field(
        default=None,
        validation_alias="MAIL_FROM",
        description="Address that mails come from. Required with SMTP_URL.",
    )
    proxy_hops: int = Field(
        default=0,
        ge=0,
        le=10,
        validation_alias="PROXY_HOPS",
        description="How many proxies of yours every request passes: so many entries at the end of "
        "X-Forwarded-For are believed, to tell visitors' addresses apart.",
    )
    rate_limit_mailing: GivenRate = Field(
        default=Rate(30, "min", 100),
        validation_alias="RATE_LIMIT_MAILING",
        description="How often one address may register, or ask for a link by mail.",
    )
    rate_limit_login: GivenRate = Field(
        default=Rate(5, "s", 300),
        validation_alias="RATE_LIMIT_LOGIN",
        description="How often one address may log in, or use a link that was mailed.",
    )
    rate_limit_giving: GivenRate = Field(
        default=Rate(100, "s", 300),
        validation_alias="RATE_LIMIT_GIVING",
        description="How often one address may give.",
    )
    rate_limit_requests: GivenRate = Field(
        default=Rate(200, "s", 600),
        validation_alias="RATE_LIMIT_REQUESTS",
        description="How many requests for programs one address may send.",
    )
    rate_limit_token: GivenRate = Field(
        default=Rate(100, "s", 300),
        validation_alias="RATE_LIMIT_TOKEN",
        description="How many requests may come by one API token.",
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias="FINANCIAL_LIVE_HOST",
        description="Address to listen on. `0.0.0.0` is every address of this machine.",
    )
    port: int = Field(
        default=8000,
        validation_alias="FINANCIAL_LIVE_PORT",
        description="Port to listen on; 0 takes any free one.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        validation_alias="FINANCIAL_LIVE_DATA_DIR",
        description="Folder of the embedded databases, the built frontend and the logs; by "
        "default `financial_live` in the user's data folder.",
    )
    frontend_dir: Path | None = Field(
        default=None,
        validation_alias="FINANCIAL_LIVE_FRONTEND_DIR",
        description="Folder of a frontend built before, to serve instead of building one.",
    )
    log_level: LogLevel = Field(
        default="info",
        validation_alias="LOG_LEVEL",
        description="`debug`, `info`, `warning` or `error`.",
    )
