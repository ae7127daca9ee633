"""Joining a running instance, or starting the parts for a moment."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from financial_live.config import Settings
from financial_live.embedded.folder import DataFolder
from financial_live.embedded.part import Part
from financial_live.embedded.postgres import Postgres
from financial_live.embedded.valkey import Valkey


@contextmanager
def joined_or_started(settings: Settings) -> Iterator[Settings]:
    """Give settings with both addresses: those set, else a running instance's, else our own parts.

    Parts started here end with the context. Raises ConfigError when an instance is just starting
    in the same folder, or a part does not start.
    """
    if settings.database_url and settings.redis_url:
        yield settings
        return
    folder = DataFolder(settings.data_dir)
    if instance := folder.running():
        yield with_addresses(settings, instance.database_url, instance.redis_url)
        return
    with folder.lock(), _started(settings, folder) as (database_url, redis_url):
        yield with_addresses(settings, database_url, redis_url)


def with_addresses(settings: Settings, database_url: str, redis_url: str) -> Settings:
    """Return the settings with those addresses that they leave open filled in."""
    return settings.model_copy(
        update={
            "database_url": settings.database_url or SecretStr(database_url),
            "redis_url": settings.redis_url or SecretStr(redis_url),
        }
    )


def wanted_parts(settings: Settings, folder: DataFolder) -> list[Part]:
    """Return the parts that the settings do not replace, in the order to start them."""
    parts: list[Part] = []
    if settings.database_url is None:
        parts.append(Postgres(folder))
    if settings.redis_url is None:
        parts.append(Valkey(folder))
    return parts


@contextmanager
def _started(settings: Settings, folder: DataFolder) -> Iterator[tuple[str, str]]:
    with contextlib.ExitStack() as stack:
        urls = {"PostgreSQL": "", "Valkey": ""}
        for part in wanted_parts(settings, folder):
            stack.callback(part.stop)
            part.start()
            urls[part.title] = part.url
        yield urls["PostgreSQL"], urls["Valkey"]
