"""Every query about mails. Nothing here commits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live.contexts.mail.models import Mail

_QUIET = {"synchronize_session": False}


async def add(session: AsyncSession, mail: Mail, *, apart: timedelta) -> bool:
    """Store a mail; False if the same one waits already, or was asked for less than this before."""
    same = sa.exists().where(
        col(Mail.user_id).is_not_distinct_from(mail.user_id),
        col(Mail.kind) == mail.kind,
        col(Mail.data) == mail.data,
        sa.or_(
            col(Mail.next_attempt_at).is_not(None),
            col(Mail.inserted_at) > mail.inserted_at - apart,
        ),
    )
    if await session.scalar(sa.select(same)):
        return False
    session.add(mail)
    await session.flush()
    return True


async def next_due(session: AsyncSession, now: datetime) -> Mail | None:
    """Return the mail that has been due for longest, held; None if none is due."""
    query = (
        sa.select(Mail)
        .where(col(Mail.next_attempt_at) <= now)
        .order_by(col(Mail.next_attempt_at))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def sent_to(session: AsyncSession, recipient: str, *, most: int) -> Sequence[Mail]:
    """Return the mails that an address, given as its hash, was sent last, the newest first."""
    query = (
        sa.select(Mail)
        .where(col(Mail.recipient) == recipient, col(Mail.sent_at).is_not(None))
        .order_by(col(Mail.sent_at).desc(), col(Mail.id).desc())
        .limit(most)
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalars().all()


async def change(session: AsyncSession, mail_id: UUID, **values: Any) -> None:
    """Write columns of a mail."""
    statement = sa.update(Mail).where(col(Mail.id) == mail_id).values(**values)
    await session.execute(statement, execution_options=_QUIET)


async def remove(session: AsyncSession, mail_id: UUID) -> None:
    """Delete a mail."""
    statement = sa.delete(Mail).where(col(Mail.id) == mail_id)
    await session.execute(statement, execution_options=_QUIET)


async def remove_done(session: AsyncSession, *, before: datetime) -> None:
    """Delete the mails of before this moment that were sent by then, or given up."""
    statement = sa.delete(Mail).where(
        col(Mail.inserted_at) < before,
        col(Mail.next_attempt_at).is_(None),
        sa.func.coalesce(col(Mail.sent_at), col(Mail.inserted_at)) < before,
    )
    await session.execute(statement, execution_options=_QUIET)
