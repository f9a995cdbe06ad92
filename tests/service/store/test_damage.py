"""A stored document that is not JSON any more, or not what belongs there. SQLite: PostgreSQL stores no such JSON."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gradclinic.kernel.errors import DamagedData
from gradclinic.store import Store
from gradclinic.store.column_types import Json
from gradclinic.store.tables import metadata

from .projects import seeded
from .records import new_run, new_study

DOCUMENTS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, Json)
]
BROKEN = ("{", '{"a": 1}', "[7]")


def written(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A database with rows in every table."""
    path = tmp_path_factory.mktemp("damaged") / "gradclinic.db"
    path.write_bytes(sqlite_template.read_bytes())
    return path


@pytest.fixture(scope="module")
def filled(path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{path}")
    seeded(store)
    yield store
    store.close()


@pytest.mark.parametrize(("table", "column"), DOCUMENTS, ids=map(".".join, DOCUMENTS))
def test_no_list_fails_because_of_a_damaged_document(filled: Store, path: Path, table: str, column: str) -> None:
    written(path, f'CREATE TABLE kept AS SELECT rowid AS place, "{column}" AS document FROM {table}')
    for broken in BROKEN:
        written(path, f"""UPDATE {table} SET "{column}" = '{broken}' WHERE "{column}" IS NOT NULL""")
        filled.runs.page()
        filled.studies.page()
        filled.checks.page()
        filled.prescriptions.page()
        filled.baselines.page()
        filled.datasets.page()
        filled.schedules.page()
        filled.schedules.active()
        if filled.webhooks.page().items:
            assert all(isinstance(each.alert.facts, dict) for each in filled.webhooks.deliveries("main").items)
    restored = f"SELECT document FROM kept WHERE place = {table}.rowid"
    written(path, f'UPDATE {table} SET "{column}" = ({restored})', "DROP TABLE kept")


def test_a_damaged_study_is_named_and_does_not_hide_the_others(sqlite_url: str) -> None:
    with closing(Store(sqlite_url)) as store:
        damaged, other = (store.studies.create(new_study(), [new_run()]).item.id for _ in range(2))
        written(Path(sqlite_url.removeprefix("sqlite:///")), f"UPDATE studies SET arms = '{{' WHERE id = '{damaged}'")
        assert [study.id for study in store.studies.page().items] == [other]
        with pytest.raises(DamagedData, match=damaged):
            store.studies.get(damaged)
        store.studies.delete(damaged)


@pytest.mark.parametrize(
    "damage", ["created_at = 1e300", "started_at = 'soon'", "name = x'00ff'", "reason_text = x'00ff'", "steps = 'many'"]
)
def test_a_damaged_run_is_named_and_does_not_hide_the_others(sqlite_url: str, damage: str) -> None:
    with closing(Store(sqlite_url)) as store:
        first, damaged, last = (store.runs.create(new_run()).item.id for _ in range(3))
        written(Path(sqlite_url.removeprefix("sqlite:///")), f"UPDATE runs SET {damage} WHERE id = '{damaged}'")
        for page in (store.runs.page, store.runs.listed):
            assert [run.id for run in page().items] == [last, first]
            newest = page(limit=2)
            assert [run.id for run in newest.items] == [last]
            assert [run.id for run in page(after=newest.next).items] == [first]
        with pytest.raises(DamagedData, match=damaged):
            store.runs.get(damaged)
        store.runs.delete(damaged)


def test_a_damaged_number_of_a_study_and_a_missing_pin_are_named(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(Store(sqlite_url)) as store:
        study = seeded(store).study_id
        written(path, "UPDATE studies SET recorded_runs = 'many'", "UPDATE baselines SET pin_id = 'pin_gone'")
        assert not store.studies.page().items
        assert not store.baselines.page().items
        with pytest.raises(DamagedData, match=study):
            store.studies.get(study)
        with pytest.raises(DamagedData, match="pin_gone"):
            store.baselines.get("main")
