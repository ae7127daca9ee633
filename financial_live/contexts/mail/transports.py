"""Where mails go: to a mail server, or where there is none into a folder."""

import asyncio
import logging
import os
import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from financial_live.config import Settings, is_loopback_host

_log = logging.getLogger(__name__)

_TIMEOUT_S = 20.0
# As the mailer names them: a mail's id and the attempt.
_OURS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]+\.(eml|new)")


class Transport(Protocol):
    """Takes a mail away, for good."""

    async def send(self, message: EmailMessage, *, name: str) -> None:
        """Send ``message``, whose ``name`` differs from all others'. Raises if it is not taken."""

    async def prune(self, before: datetime) -> None:
        """Delete the mails of before this moment, where they are kept on this machine."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server. Without TLS nothing is sent, unless the server is this very machine."""

    host: str
    port: int
    user: str | None
    password: str | None
    is_tls: bool
    needs_starttls: bool

    @classmethod
    def of(cls, url: str) -> "Smtp":
        """Read ``smtp://user:password@host:587`` or ``smtps://…``, as the settings checked it."""
        parts = urlsplit(url)
        host, is_tls = parts.hostname or "", parts.scheme == "smtps"
        return cls(
            host,
            parts.port or (465 if is_tls else 587),
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            is_tls,
            needs_starttls=not is_tls and not is_loopback_host(host),
        )

    def __repr__(self) -> str:
        """Say which server, and not the password."""
        return f"Smtp({self.host}:{self.port})"

    async def send(self, message: EmailMessage, *, name: str) -> None:
        """Send a mail. Raises SMTPException or OSError."""
        # The envelope is given: nothing in a header may add somebody who gets it too.
        await aiosmtplib.send(
            message,
            sender=message["From"].addresses[0].addr_spec,
            recipients=[message["To"].addresses[0].addr_spec],
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_tls=self.is_tls,
            start_tls=self.needs_starttls,
            timeout=_TIMEOUT_S,
        )

    async def prune(self, before: datetime) -> None:
        """Do nothing: the server has them."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of ``.eml`` files, which only the program's own user may read."""

    path: Path

    async def send(self, message: EmailMessage, *, name: str) -> None:
        """Write a mail into a file. Raises OSError."""
        await asyncio.to_thread(self._write, message.as_bytes(policy=policy.SMTPUTF8), name)

    def _write(self, content: bytes, name: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.path / f"{name}.new"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        draft.replace(self.path / f"{name}.eml")

    async def prune(self, before: datetime) -> None:
        """Delete the mails written before this moment, half or whole, and nothing else."""
        await asyncio.to_thread(self._prune, before.timestamp())

    def _prune(self, before_s: float) -> None:
        for path in self.path.glob("*"):
            if _OURS.fullmatch(path.name):
                _remove_old(path, before_s)


def _remove_old(path: Path, before_s: float) -> None:
    try:
        if path.lstat().st_mtime < before_s:
            path.unlink()
    except FileNotFoundError:
        pass  # Somebody else has removed it.
    except OSError as error:
        _log.warning("%s cannot be deleted: %s", path, error.strerror)


def folder_of(settings: Settings) -> Path:
    """Return where mails lie when there is no mail server."""
    return settings.data_dir / "mail"


def transport_of(settings: Settings) -> Transport:
    """Return where the settings send mails."""
    url = settings.secret("smtp_url")
    return Smtp.of(url) if url else Folder(folder_of(settings))


def sender_of(settings: Settings) -> str:
    """Return the address that mails come from."""
    host = urlsplit(settings.public_url or "").hostname or "localhost"
    return settings.mail_from or f"no-reply@{host}"
