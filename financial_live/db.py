"""The database: one engine a process, and the transaction that every use case runs in.

``transaction()`` joins the one that the running task has already opened, and only the outermost
commits. So a context can call another inside its own transaction, and an event written to the
outbox by either becomes true together with the rows, or not at all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psycopg
import psycopg.errors
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import sending, telemetry
from financial_live.errors import Unavailable
from financial_live.sending import Driver, Statement

SQLModel.metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_index",
    "ck": "%(constraint_name)s",
}

# A statement that runs this long holds locks that a whole room waits for; better to fail it.
STATEMENT_TIMEOUT_MS = 30_000
# A machine that has vanished without a word is noticed in seconds, not in hours, and what it has
# locked is let go of: for the server a client's, for us the server's.
SERVER_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
_COMMON_OPTIONS = f"-c jit=off -c timezone=UTC {SERVER_KEEPALIVE}"
_SESSION_OPTIONS = f"{_COMMON_OPTIONS} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_ALEMBIC_CONFIG = Path(__file__).parent.parent / "pyproject.toml"
MIGRATION_LOCK = 4_718_201
MIGRATOR = "financial_live migrations"
_MIGRATION_POLL_S = 0.1
_TRUSTED_S = 1.0
_USED_AT = "financial_live_used_at"


class Database:
    """An engine with its pool. Open it in the process that uses it; it must not cross a fork."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            # What a statement was given is in no message: it may be an address or a password.
            hide_parameters=True,
            connect_args={
                "application_name": "financial_live",
                "options": _SESSION_OPTIONS,
                **KEEPALIVE,
            },
        )
        _ask_the_idle(self.engine.sync_engine)
        event.listen(self.engine.sync_engine, "before_cursor_execute", _send_before)
        telemetry.observe_queries(self.engine.sync_engine)
        self._sessions = async_sessionmaker(
            self.engine, class_=AsyncSession, expire_on_commit=False
        )
        each_alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._readers = async_sessionmaker(each_alone, class_=AsyncSession, expire_on_commit=False)

    @property
    def dsn(self) -> str:
        """The address as libpq understands it, for a connection outside the pool."""
        return libpq_url(self.url)

    def session(self) -> AsyncSession:
        """Return a new session on this engine."""
        return self._sessions()

    def reader(self) -> AsyncSession:
        """Return a new session each of whose statements is a transaction of its own."""
        return self._readers()

    async def finish(self, driver: Driver, last: list[Statement]) -> None:
        """Send the last statements of a transaction and its commit in one round trip."""
        await sending.send(driver, last, then=driver.commit)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()


