"""The mailer: sends what events ask for, at least once each.

It reads the outbox by a cursor of its own. In the transaction that moves the cursor each event that
asks for a mail becomes a row of ``mail``, so none is overlooked and none comes twice. A row is then
claimed, which counts an attempt and sets when the next one would be; sent; and marked. Whoever dies
in between leaves a mail that is due again later, and one that kills its sender or its server does
so ever more rarely, while others go on.

The single-use token is made at each attempt. Neither the table nor a log holds an address or a
token.

An address is sent 5 mails an hour and 20 a day at most, whatever they are about and whoever asks. A
mail over that is given up, and nobody is told, or the answer would tell who has an account. Links
that were mailed before go on working, and once there is room again, who asks gets another. There is
one mailer, and it looks when it sends, so the cap is exact: what comes on top is only a mail that
is sent again because nobody knows whether it has arrived.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import aiosmtplib
import psycopg
from psycopg.rows import TupleRow

from financial_live import db, outbox
from financial_live.contexts import accounts, campaigns, columns
from financial_live.contexts.accounts import Purpose
from financial_live.contexts.mail import repo
from financial_live.contexts.mail.letters import LETTERS, message
from financial_live.contexts.mail.models import Mail, recipient_of
from financial_live.contexts.mail.transports import Transport
from financial_live.errors import NotFound
from financial_live.scope import Scope

_log = logging.getLogger(__name__)

READER = "mail"
POLL_S = 0.5
MAX_ATTEMPTS = 50
OVER_CAP = "its address was sent as many as it may be"
# Who asks again within this time gets one mail.
_APART = timedelta(minutes=1)
# So many mails within such a time, to one address.
_CAPS = ((5, timedelta(hours=1)), (20, timedelta(days=1)))
_MOST = max(most for most, _ in _CAPS)
_FIRST_PAUSE_S = 10
_LONGEST_PAUSE_S = 600
_KEPT = timedelta(days=7)
_BATCH = 20
_PRUNE_S = 3600.0
_STANDBY_S = 1.0
# Any number, the same in every worker: who holds this lock is the mailer.
_LOCK_KEY = 7_254_002_044
_SCOPE = Scope.operator("mailer")


class _OverCap(Exception):
    """The address was sent as many mails as it may be."""


Links = Callable[[Purpose, str], str]
"""Returns the whole address of the page that takes a token for a purpose."""


class Mailer:
    """Sends mails. Run one in every worker: the holder of the advisory lock works."""

    def __init__(self, dsn: str, transport: Transport, *, sender: str, links: Links) -> None:
        self._dsn = dsn
        self._transport = transport
        self._sender = sender
        self._links = links

    async def run(self) -> None:
        """Send until cancelled. Raises OperationalError or Unavailable without the database."""
        async with await psycopg.AsyncConnection.connect(
            self._dsn, autocommit=True, application_name="financial_live mailer", **db.KEEPALIVE
        ) as connection:
            while not await _try_lock(connection):  # noqa: ASYNC110  The lock is in the database.
                await asyncio.sleep(_STANDBY_S)
            next_prune = time.monotonic()
            while True:
                # A connection that is lost took the lock along, and another may be at work.
                await connection.execute("SELECT 1")
                await self.collect()
                for _ in range(_BATCH):
                    if not await self.send_next():
                        break
                if time.monotonic() >= next_prune:
                    next_prune = time.monotonic() + _PRUNE_S
                    await prune(self._transport)
                await asyncio.sleep(POLL_S)

    async def collect(self) -> int:
        """Write down the mails that new events ask for; return how many."""
        async with db.transaction() as session:
            asked = await outbox.read(READER, LETTERS)
            mails = [_mail(event) for event in asked]
            return sum([await repo.add(session, mail, apart=_APART) for mail in mails])

    async def send_next(self) -> bool:
        """Try the mail that has been due for longest; False if none is due. A failure is noted."""
        mail = await _claim(columns.now())
        if mail is None:
            return False
        try:
            email = await self._send(mail)
        except NotFound:
            # Nobody has this account, its address was proven or the invitation ended meanwhile.
            await _drop(mail.id)
        except _OverCap:
            await _withhold(mail)
        except Exception as error:  # noqa: BLE001  One mail must not hold up the others.
            await _failed(mail, error)
        else:
            await _sent(mail, email)
        return True

    async def _send(self, mail: Mail) -> str:
        """Send a mail and return the address. Raises NotFound, _OverCap, or what went wrong."""
        letter = LETTERS[mail.kind]
        email, token = await _link(mail, letter.purpose)
        await self._transport.send(
            message(
                letter,
                sender=self._sender,
                recipient=email,
                link=self._links(letter.purpose, token),
                # Another at each attempt: a mailbox that saw the first must not hide the second,
                # whose link may be the only one that works.
                message_id=f"<{mail.file_name}@{self._sender.rpartition('@')[2]}>",
                moment=columns.now(),
            ),
            name=mail.file_name,
        )
        return email


async def _link(mail: Mail, purpose: Purpose) -> tuple[str, str]:
    """Return the address that a mail goes to, and the token of its link.

    Raises NotFound, and _OverCap, which leaves an earlier link as it is.
    """
    # Over the cap nothing of this is committed.
    async with db.transaction() as session:
        email, token = await _issue(mail, purpose)
        now = columns.now()
        sent = await repo.sent_to(session, recipient_of(email), most=_MOST)
        times = [one.sent_at for one in sent if one.sent_at is not None]
        if any(len(times) >= most and times[most - 1] > now - span for most, span in _CAPS):
            raise _OverCap
        return email, token


async def _issue(mail: Mail, purpose: Purpose) -> tuple[str, str]:
    if mail.user_id is None:
        return await campaigns.issue_invitation(_SCOPE, UUID(mail.data["invitation_id"]))
    user, token = await accounts.issue_link(_SCOPE, mail.user_id, purpose)
    return user.email, token


def _mail(event: outbox.OutboxEvent) -> Mail:
    assert event.position is not None
    return Mail(
        position=event.position,
        user_id=UUID(event.data["user_id"]) if "user_id" in event.data else None,
        kind=event.name,
        data=event.data,
        inserted_at=event.inserted_at,
    )


def pause(attempts: int) -> timedelta:
    """Return how long a mail waits that was tried so often before."""
    return timedelta(seconds=min(_FIRST_PAUSE_S * 2 ** min(attempts, 10), _LONGEST_PAUSE_S))


async def _claim(now: datetime) -> Mail | None:
    """Take a due mail: count the attempt, and set when there is another unless it succeeds."""
    async with db.transaction() as session:
        mail = await repo.next_due(session, now)
        if mail is not None:
            mail.next_attempt_at = now + pause(mail.attempts)
            mail.attempts += 1
            await session.flush()
        return mail


async def _sent(mail: Mail, email: str) -> None:
    async with db.transaction() as session:
        await repo.change(
            session,
            mail.id,
            recipient=recipient_of(email),
            sent_at=columns.now(),
            next_attempt_at=None,
            last_error=None,
        )


async def _withhold(mail: Mail) -> None:
    async with db.transaction() as session:
        await repo.change(session, mail.id, next_attempt_at=None, last_error=OVER_CAP)
    _log.warning("mail %s is not sent: %s", mail.id, OVER_CAP)


async def _failed(mail: Mail, error: Exception) -> None:
    reason = _reason(error)
    is_over = mail.attempts >= MAX_ATTEMPTS
    async with db.transaction() as session:
        changes = {"next_attempt_at": None} if is_over else {}
        await repo.change(session, mail.id, last_error=reason, **changes)
    outcome = "given up" if is_over else "tried again"
    _log.warning("mail %s failed %d times and is %s: %s", mail.id, mail.attempts, outcome, reason)


def _reason(error: Exception) -> str:
    """Say what went wrong without the server's words, which like to repeat the address."""
    code = f" {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    number = f" {error.errno}" if isinstance(error, OSError) and error.errno else ""
    return f"{type(error).__name__}{code}{number}"


async def _drop(mail_id: UUID) -> None:
    async with db.transaction() as session:
        await repo.remove(session, mail_id)


async def prune(transport: Transport) -> None:
    """Forget mails that were sent or given up a week ago, and the files they were written to."""
    before = columns.now() - _KEPT
    async with db.transaction() as session:
        await repo.remove_done(session, before=before)
    await transport.prune(before)


async def _try_lock(connection: psycopg.AsyncConnection[TupleRow]) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_KEY])
    row = await cursor.fetchone()
    return bool(row and row[0])
