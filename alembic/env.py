"""How Alembic reaches the database: by the connection that a caller hands it, or ``-x url=…``.

Nothing here reads the environment; the program's settings do that, and pass a connection.
"""

import sqlalchemy as sa
from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

from financial_live import db, outbox
from financial_live.contexts import (
    accounts,
    campaigns,
    donations,
    exchange_rates,
    idempotency_keys,
    mail,
    receipts,
)

# Importing them is what registers their tables.
MAPPED = (
    *(outbox, accounts, campaigns, donations),
    *(exchange_rates, idempotency_keys, mail, receipts),
)


def run(connection: Connection) -> None:
    """Run what was asked for; each migration in its own transaction, so its locks are short."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=True,
        autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Use the caller's connection, or one of our own to the address of ``-x url=…``."""
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    url = context.get_x_argument(as_dictionary=True).get("url")
    if url is None:
        raise SystemExit("Name the database: alembic -x url=postgresql+psycopg://… <command>")
    engine = sa.create_engine(url)
    with engine.connect() as connection, db.alone_migrating(connection):
        run(connection)
    engine.dispose()


run_online()
