"""What every test can have: a migrated database of its own on SQLite and on PostgreSQL, and an empty Valkey."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from gradclinic.store import Store, migrate
from gradclinic.store.tables import metadata

from . import torchvision_build
from .servers import Postgres, Valkey

torchvision_build.make_importable()

DATABASES = ("sqlite", "postgresql")


SERVICES = ("tests/chaos/", "tests/e2e/")
"""Folders whose tests start whole services, with workers and limits of time."""


class ServicesApart(LoadFileScheduling):
    """Gives each process one file after the other, and all tests that start whole services to the same process.

    So at most one of them runs at a time, beside tests that need one core.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "services" if nodeid.startswith(SERVICES) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Share tests among processes as `ServicesApart` does."""
    return ServicesApart(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that are marked `gpu` where torch can use none, and say why."""
    if item.get_closest_marker("gpu") is not None:
        from gradclinic.kernel.errors import SetupFailed
        from gradclinic_workers.train import device

        try:
            device.prove("cuda")
        except SetupFailed as error:
            pytest.skip(str(error))


_numbers = itertools.count(1)


class PostgresDatabases:
    """Databases on one server: one that is migrated and emptied after each test, and bare ones."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._prefix = f"gradclinic_test_{os.getpid()}"
        self._migrated: str | None = None

    def migrated(self) -> str:
        if self._migrated is None:
            self._migrated = self.create()
            migrate.upgrade(self.url(self._migrated))
        return self._migrated

    def empty(self, name: str) -> None:
        """Take all rows out, and everybody who is still connected; far quicker than a database for each test."""
        tables = ", ".join(f'"{table}"' for table in metadata.tables)
        self._run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        self._run(f"TRUNCATE {tables} CASCADE", database=name)

    def create(self) -> str:
        name = f"{self._prefix}_{next(_numbers)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return name

    def drop(self, name: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    def close(self) -> None:
        if self._migrated is not None:
            self.drop(self._migrated)

    def _run(self, statement: str, values: list[str] | None = None, *, database: str | None = None) -> None:
        url = self._url if database is None else self._url.set(database=database)
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement, values)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresDatabases]:
    """The server of GRADCLINIC_TEST_DATABASE_URL, or else one that is started for the tests; never none."""
    given = os.environ.get("GRADCLINIC_TEST_DATABASE_URL")
    server = None
    if given is None:
        server = Postgres()
        server.start()
    databases = PostgresDatabases(given or server.url())
    try:
        yield databases
    finally:
        databases.close()
        if server is not None:
            server.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database; once on SQLite, once on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "gradclinic.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    databases: PostgresDatabases = request.getfixturevalue("postgres")
    name = databases.migrated()
    try:
        yield databases.url(name)
    finally:
        databases.empty(name)


@pytest.fixture(params=DATABASES)
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a single table; once on SQLite, once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
        return
    databases: PostgresDatabases = request.getfixturevalue("postgres")
    name = databases.create()
    try:
        yield databases.url(name)
    finally:
        databases.drop(name)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database, for what does not depend on the kind of database."""
    path = tmp_path / "gradclinic.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a migrated, empty database; once on SQLite, once on PostgreSQL."""
    opened = Store(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.close()


@pytest.fixture
def valkey_url(valkey: Valkey) -> str:
    """An empty Valkey."""
    valkey.flush()
    return valkey.url
