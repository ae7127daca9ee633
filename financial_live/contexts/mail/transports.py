"""Where mails go: to a mail server, or where there is none into a folder."""

import asyncio
import os
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from financial_live import rights
from financial_live.config import Settings, is_loopback_host
from financial_live.rights import Act
from financial_live.scope import Scope

_TIMEOUT_S = 20.0


class Transport(Protocol):
    """Takes a mail away, for good."""

    async def send(self, message: EmailMessage, *, name: str) -> None:
        """Send ``message``, whose ``name`` differs from all others'. Raises if it is not taken."""


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


@dataclass(frozen=True, slots=True)
class MailFile:
    """A mail that lies in the folder; ``text`` holds its link."""

    path: Path
    to: str
    subject: str
    date: str
    text: str


async def files(scope: Scope, folder: Path) -> list[MailFile]:
    """Return the mails that lie in the folder, the newest first; the operator's, for their links.

    Raises Forbidden.
    """
    rights.require(scope, Act.FILES)
    return await asyncio.to_thread(_read_all, folder)


def _read_all(folder: Path) -> list[MailFile]:
    return [_read(path) for path in sorted(folder.glob("*.eml"), reverse=True)]


def _read(path: Path) -> MailFile:
    message = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
    text = message.get_body(("plain",))
    return MailFile(
        path,
        str(message["To"]),
        str(message["Subject"]),
        str(message["Date"]),
        str(text.get_content()) if text is not None else "",
    )


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
