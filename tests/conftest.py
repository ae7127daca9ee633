"""A real PostgreSQL for the tests: one server for all, and two ways to have a database of it.

``database`` is for rules. Every transaction that the code under test opens and commits is a
savepoint of one that is rolled back in the end; nothing is created, so it costs a millisecond. It
is one connection: no concurrency, and no snapshot.

``own_database`` is for locks, snapshots, the outbox and whatever else needs real commits and
several connections. It is a copy of the migrated template, and costs a tenth of a second.
"""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from financial_live import db, sending
from financial_live.bus import Bus
from financial_live.embedded import DataFolder, Postgres, Valkey
from financial_live.scope import Scope
from financial_live.sending import Driver, Statement

# A test says what is true, not how fast it is found out on a busy machine.
settings.register_profile(
    "tests", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("tests")

TEMPLATE = "migrated"
POOL_SIZE = 16
_numbers = itertools.count(1)


class Server:
    """The tests' PostgreSQL, and the databases made in it."""

    def __init__(self, postgres: Postgres) -> None:
        self._url = make_url(postgres.url)

    def url(self, name: str) -> str:
        """Return the address of a database, as SQLAlchemy reads it."""
        url = self._url.set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def create(self, name: str, *, template: str = "template0") -> str:
        """Make a database and return its address."""
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, and whoever is still connected to it."""
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(db.libpq_url(self.url("postgres")), autocommit=True) as connection:
            connection.execute(statement.encode())


class RolledBack(db.Database):
    """A database whose commits are savepoints of one transaction, which is never committed."""

    def __init__(self, url: str, connection: AsyncConnection) -> None:
        super().__init__(url, pool_size=1)
        self._connection = connection

    def session(self) -> AsyncSession:
        return AsyncSession(
            self._connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )

    def reader(self) -> AsyncSession:
        return self.session()

    async def finish(self, driver: Driver, last: list[Statement]) -> None:
        await sending.send(driver, last)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Return a running PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="financial-live-tests-"))
    postgres = Postgres(DataFolder(folder))
    postgres.start()
    yield Server(postgres)
    postgres.stop()
    shutil.rmtree(folder)


@pytest.fixture
def empty_database(server: Server) -> Iterator[str]:
    """Return the address of a database without any table."""
    name = f"empty_{next(_numbers)}"
    yield server.create(name)
    server.drop(name)


@pytest.fixture(scope="session")
def migrated(server: Server) -> str:
    """Return the address of a migrated database that nobody writes to."""
    url = server.create(TEMPLATE)
    asyncio.run(db.migrate(url))
    return url


@pytest.fixture(scope="session")
def rolled_back_url(server: Server, migrated: str) -> str:
    """Return the address of the database for rules; the template must stay free of connections."""
    return server.create("rolled_back", template=TEMPLATE)


@asynccontextmanager
async def rolled_back(url: str) -> AsyncIterator[db.Database]:
    """Be connected to the database at ``url``, and leave it as it was."""
    outer = db.Database(url, pool_size=1)
    async with outer.engine.connect() as connection:
        await connection.begin()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(db, "_database", RolledBack(url, connection))
            yield db.database()
        await connection.rollback()
    await outer.close()


@pytest_asyncio.fixture
async def database(rolled_back_url: str) -> AsyncIterator[db.Database]:
    """Be connected to a database that forgets everything at the end of the test."""
    async with rolled_back(rolled_back_url) as connected:
        yield connected


@pytest_asyncio.fixture
async def own_database(server: Server, migrated: str) -> AsyncIterator[db.Database]:
    """Be connected to a migrated database of the test's own, with real commits."""
    name = f"own_{next(_numbers)}"
    url = server.create(name, template=TEMPLATE)
    yield db.connect(url, pool_size=POOL_SIZE)
    await db.disconnect()
    server.drop(name)


@pytest.fixture
def operator() -> Scope:
    """Return the scope of somebody who may do everything."""
    return Scope.operator()


@pytest.fixture
def visitor() -> Scope:
    """Return the scope of somebody unknown."""
    return Scope.visitor()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """Return a running Valkey."""
    folder = Path(tempfile.mkdtemp(prefix="financial-live-tests-"))
    part = Valkey(DataFolder(folder))
    part.start()
    yield part
    part.stop()
    shutil.rmtree(folder)


@pytest_asyncio.fixture
async def bus(valkey: Valkey) -> AsyncIterator[Bus]:
    """Return a connection to the bus."""
    bus = Bus(valkey.url)
    yield bus
    await bus.close()