def _ask_the_idle(engine: Engine) -> None:
    """Let the pool give out no connection that has died while nobody used it.

    One that was used a moment ago is not asked, as that would be a round trip for each use.
    """

    @event.listens_for(engine, "checkin")
    def _note(connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        idle_s = time.monotonic() - record.info.get(_USED_AT, time.monotonic())
        if idle_s > _TRUSTED_S and not _answers(engine, connection):
            raise InvalidatePoolError


def _answers(engine: Engine, connection: DBAPIConnection) -> bool:
    try:
        return engine.dialect.do_ping(connection)
    except psycopg.Error:
        return False


@dataclass(slots=True)
class _Open:
    """A transaction in progress: its session, the task that owns it, what to do once it is true.

    ``waiting`` are statements that go with the next one, or with the commit.
    """

    session: AsyncSession
    task: asyncio.Task[object] | None
    after_commit: list[Callable[[], None]]
    waiting: list[Statement] = field(default_factory=list)
    has_failed: bool = False
    is_reading: bool = False
    _driver: Driver | None = None

    async def driver(self) -> Driver:
        """Return the driver's own connection, which from now on is the session's."""
        if self._driver is None:
            self._driver = await self.session.run_sync(_driver_of)
        return self._driver

    def taken(self) -> list[Statement]:
        """Return what waits, which the caller sends: it waits no more, whatever becomes of it."""
        taken, self.waiting = self.waiting, []
        return taken

    async def send(self, driver: Driver | None, *more: Statement) -> list[dict[str, Any]]:
        """Send what waits, and ``more``; return the rows of the last."""
        statements = [*self.taken(), *more]
        try:
            return await sending.send(driver or await self.driver(), statements)
        except BaseException:
            self.has_failed = True
            raise

    async def commit(self) -> None:
        """Commit, and send what waits along with that."""
        if self.session.new or self.session.dirty or self.session.deleted:
            await self.session.flush()
        if self.waiting:
            # Taken before: getting the connection may run statements, which send what waits.
            last = self.taken()
            await database().finish(await self.driver(), last)
        # That is no round trip where it is committed, and gives the connection back.
        await self.session.commit()


def _driver_of(session: Session) -> Driver:
    return cast("Driver", session.connection().connection.driver_connection)


_database: Database | None = None
_open: ContextVar[_Open | None] = ContextVar("open_transaction", default=None)


def connect(url: str, *, pool_size: int = 10) -> Database:
    """Make this process's database; contexts use it through ``transaction``."""
    global _database
    _database = Database(url, pool_size=pool_size)
    return _database


async def disconnect() -> None:
    """Close this process's database, if it has one."""
    global _database
    if _database is not None:
        await _database.close()
    _database = None


def database() -> Database:
    """Return this process's database. Raises Unavailable before ``connect``."""
    if _database is None:
        raise Unavailable("The database is not connected yet; try again in a moment.")
    return _database


def _joined() -> _Open | None:
    """Return the running task's own open transaction.

    A task started inside a transaction inherits its context variables, but must not write on its
    parent's connection, so the owner is compared too.
    """
    current = _open.get()
    return current if current and current.task is asyncio.current_task() else None


@asynccontextmanager
async def transaction() -> AsyncIterator[AsyncSession]:
    """Yield a session in a transaction: the task's open one, or a new one that commits at the end.

    Any exception rolls the outermost transaction back, also one that is caught inside it: half of
    what was meant to be true together is never committed. Raises Unavailable if the database cannot
    be reached, goes away meanwhile, or has no connection free.
    """
    joined = _joined()
    if joined is not None:
        if joined.is_reading:
            raise RuntimeError("begin the transaction before reading: this would not be in one")
        try:
            yield joined.session
        except BaseException:
            joined.has_failed = True
            raise
        return
    async with _translated(), _opened(database().session()) as current:
        yield current.session
        if current.has_failed:
            raise RuntimeError("a part of this transaction failed, so none of it is committed")
        await current.commit()
    for callback in current.after_commit:
        callback()


@asynccontextmanager
async def reading() -> AsyncIterator[AsyncSession]:
    """Yield a session to read by: the task's open transaction, or else one that begins none.

    Then each query sees its own moment, as it does in a transaction here, and is one round trip
    instead of three. Nothing may be written by it, and no transaction begun inside. Raises
    Unavailable like ``transaction``.
    """
    joined = _joined()
    if joined is not None:
        yield joined.session
        return
    async with _translated(), _opened(database().reader()) as current:
        current.is_reading = True
        yield current.session


@asynccontextmanager
async def _opened(session: AsyncSession) -> AsyncIterator[_Open]:
    """Make the session the task's own, and close it at the end, which rolls back what is open."""
    current = _Open(session, asyncio.current_task(), [])
    token = _open.set(current)
    try:
        try:
            yield current
        finally:
            _open.reset(token)
    except BaseException:
        # Who is cancelled gives the connection back all the same.
        await asyncio.shield(asyncio.create_task(session.close()))
        raise
    # Nothing is open any more, so closing waits for nothing.
    await session.close()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Raise Unavailable where the database is too busy or away."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        unavailable = _unavailable(error)
        if unavailable is None:
            raise
        raise unavailable from error


# The database gave up on waiting or on a circle of waiters; nothing is wrong with the request.
_BUSY = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.SerializationFailure,
)


def _unavailable(error: DBAPIError | PoolTimeout) -> Unavailable | None:
    """Return what to say if the database is too busy or away; None for any other error."""
    if isinstance(error, PoolTimeout) or isinstance(error.orig, _BUSY):
        return Unavailable("The database is too busy right now; try again in a moment.")
    if error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError):
        return Unavailable("The database is not answering; try again in a moment.")
    return None


@asynccontextmanager
async def snapshot() -> AsyncIterator[AsyncSession]:
    """Yield a session that sees one moment of the database, however many queries it runs.

    Inside an open transaction of the task this is that transaction.
    """
    joined = _joined()
    async with transaction() as session:
        if joined is not None:
            yield session
            return
        await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        yield session


