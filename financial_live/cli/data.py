"""The subcommands that work on the database: ``migrate``, ``demo`` and ``check``."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from financial_live import db
from financial_live.cli.console import Console
from financial_live.config import Settings
from financial_live.contexts import campaigns, donations
from financial_live.embedded import DataFolder, joined_or_started
from financial_live.scope import Scope

_T = TypeVar("_T")
_OPERATOR = Scope.operator("cli")


def migrate(settings: Settings, console: Console) -> None:
    """Bring the schema up to date."""
    with joined_or_started(settings) as reachable:
        asyncio.run(db.migrate(reachable.sqlalchemy_url))
        status = asyncio.run(db.migration_status(reachable.sqlalchemy_url))
    console.good(f"The database is at revision {status.current or 'none'}, the newest.")


def demo(settings: Settings, console: Console) -> None:
    """Load the demo campaigns, whatever is there already."""
    with joined_or_started(settings) as reachable:
        asyncio.run(db.migrate(reachable.sqlalchemy_url))
        loaded = asyncio.run(_with_database(reachable, lambda: donations.load_demo(_OPERATOR)))
    console.good(f"{loaded} demo campaigns loaded.")


def check(settings: Settings, console: Console) -> bool:
    """Prove from the rows that every total is right; return whether it is."""
    with joined_or_started(settings) as reachable:
        report = asyncio.run(_with_database(reachable, lambda: donations.check(_OPERATOR)))
    for problem in report.problems:
        console.bad(problem)
    counted = f"{report.campaigns} campaigns and {report.donations} gifts checked"
    if report.problems:
        console.note(f"{counted}: {len(report.problems)} problem(s).")
    else:
        console.good(f"{counted}: nothing to say.")
    return not report.problems


async def load_demo_once(settings: Settings, folder: DataFolder) -> int:
    """Load the demo campaigns into a database without any; return how many.

    Only the first start of a data folder does: whoever deletes the last demo campaign does not
    want it back.
    """
    marker = folder.path / "demo-offered"
    if marker.exists():
        return 0
    async with _database(settings):
        present = await campaigns.list_campaigns(_OPERATOR, per_page=1)
        loaded = 0 if present.total else await donations.load_demo(_OPERATOR)
    marker.touch()
    return loaded


async def _with_database(settings: Settings, work: Callable[[], Awaitable[_T]]) -> _T:
    async with _database(settings):
        return await work()


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[None]:
    db.connect(settings.sqlalchemy_url, pool_size=2)
    try:
        yield
    finally:
        await db.disconnect()
