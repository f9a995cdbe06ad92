"""Runs the migrations, each in its own transaction, and compares them with the tables of the store.

On PostgreSQL a migration waits only briefly for a lock, because later queries wait behind it. It is then retried.
"""

import warnings

from alembic import context
from sqlalchemy import Connection

from gradclinic.store.database import Database
from gradclinic.store.migrate import LOCK_TIMEOUT
from gradclinic.store.tables import metadata


def run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.exec_driver_sql("SET statement_timeout = 0")  # building an index on a large table takes long
        connection.commit()
    # SQLAlchemy cannot read an index of SQLite on an expression, so Alembic compares it on PostgreSQL only.
    for warning in ("Skipped unsupported reflection of expression", "autogenerate skipping metadata-specified expr"):
        warnings.filterwarnings("ignore", warning)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        transaction_per_migration=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


url = context.config.get_main_option("sqlalchemy.url")
if url is None:
    raise SystemExit("no database: set sqlalchemy.url, or use `gradclinic db upgrade`")
database = Database(url)
try:
    with database.engine.connect() as connection:
        run(connection)
finally:
    database.close()
