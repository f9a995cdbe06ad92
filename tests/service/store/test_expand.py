"""Migrations only add at first, so that the version that is running goes on working while they are made."""

import re
from typing import Any

import pytest
from sqlalchemy import inspect

from gradclinic.kernel.errors import SetupFailed
from gradclinic.store import Store, migrate
from gradclinic.store.database import Database

from .costs import statements
from .test_migrations import REVISIONS

BEFORE_TRIALS = "20261124_03"
"""The next migration makes a table that refers to `runs`, and so needs a lock on it."""
STAY_SMALL = {
    "idempotency_keys", "prescription_keys", "check_keys", "trials", "prescriptions", "workers", "baselines",
    "schedules", "firings",
}  # fmt: skip
"""Tables with a week's keys, or a row for each search, name or due time: what looks at all rows is done at once."""
LOCKS_ANY = {
    r"\bRENAME\b": "the running version knows the old name only",
    r"ALTER (COLUMN )?\w+ (SET DATA )?TYPE": "it rewrites the table under a lock",
    r"SET NOT NULL": "all rows are looked at under a lock",
    r"^LOCK\b|ACCESS EXCLUSIVE": "nobody else gets on meanwhile",
}
LOCKS_LARGE = {
    r"^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY).*\bON (?P<table>\w+)": "nobody can write until it is built",
    r"^ALTER TABLE (?P<table>\w+) ADD (CONSTRAINT|CHECK|FOREIGN|UNIQUE)(?!.*NOT VALID)": "all rows are looked at",
    r"^(UPDATE|DELETE FROM) (?P<table>\w+)": "a change of all rows at once keeps every writer waiting",
}
Schema = dict[str, dict[str, Any]]


def locks(statements: list[str], *, tables: set[str]) -> list[str]:
    """Which statements keep those waiting on PostgreSQL who use `tables`."""
    found = []
    for plain in (" ".join(text.split()).replace('"', "") for text in statements):
        found += [f"{plain}: {why}" for what, why in LOCKS_ANY.items() if re.search(what, plain, re.IGNORECASE)]
        for what, why in LOCKS_LARGE.items():
            match = re.search(what, plain, re.IGNORECASE)
            if match is not None and match["table"] in tables - STAY_SMALL:
                found.append(f"{plain}: {why}")
    return found


def schema_of(url: str) -> Schema:
    """Every table and view with its columns."""
    database = Database(url)
    there = inspect(database.engine)
    names = {*there.get_table_names(), *there.get_view_names()} - {"alembic_version"}
    found = {name: {column["name"]: column for column in there.get_columns(name)} for name in names}
    database.close()
    return found


def missed(before: Schema, after: Schema) -> list[str]:
    """What a version that knows `before` would miss in `after`, or could not write any more."""
    found = [f"{name} is gone" for name in before if name not in after]
    for name in before.keys() & after.keys():
        old, new = before[name], after[name]
        found += [f"{name}.{column} is gone" for column in old if column not in new]
        found += [f"{name}.{column} has another type" for column in old.keys() & new.keys()
                  if str(old[column]["type"]) != str(new[column]["type"])]  # fmt: skip
        found += [f"{name}.{column} must be given now" for column in new
                  if must_be_given(new[column]) and not (column in old and must_be_given(old[column]))]  # fmt: skip
    return found


def must_be_given(column: Any) -> bool:
    return not column["nullable"] and column.get("default") is None


def test_no_migration_takes_away_what_the_version_before_it_uses(bare_database_url: str) -> None:
    before = schema_of(bare_database_url)
    for revision in REVISIONS:
        migrate.upgrade(bare_database_url, revision)
        after = schema_of(bare_database_url)
        assert missed(before, after) == [], revision
        before = after


def test_no_migration_keeps_waiting_whoever_uses_a_large_table_of_postgresql(postgres) -> None:
    name = postgres.create()
    url = postgres.url(name)
    for revision in REVISIONS:
        tables = set(schema_of(url))
        with statements() as sent:
            migrate.upgrade(url, revision)
        assert any("alembic_version" in statement for statement in sent)
        assert locks(sent, tables=tables) == [], revision
    postgres.drop(name)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE findings CASCADE",
        "DROP VIEW layers_v1",
        "ALTER TABLE workers DROP COLUMN device",
        "ALTER TABLE workers RENAME COLUMN device TO place",
        "ALTER TABLE workers ALTER COLUMN queue TYPE text",
        "ALTER TABLE workers ALTER COLUMN run_id SET NOT NULL",
        "ALTER TABLE workers ADD COLUMN colour TEXT NOT NULL",
    ],
)
def test_what_the_running_version_would_miss_is_noticed(postgres, statement: str) -> None:
    name = postgres.create()
    url = postgres.url(name)
    migrate.upgrade(url)
    before, database = schema_of(url), Database(url)
    with database.write() as connection:
        connection.exec_driver_sql(statement)
    database.close()
    assert missed(before, schema_of(url))
    postgres.drop(name)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE runs RENAME TO trainings",
        "ALTER TABLE runs ALTER COLUMN seed TYPE BIGINT",
        "ALTER TABLE workers ALTER COLUMN run_id SET NOT NULL",
        "ALTER TABLE runs ADD CONSTRAINT ck_runs_seed CHECK (seed > 0)",
        "CREATE INDEX ix_runs_seed ON runs (seed)",
        'CREATE UNIQUE INDEX ix ON "runs" (seed)',
        "UPDATE runs SET seed = 1",
        "LOCK TABLE runs IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_what_would_keep_others_waiting_is_noticed(statement: str) -> None:
    assert locks([statement], tables={"runs", "workers"})


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE colours (id TEXT NOT NULL, PRIMARY KEY (id))",
        "CREATE INDEX ix_colours_id ON colours (id)",
        "CREATE INDEX CONCURRENTLY ix_runs_seed ON runs (seed)",
        "ALTER TABLE runs ADD COLUMN colour TEXT DEFAULT 'red' NOT NULL",
        "ALTER TABLE runs ADD CONSTRAINT ck_runs_seed CHECK (seed > 0) NOT VALID",
        "ALTER TABLE trials ADD CONSTRAINT ck_trials_key CHECK (key <> '')",
        "UPDATE alembic_version SET version_num='2' WHERE alembic_version.version_num = '1'",
    ],
)
def test_what_is_done_at_once_is_allowed(statement: str) -> None:
    assert locks([statement], tables={"runs", "trials"}) == []


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
    migrate.upgrade(url, BEFORE_TRIALS)
    others, blocker = Database(url), Database(url)
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    waits = []
    with blocker.engine.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE runs IN ROW EXCLUSIVE MODE")  # as any writer holds it

        def others_go_on(seconds: float) -> None:
            waits.append(seconds)
            with others.write() as writer:  # nothing waits behind the migration
                writer.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
                writer.exec_driver_sql("UPDATE runs SET priority = priority")
            if len(waits) == 2:
                connection.rollback()

        monkeypatch.setattr(migrate.time, "sleep", others_go_on)
        migrate.upgrade(url)
    assert len(waits) == 2
    assert migrate.is_current(others)
    others.close()
    blocker.close()
    postgres.drop(name)


def test_a_lock_that_is_never_free_ends_the_upgrade_with_a_reason(postgres, monkeypatch) -> None:
    name = postgres.create()
    url = postgres.url(name)
    migrate.upgrade(url, BEFORE_TRIALS)
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
