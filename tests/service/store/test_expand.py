"""Migrations only add at first, so that the version that is running goes on working while they are made."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, inspect

from gradclinic.errors import SetupFailed
from gradclinic.store import Store, migrate
from gradclinic.store.database import Database

from .records import claimed, queued
from .test_migrations import REVISIONS

HARMFUL = {
    r"DROP (TABLE|VIEW|COLUMN|INDEX|CONSTRAINT)|ALTER TABLE \w+ DROP": "the running version may still use it",
    r"\bRENAME\b": "the running version knows the old name only",
    r"ALTER (COLUMN )?\w+ (SET DATA )?TYPE": "it rewrites the table under a lock",
    r"SET NOT NULL": "the running version may leave it out, and all rows are looked at under a lock",
    r"ADD COLUMN (?!.*DEFAULT).*NOT NULL": "the running version's rows do not have it",
    r"^LOCK\b|ACCESS EXCLUSIVE": "nobody else gets on meanwhile",
}
HARMFUL_TO_OLD_TABLES = {
    r"^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY).*\bON (?P<table>\w+)": "nobody can write until it is built",
    r"^ALTER TABLE (?P<table>\w+) ADD (CONSTRAINT|CHECK|FOREIGN|UNIQUE)(?!.*NOT VALID)": "all rows are looked at",
    r"^(UPDATE|DELETE FROM) (?P<table>\w+)": "a change of all rows at once keeps every writer waiting",
}


def harm(statements: list[str], *, tables: set[str]) -> list[str]:
    """What a version that uses `tables` would notice of the statements."""
    found = []
    for statement in (" ".join(text.split()) for text in statements):
        plain = statement.replace('"', "")
        found += [f"{plain}: {why}" for what, why in HARMFUL.items() if re.search(what, plain, re.IGNORECASE)]
        for what, why in HARMFUL_TO_OLD_TABLES.items():
            match = re.search(what, plain, re.IGNORECASE)
            if match is not None and match["table"] in tables:
                found.append(f"{plain}: {why}")
    return found


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Every statement that is sent to any database meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_no_migration_takes_away_what_the_version_before_it_uses_or_keeps_it_waiting(bare_database_url: str) -> None:
    for revision in REVISIONS:
        database = Database(bare_database_url)
        tables = set(inspect(database.engine).get_table_names()) - {"alembic_version"}
        database.close()
        with recorded() as statements:
            migrate.upgrade(bare_database_url, revision)
        assert any(statement.strip().startswith("CREATE") for statement in statements)
        assert harm(statements, tables=tables) == [], revision


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE runs",
        "ALTER TABLE runs DROP COLUMN name",
        "ALTER TABLE runs RENAME TO trainings",
        "ALTER TABLE runs RENAME COLUMN name TO title",
        "ALTER TABLE runs ALTER COLUMN seed TYPE BIGINT",
        "ALTER TABLE runs ALTER COLUMN name SET NOT NULL",
        "ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL",
        "ALTER TABLE runs ADD CONSTRAINT ck_runs_seed CHECK (seed > 0)",
        "CREATE INDEX ix_runs_seed ON runs (seed)",
        'CREATE UNIQUE INDEX ix ON "runs" (seed)',
        "UPDATE runs SET seed = 1",
        "LOCK TABLE runs IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_what_would_hurt_a_running_version_is_noticed(statement: str) -> None:
    assert harm([statement], tables={"runs"})


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE colours (id TEXT NOT NULL, PRIMARY KEY (id))",
        "CREATE INDEX ix_colours_id ON colours (id)",
        "CREATE INDEX CONCURRENTLY ix_runs_seed ON runs (seed)",
        "ALTER TABLE runs ADD COLUMN colour TEXT",
        "ALTER TABLE runs ADD COLUMN colour TEXT DEFAULT 'red' NOT NULL",
        "ALTER TABLE runs ADD CONSTRAINT ck_runs_seed CHECK (seed > 0) NOT VALID",
        "UPDATE alembic_version SET version_num='2' WHERE alembic_version.version_num = '1'",
    ],
)
def test_what_only_adds_is_allowed(statement: str) -> None:
    assert harm([statement], tables={"runs"}) == []


def test_a_version_that_runs_on_a_newer_schema_is_ready_and_one_on_an_older_is_not(bare_database_url: str) -> None:
    store = Store(bare_database_url)
    assert not store.is_current()
    migrate.upgrade(bare_database_url, REVISIONS[-2])
    assert not store.is_current()
    migrate.upgrade(bare_database_url)
    assert store.is_current()
    database = Database(bare_database_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '99991231_01'")
    database.close()
    assert store.is_current()
    store.close()


def test_a_migration_that_cannot_have_its_lock_lets_the_others_by_and_is_tried_again(postgres, monkeypatch) -> None:
    name = postgres.create()
    url = postgres.url(name)
    migrate.upgrade(url, REVISIONS[-2])  # the newest refers to `runs`, and so needs a lock on it
    store, blocker = Store(url), Database(url)
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    waits = []
    with blocker.engine.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE runs IN ROW EXCLUSIVE MODE")  # as any writer holds it

        def others_go_on(seconds: float) -> None:
            waits.append(seconds)
            assert claimed(store, queued(store).id)  # nothing waits behind the migration
            if len(waits) == 2:
                connection.rollback()

        monkeypatch.setattr(migrate.time, "sleep", others_go_on)
        migrate.upgrade(url)
    assert len(waits) == 2
    assert store.is_current()
    store.close()
    blocker.close()
    postgres.drop(name)


def test_a_lock_that_is_never_free_ends_the_upgrade_with_a_reason(postgres, monkeypatch) -> None:
    name = postgres.create()
    url = postgres.url(name)
    migrate.upgrade(url, REVISIONS[-2])
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "10ms")
    monkeypatch.setattr(migrate, "LOCK_TRIES", 2)
    monkeypatch.setattr(migrate, "LOCK_PAUSE_S", 0)
    blocker = Database(url)
    with blocker.engine.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE runs IN ROW EXCLUSIVE MODE")
        with pytest.raises(SetupFailed, match="lock timeout"):
            migrate.upgrade(url)
    blocker.close()
    postgres.drop(name)
