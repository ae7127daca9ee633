"""The subcommands that work on the database: ``migrate``, ``demo`` and ``check``."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from sqlalchemy.exc import OperationalError, ProgrammingError

from financial_live import db, routes
from financial_live.cli.console import Console
from financial_live.cli.stopping import command_line
from financial_live.config import Settings
from financial_live.contexts import accounts, campaigns, donations
from financial_live.embedded import DataFolder, joined_or_started
from financial_live.errors import Unavailable
from financial_live.scope import Scope

_T = TypeVar("_T")
OPERATOR = Scope.operator("cli")


def migrate(settings: Settings, console: Console) -> None:
    """Bring the schema up to date."""
    with joined_or_started(settings) as reachable:
        bring_up_to_date(reachable)
        status = asyncio.run(db.migration_status(reachable.sqlalchemy_url))
    console.good(f"The database is at revision {status.current or 'none'}, the newest.")


def demo(settings: Settings, console: Console) -> None:
    """Load the demo campaigns, whatever is there already."""
    with joined_or_started(settings) as reachable:
        bring_up_to_date(reachable)
        loaded = asyncio.run(with_database(reachable, lambda: donations.load_demo(OPERATOR)))
    console.good(f"{loaded} demo campaigns loaded.")


def check(settings: Settings, console: Console) -> bool:
    """Prove from the rows that every total is right; return whether it is."""
    with joined_or_started(settings) as reachable:
        report = asyncio.run(with_database(reachable, lambda: donations.check(OPERATOR)))
    for problem in report.problems:
        console.bad(problem)
    counted = f"{report.campaigns} campaigns and {report.donations} gifts checked"
    if report.problems:
        console.note(f"{counted}: {len(report.problems)} problem(s).")
    else:
        console.good(f"{counted}: nothing to say.")
    return not report.problems


def bring_up_to_date(settings: Settings) -> None:
    """Migrate to the newest schema. Raises Unavailable when the database does not answer."""
    with _explained():
        asyncio.run(db.migrate(settings.sqlalchemy_url))


async def first_admin_link(settings: Settings) -> str | None:
    """Return a link by which the first admin is made, once; None if there is an admin."""
    async with _database(settings):
        token = await accounts.first_admin_token(OPERATOR)
    return None if token is None else f"{settings.site_url}{routes.WELCOME}#{token}"


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to try: how many demo campaigns were loaded now, and one that takes gifts."""

    loaded: int
    slug: str | None


async def offer_demo(settings: Settings, folder: DataFolder) -> Offer:
    """Load the demo campaigns into a database without any, and find one to give to.

    Only the first start of a data folder does: whoever deletes the last demo campaign does not
    want it back.
    """
    marker = folder.path / "demo-offered"
    async with _database(settings):
        loaded = 0
        if not marker.exists() and not (await _campaigns()).total:
            loaded = await donations.load_demo(OPERATOR)
        active = await _campaigns(status=campaigns.CampaignStatus.ACTIVE)
    marker.touch()
    return Offer(loaded, active.items[0].slug if active.items else None)


async def _campaigns(status: str | None = None) -> campaigns.Page[campaigns.Campaign]:
    return await campaigns.list_campaigns(OPERATOR, status=status, per_page=1)


async def with_database(settings: Settings, work: Callable[[], Awaitable[_T]]) -> _T:
    """Do ``work`` connected to the database. Raises Unavailable when that does not answer."""
    async with _database(settings):
        return await work()


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[None]:
    db.connect(settings.sqlalchemy_url, pool_size=2)
    try:
        with _explained():
            yield
    finally:
        await db.disconnect()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the database's absence into a sentence. The driver's words never hold the password."""
    try:
        yield
    except (OperationalError, Unavailable) as error:
        cause = error if isinstance(error, OperationalError) else error.__cause__
        if not isinstance(cause, OperationalError):
            raise
        reason = " ".join(str(cause.orig or cause).split())
        raise Unavailable(
            f"The database does not answer: {reason} Correct DATABASE_URL, or start PostgreSQL."
        ) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, psycopg.errors.UndefinedTable):
            raise
        raise Unavailable(
            f"The database has no tables yet. Type: {command_line('migrate')}"
        ) from error
