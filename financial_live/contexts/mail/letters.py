"""What mails say, as text and as HTML.

No letter repeats anything that somebody typed, a name say: who registers another's address must not
be able to have us send that person a text of their own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from financial_live.config import is_mailbox
from financial_live.contexts.accounts import TOKEN_LIFETIMES, Purpose


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's words: paragraphs, a link between them, and what the link is for."""

    purpose: Purpose
    subject: str
    before: str
    action: str
    after: str


_NOT_YOU = "If it was not you, ignore this mail. Nothing changes then."
_RESET = "Choose a new password"

# By the name of the event that asks for it.
LETTERS = {
    "user_registered": Letter(
        Purpose.VERIFY,
        "Prove your e-mail address",
        "Somebody registered with this address. If it was you, open this page and enter the "
        "password that you chose.",
        "Prove this address",
        "If it was not you, ignore this mail: without your proof nobody gets in.",
    ),
    "verification_requested": Letter(
        Purpose.VERIFY,
        "Prove your e-mail address",
        "You asked for another link to prove this address. Open the page and enter the password "
        "that you chose.",
        "Prove this address",
        _NOT_YOU,
    ),
    "registered_again": Letter(
        Purpose.RESET,
        "You have an account already",
        "Somebody tried to register with this address, which has an account. If it was you, log "
        "in. If you do not know your password any more, choose a new one here.",
        _RESET,
        _NOT_YOU,
    ),
    "reset_requested": Letter(
        Purpose.RESET,
        _RESET,
        "Here you can choose a password for your account. It ends all sessions there are.",
        _RESET,
        _NOT_YOU,
    ),
    "member_invited": Letter(
        Purpose.INVITE,
        "You are invited into the team of a campaign",
        "Somebody who runs a campaign invites you into its team. Open this page and log in with "
        "the account of this address; if you have none, register it first.",
        "Join the team",
        "If you expect no invitation, ignore this mail. Nothing changes then.",
    ),
}


def message(
    letter: Letter, *, sender: str, recipient: str, link: str, message_id: str, moment: datetime
) -> EmailMessage:
    """Return the letter as a mail, in text and HTML. Raises ValueError for what is no address."""
    mail = EmailMessage()
    mail["From"] = _address(sender)
    mail["To"] = _address(recipient)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(moment)
    mail["Message-ID"] = message_id
    # Answering machines leave what a machine has sent alone (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(letter, link))
    mail.add_alternative(_html(letter, link), subtype="html")
    return mail


def _address(text: str) -> Address:
    if not is_mailbox(text):
        raise ValueError("not one e-mail address")
    name, _, host = text.partition("@")
    return Address(username=name, domain=host)


def _ends(letter: Letter) -> str:
    return f"The link works once, for {_span(TOKEN_LIFETIMES[letter.purpose])}."


def _span(time: timedelta) -> str:
    amount, unit = (time.days, "day") if time.days else (time.seconds // 3600, "hour")
    return f"{amount} {unit}" if amount == 1 else f"{amount} {unit}s"


def _text(letter: Letter, link: str) -> str:
    return f"{letter.before}\n\n{link}\n\n{_ends(letter)} {letter.after}\n"


def _html(letter: Letter, link: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(letter.subject)}</title></head>"
        f'<body style="font: 16px/1.5 sans-serif; color: #1c2b24; max-width: 36rem">'
        f"<p>{escape(letter.before)}</p>"
        f'<p><a href="{escape(link)}">{escape(letter.action)}</a></p>'
        f"<p>{escape(_ends(letter))} {escape(letter.after)}</p></body></html>\n"
    )
