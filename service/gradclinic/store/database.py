"""One engine for SQLite and PostgreSQL: explicit transactions within a project, and the database's own clock."""

import copy
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import (
    Connection,
    Double,
    ExceptionContext,
    Table,
    create_engine,
    event,
    literal_column,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql.elements import ColumnElement

from ..kernel.errors import ServiceUnavailable
from ..kernel.project import DEFAULT
from .project import OPTION, keep_within_project, name_project_to_server, refuse_new_owners
from .records.quota import Quota

log = structlog.get_logger(__name__)

POSTGRES_OPTIONS: dict[str, object] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "options": "-c lock_timeout=15s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s",
    "application_name": "gradclinic",
}


SQLITE_LOCK_S = 10
"""Seconds that a writer waits for another writer, blocking one of the API's threads."""
POOL_S = 15
"""Seconds that a thread waits for a connection while others use all of them."""
NEEDED_BYTES = 64 * 2**20
"""Free bytes of its disk that an SQLite database needs for its next transactions."""
_READ_ONLY = "25006"
"""PostgreSQL's code for a read-only server, for example after a failover."""


class Database:
    """Connections, transactions and the clock, used by the rest of the store."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(self.url, **self._pooling(pool_size))
        refuse_new_owners(self.engine)
        self._of_projects = create_engine(self.url, pool=self.engine.pool)
        keep_within_project(self._of_projects)
        for engine in (self.engine, self._of_projects):
            if self.is_sqlite:
                event.listen(engine, "begin", _begin_sqlite)
            else:
                event.listen(engine, "handle_error", _give_up_connection)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
        else:
            event.listen(self._of_projects, "begin", name_project_to_server)
        self.before_commit: Callable[[Connection], None] | None = None
        """Called at the end of each transaction that writes."""
        self.quota = Quota()
        """What each project may have."""
        self._enter(DEFAULT)

    def _pooling(self, size: int) -> dict[str, Any]:
        if self.is_sqlite:
            return {
                "connect_args": {"timeout": SQLITE_LOCK_S},
                "pool_size": size,
                "max_overflow": 40,  # as many as there are threads: they cost little, unlike those of a server
                "pool_timeout": POOL_S,
            }
        return {
            "connect_args": POSTGRES_OPTIONS,
            "pool_size": size,
            "max_overflow": 20,
            "pool_timeout": POOL_S,
            "pool_pre_ping": True,
        }

    def within(self, project: str | None) -> "Database":
        """The same database for one project; None for all rows, without new ones in tables that have a project."""
        other = copy.copy(self)
        other._enter(project)
        return other

    def _enter(self, project: str | None) -> None:
        self.project = project
        self._writing = self.engine if project is None else self._of_projects.execution_options(**{OPTION: project})
        self._reading = self._writing.execution_options(gradclinic_reading=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction with a consistent snapshot."""
        with _translated(), self._reading.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits when the block ends and rolls back if it raises."""
        with _translated(), self._writing.begin() as connection:
            yield connection
            if self.before_commit is not None:
                self.before_commit(connection)

    @property
    def now(self) -> ColumnElement[float]:
        """Current time by the database's clock, in seconds since 1970."""
        if self.is_sqlite:
            return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Double)
        return literal_column("extract(epoch from clock_timestamp())::double precision", Double)

    def insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """An INSERT that supports ON CONFLICT."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def ping(self) -> None:
        """Run a trivial query; raises ServiceUnavailable if there is no answer."""
        with self.read() as connection:
            connection.execute(select(1))

    def is_full(self) -> bool:
        """Whether the disk of an SQLite database has less than `NEEDED_BYTES` left; False if that is not known."""
        if not (self.is_sqlite and self.url.database):
            return False
        try:
            return shutil.disk_usage(Path(self.url.database).parent).free < NEEDED_BYTES
        except OSError:
            return False

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._of_projects.pool = self.engine.pool  # both go on with the same new pool if this is used again


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        log.warning("database_unavailable", error=str(getattr(error, "orig", error)).strip())
        raise ServiceUnavailable("the database is unreachable; try again later") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise ServiceUnavailable("the connection to the database was lost") from error
        raise


def _give_up_connection(context: ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions explicitly instead of the driver
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_LOCK_S * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("gradclinic_reading", False)
    # A deferred transaction that starts writing fails immediately if another one wrote in the meantime.
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
