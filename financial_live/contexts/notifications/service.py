"""The use cases of notifications."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel, col

from financial_live import db, rights
from financial_live.contexts import columns
from financial_live.contexts.notifications.models import Notification, NotificationKind
from financial_live.rights import Act
from financial_live.scope import Scope

MOST = 100
_table = SQLModel.metadata.tables["notification"]
_users = sa.table("user_account", sa.column("id", sa.Uuid))


async def notify(
    user_id: UUID | None, kind: NotificationKind, message: str, *, donation_id: UUID
) -> None:
    """Tell an account something, in the task's open transaction; nothing if it is gone."""
    if user_id is None:
        return
    values = (columns.new_id(), user_id, kind.value, message, donation_id, columns.now())
    names = ("id", "user_id", "kind", "message", "donation_id", "inserted_at")
    selected = [
        sa.literal(value, _table.c[name].type) for name, value in zip(names, values, strict=True)
    ]
    alive = sa.select(*selected).where(_users.c.id == user_id)
    async with db.transaction() as session:
        await session.execute(sa.insert(_table).from_select(names, alive))


async def list_notifications(scope: Scope) -> Sequence[Notification]:
    """Return the caller's last 100 notifications, the newest first. Raises Unauthorized."""
    user_id = rights.require_user(scope, Act.LIST_NOTIFICATIONS)
    query = sa.select(Notification).where(col(Notification.user_id) == user_id)
    async with db.reading() as session:
        found = await session.execute(query.order_by(col(Notification.id).desc()).limit(MOST))
        return found.scalars().all()
