"""Doing something once, however often it is asked for.

The key's row is inserted in the transaction of the act itself, before the act. A second request
with the key waits on that row: if the first commits, the second reads its answer; if the first
fails, row and act are both gone, and the second acts. So a key is left behind exactly by what
really happened. The row comes before every other lock, because it is the first statement.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, rights
from financial_live.contexts import columns
from financial_live.contexts.idempotency_keys.models import KEY_LENGTH, IdempotencyKey
from financial_live.contexts.inputs import INVALID, is_storable_text
from financial_live.errors import Conflict, Invalid
from financial_live.rights import Act
from financial_live.scope import Scope

LIFETIME = timedelta(hours=24)

Response = dict[str, Any]


async def once(
    scope: Scope, key: str, body: Mapping[str, Any], act: Callable[[], Awaitable[Response]]
) -> tuple[Response, bool]:
    """Return what ``act`` answers, and False; or what it answered before under ``key``, and True.

    ``body`` is the request, ``act`` does it in the task's transaction and answers with JSON. Keys
    are the caller's own and last 24 hours. Raises Invalid if the key is not 1 to 255 printable
    characters, Conflict if it was used for another body, and MissingScope. An error of ``act``
    leaves no key.
    """
    rights.require(scope, Act.ONCE)
    _check(key)
    digest = _digest(body)
    async with db.transaction() as session:
        while not await _claim(session, scope, key, digest):
            # Whoever held the key has committed, so it can be read; unless it was pruned between.
            before = await _find(session, scope, key)
            if before is not None:
                return _replay(before, key, digest), True
        response = await act()
        await _answer(session, scope, key, response)
    return response, False


def _check(key: str) -> None:
    if not 0 < len(key) <= KEY_LENGTH or not is_storable_text(key):
        raise Invalid(
            {"idempotency_key": [f"{INVALID}: use 1 to {KEY_LENGTH} printable characters"]}
        )


def _digest(body: Mapping[str, Any]) -> str:
    """Return the hash of what is asked for, whatever the order of its fields."""
    text = json.dumps(dict(body), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


async def _claim(session: AsyncSession, scope: Scope, key: str, digest: str) -> bool:
    """Take the key if nobody has it, or its time is over; waits for one being taken right now."""
    moment = columns.now()
    claim = insert(IdempotencyKey).values(
        id=columns.new_id(),
        caller=scope.caller,
        key=key,
        body_hash=digest,
        response={},
        inserted_at=moment,
        expires_at=moment + LIFETIME,
    )
    renewed = ("body_hash", "response", "inserted_at", "expires_at")
    statement = claim.on_conflict_do_update(
        index_elements=["caller", "key"],
        set_={name: claim.excluded[name] for name in renewed},
        where=col(IdempotencyKey.expires_at) <= moment,
    ).returning(col(IdempotencyKey.id))
    return (await session.execute(statement)).scalar() is not None


def _is(scope: Scope, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(col(IdempotencyKey.caller) == scope.caller, col(IdempotencyKey.key) == key)


async def _find(session: AsyncSession, scope: Scope, key: str) -> sa.Row[Any] | None:
    query = sa.select(col(IdempotencyKey.body_hash), col(IdempotencyKey.response))
    return (await session.execute(query.where(_is(scope, key)))).one_or_none()


def _replay(before: sa.Row[Any], key: str, digest: str) -> Response:
    if before.body_hash != digest:
        raise Conflict(
            f"The idempotency key {key[:40]!r} was already used for a different request. "
            "Send a new key with a new request."
        )
    response: Response = before.response
    return response


async def _answer(session: AsyncSession, scope: Scope, key: str, response: Response) -> None:
    await session.execute(
        sa.update(IdempotencyKey).where(_is(scope, key)).values(response=response),
        execution_options={"synchronize_session": False},
    )


async def prune() -> int:
    """Delete the keys whose time is over, and return how many they were."""
    async with db.transaction() as session:
        gone = await session.execute(
            sa.delete(IdempotencyKey)
            .where(col(IdempotencyKey.expires_at) <= columns.now())
            .returning(col(IdempotencyKey.id)),
            execution_options={"synchronize_session": False},
        )
        return len(gone.all())