def after_commit(callback: Callable[[], None]) -> None:
    """Call ``callback`` once the task's open transaction is committed, never if rolled back."""
    joined = _joined()
    if joined is None or joined.is_reading:
        raise RuntimeError("after_commit needs an open transaction of this task")
    joined.after_commit.append(callback)


def send_later(statement: Statement) -> None:
    """Send ``statement``, whose result nobody needs, with the next one or with the commit.

    So what it does is there for whatever is read after it in the task's open transaction. What is
    wrong with it is raised there, or by the commit, at the end of the outermost ``transaction``.
    """
    joined = _joined()
    if joined is None or joined.is_reading:
        raise RuntimeError("send_later needs an open transaction of this task")
    joined.waiting.append(statement)


async def fetch(statement: Statement) -> list[dict[str, Any]]:
    """Send ``statement`` in the open transaction, after all that waits; return its rows by name."""
    joined = _joined()
    if joined is None or joined.is_reading:
        raise RuntimeError("fetch needs an open transaction of this task")
    return await joined.send(None, statement)


# SQLAlchemy looks at how many arguments a listener takes, so this names them all.
def _send_before(  # noqa: PLR0917
    connection: Connection, cursor: Any, statement: str, params: Any, context: Any, many: bool
) -> None:
    """Send what waits before a statement that comes by the session."""
    joined = _joined()
    if joined and joined.waiting and joined.session.sync_session.connection() is connection:
        dbapi_connection: Any = connection.connection.dbapi_connection
        dbapi_connection.run_async(joined.send)


def violated_constraint(error: DBAPIError) -> str | None:
    """Return the name of the constraint that the statement broke, if that is what went wrong."""
    cause = error.orig
    if isinstance(cause, psycopg.errors.IntegrityError):
        return cause.diag.constraint_name
    return None


def libpq_url(url: str) -> str:
    """Turn a SQLAlchemy address into the one libpq reads."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Which revision the database is at, and which one this program needs.

    The database is ahead when its revision is unknown here: a newer program has migrated it.
    """

    current: str | None
    head: str | None
    is_ahead: bool = False

    @property
    def is_current(self) -> bool:
        """Whether nothing is left to migrate for this program.

        While nodes are replaced one after another, the older ones go on serving a database that
        the first new one has migrated; each step leaves the program before it working.
        """
        return self.is_ahead or self.current == self.head


def alembic_config() -> Config:
    """Return Alembic's configuration, read from pyproject.toml."""
    return Config(toml_file=str(_ALEMBIC_CONFIG))


def _migrate(url: str, revision: str) -> None:
    options = {"options": _COMMON_OPTIONS, "application_name": MIGRATOR, **KEEPALIVE}
    engine = create_engine(url, connect_args=options)
    try:
        with engine.connect() as connection, alone_migrating(connection):
            if revision == "head" and _status_of(connection).is_current:
                return
            config = alembic_config()
            config.attributes["connection"] = connection
            step = command.downgrade if revision == "base" else command.upgrade
            step(config, revision)
            connection.commit()
    finally:
        engine.dispose()


@contextmanager
def alone_migrating(connection: Connection) -> Iterator[None]:
    """Be the only one that migrates: who comes second waits, and finds nothing left to do.

    The lock is asked for again and again. A statement that waited for it would be a transaction,
    and an index that is made concurrently waits for every transaction: a circle. It goes with the
    connection, however this ends.
    """
    while not connection.scalar(select(func.pg_try_advisory_lock(MIGRATION_LOCK))):
        connection.commit()
        time.sleep(_MIGRATION_POLL_S)
    connection.commit()
    yield


def _status(url: str) -> MigrationStatus:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return _status_of(connection)
    finally:
        engine.dispose()


def _status_of(connection: Connection) -> MigrationStatus:
    script = ScriptDirectory.from_config(alembic_config())
    current = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    return MigrationStatus(
        current, script.get_current_head(), is_ahead=current is not None and current not in known
    )


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to ``revision`` ("head", or "base" for an empty database).

    Any number may do so at once. A database that a newer program has migrated is left as it is.
    """
    await asyncio.to_thread(_migrate, url, revision)


async def migration_status(url: str) -> MigrationStatus:
    """Tell which revision the database is at. Raises OperationalError if it does not answer."""
    return await asyncio.to_thread(_status, url)
