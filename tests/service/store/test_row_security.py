"""PostgreSQL's own policies, beneath the filter of the store: for a role that they apply to, as in operation."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from gradclinic.store import Reason, Store
from gradclinic.store import tables as t
from gradclinic.store.project import OWNERS, PARTS

from ..plain_role import database_of_plain_role
from .projects import seeded
from .records import queued


@pytest.fixture(scope="module")
def url(postgres) -> Iterator[str]:
    with database_of_plain_role(postgres) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Two projects that have a row in every table."""
    opened = Store(url)
    with opened.everywhere()._database.write() as connection:
        for table in t.metadata.tables:
            connection.exec_driver_sql(f'TRUNCATE "{table}" CASCADE')
    for project in ("default", "other"):
        seeded(opened.within(project))
    yield opened
    opened.close()


def counts(store: Store) -> dict[str, int]:
    """The rows that a statement without any filter finds."""
    with store._database.read() as connection:
        return {
            table.name: connection.exec_driver_sql(f'SELECT count(*) FROM "{table.name}"').scalar_one()
            for table in OWNERS | PARTS.keys()
        }


def test_a_statement_without_the_filter_sees_the_rows_of_its_project_only(store: Store) -> None:
    every, ours, theirs = counts(store.everywhere()), counts(store), counts(store.within("other"))
    assert all(every.values()), every
    assert every == {table: ours[table] + theirs[table] for table in every}
    assert ours == theirs
    assert set(counts(store.within("nobody")).values()) == {0}
    with store.within("other")._database.read() as connection:
        assert set(connection.exec_driver_sql("SELECT project FROM runs").scalars()) == {"other"}


def test_a_change_without_the_filter_reaches_the_rows_of_its_project_only(store: Store) -> None:
    every, theirs = counts(store.everywhere()), counts(store.within("other"))
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET name = 'changed'")
        connection.exec_driver_sql("DELETE FROM chunks")
        connection.exec_driver_sql("DELETE FROM idempotency_keys")
    assert counts(store.within("other")) == theirs
    assert counts(store)["chunks"] == counts(store)["idempotency_keys"] == 0 < every["chunks"]
    assert all(run.name != "changed" for run in store.within("other").runs.page().items)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE datasets SET project = 'other'",
        "UPDATE runs SET project = 'other'",
        "INSERT INTO labels VALUES (THEIRS, 'stolen', 'x')",
    ],
)
def test_nothing_is_stored_in_another_project(store: Store, statement: str) -> None:
    theirs = queued(store.within("other")).id
    with pytest.raises(DBAPIError, match="row-level security"), store._database.write() as connection:
        connection.exec_driver_sql(statement.replace("THEIRS", f"'{theirs}'"))


def test_workers_and_operators_reach_all_projects_also_on_a_connection_that_a_project_had(store: Store) -> None:
    runs = [queued(each).id for each in (store, store.within("other"))]
    everywhere = store.everywhere()
    with everywhere._database.read() as connection:
        found = set(connection.execute(select(t.runs.c.id).where(t.runs.c.id.in_(runs))).scalars())
    assert found == set(runs)
    for run_id in runs:
        lease = everywhere.leases.claim(run_id, owner="vm/1/2", ttl_s=60)
        assert lease is not None
        everywhere.leases.finish(lease, status="failed", reason=Reason("x", "y"))
    assert {store.runs.get(runs[0]).status, store.within("other").runs.get(runs[1]).status} == {"failed"}


def test_every_table_that_belongs_to_projects_has_a_policy_that_holds_for_its_owner_too(store: Store) -> None:
    query = text(
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
        " WHERE relrowsecurity AND relforcerowsecurity AND polname = 'own_project'"
    )
    with store.everywhere()._database.read() as connection:
        assert set(connection.execute(query).scalars()) == {table.name for table in OWNERS | PARTS.keys()}
