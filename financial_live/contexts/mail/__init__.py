"""Mail: what accounts ask for is sent, sooner or later, and the links in it made then."""

from financial_live.contexts.mail.files import MailFile, files, own_files
from financial_live.contexts.mail.letters import LETTERS, Letter
from financial_live.contexts.mail.models import Mail
from financial_live.contexts.mail.service import Links, Mailer, prune
from financial_live.contexts.mail.transports import (
    Folder,
    Smtp,
    Transport,
    folder_of,
    sender_of,
    transport_of,
)

__all__ = [
    "LETTERS",
    "Folder",
    "Letter",
    "Links",
    "Mail",
    "MailFile",
    "Mailer",
    "Smtp",
    "Transport",
    "files",
    "folder_of",
    "own_files",
    "prune",
    "sender_of",
    "transport_of",
]
