"""Reading the mails that lie in the folder: all of them, or those to one's own address."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path

from financial_live import db, rights
from financial_live.contexts import accounts
from financial_live.contexts.mail import repo
from financial_live.contexts.mail.models import recipient_of
from financial_live.rights import Act
from financial_live.scope import Scope

_log = logging.getLogger(__name__)

MOST_OWN = 20


@dataclass(frozen=True, slots=True)
class MailFile:
    """A mail that lies in the folder; ``to`` is its address, ``text`` holds its link."""

    path: Path
    to: str
    subject: str
    sent_at: datetime
    text: str


async def files(scope: Scope, folder: Path) -> list[MailFile]:
    """Return the mails that lie in the folder, the newest first; the operator's, for their links.

    What cannot be read is left out. Raises Forbidden.
    """
    rights.require(scope, Act.FILES)
    return await asyncio.to_thread(lambda: _read_all(sorted(folder.glob("*.eml"), reverse=True)))


async def own_files(scope: Scope, folder: Path) -> list[MailFile]:
    """Return the mails that lie in the folder for the caller's own address, the newest first.

    Of the last 20 mails that the address was sent, those that are there and can be read: only their
    files are opened, however many others there are. There are none while the address is not
    proven, or where mails go to a server. Raises Unauthorized, Forbidden.
    """
    user_id = rights.require_user(scope, Act.OWN_FILES)
    user = await accounts.find_user(scope, user_id)
    if not user.is_verified:
        return []
    async with db.transaction() as session:
        sent = await repo.sent_to(session, recipient_of(user.email), most=MOST_OWN)
    paths = [folder / f"{mail.file_name}.eml" for mail in sent]
    found = await asyncio.to_thread(_read_all, paths)
    # The table says which files to open; whom a mail is to, it says itself.
    return [file for file in found if file.to.lower() == user.email]


def _read_all(paths: Iterable[Path]) -> list[MailFile]:
    read = (_read(path) for path in paths)
    return [file for file in read if file is not None]


def _read(path: Path) -> MailFile | None:
    try:
        return _parsed(path, path.read_bytes())
    except FileNotFoundError:
        return None  # It was too old, or somebody has removed it.
    except Exception as error:  # noqa: BLE001  One broken file must not hide the others.
        _log.warning("%s cannot be read: %s", path, type(error).__name__)
        return None


def _parsed(path: Path, content: bytes) -> MailFile:
    message = BytesParser(policy=policy.default).parsebytes(content)
    text = message.get_body(("plain",))
    addresses = ", ".join(address.addr_spec for address in message["To"].addresses)
    return MailFile(
        path,
        # The parser leaves the bytes of an address in another script as they are (RFC 6532).
        addresses.encode(errors="surrogateescape").decode(),
        str(message["Subject"]),
        message["Date"].datetime,
        str(text.get_content()) if text is not None else "",
    )
