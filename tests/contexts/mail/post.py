"""A post office for the tests: it keeps what it is given, may refuse it, and can be waited on."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage

import sqlalchemy as sa
from sqlmodel import col

from financial_live import db
from financial_live.contexts.accounts import Purpose
from financial_live.contexts.mail import Mail, Mailer, Transport

SENDER = "give@example.org"


@dataclass
class Post:
    """Keeps mails; ``refusal`` is raised instead, before or after keeping."""

    sent: list[EmailMessage] = field(default_factory=list)
    refusal: BaseException | None = None
    takes_and_refuses: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: EmailMessage, *, name: str) -> None:
        if self.refusal is None or self.takes_and_refuses:
            self.sent.append(message)
            self.arrived.set()
        if self.refusal is not None:
            raise self.refusal

    async def prune(self, before: datetime) -> None:
        self.sent = [one for one in self.sent if one["Date"].datetime >= before]

    def to(self) -> list[str]:
        return [str(message["To"]) for message in self.sent]


def link(purpose: Purpose, token: str) -> str:
    return f"https://give.example.org/{purpose}?token={token}"


def mailer(transport: Transport) -> Mailer:
    return Mailer(db.database().dsn, transport, sender=SENDER, links=link)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def token_in(message: EmailMessage) -> str:
    found = re.search(r"token=([\w-]+)", text_of(message))
    assert found is not None
    return found[1]


async def mails() -> list[Mail]:
    """Return all mails, in the order they were asked for."""
    async with db.transaction() as session:
        query = sa.select(Mail).order_by(col(Mail.position))
        fresh = query.execution_options(populate_existing=True)
        return list((await session.execute(fresh)).scalars())


async def place() -> None:
    """Give every event its place, as the relay does."""
    await execute("UPDATE outbox SET position = id WHERE position IS NULL")


async def execute(statement: str) -> None:
    async with db.transaction() as session:
        await (await session.connection()).exec_driver_sql(statement)


async def hurry() -> None:
    """Make every mail that waits for its next attempt due."""
    await execute("UPDATE mail SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")


async def send_all(sending: Mailer) -> None:
    """Collect what was asked for and try each mail that is due."""
    await place()
    await sending.collect()
    while await sending.send_next():
        pass
