import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select

from gradclinic.kernel.errors import SetupFailed
from gradclinic.store import Reason, Store, migrate
from gradclinic.store import tables as t
from gradclinic.store.database import Database
from gradclinic.store.packing import COMPRESSED, pack

from .records import claimed, queued, window

REVISIONS = [script.revision for script in ScriptDirectory(str(migrate.folder())).walk_revisions()][::-1]


def test_a_fresh_database_gets_the_newest_schema_and_nothing_is_left_to_do(bare_database_url: str) -> None:
    migrate.upgrade(bare_database_url)
    migrate.upgrade(bare_database_url)
    command.check(migrate.config(bare_database_url))
    store = Store(bare_database_url)
    assert store.is_current()
    store.close()


def test_every_migration_can_be_undone(bare_database_url: str) -> None:
    migrate.upgrade(bare_database_url)
    migrate.downgrade(bare_database_url, "base")
    database = Database(bare_database_url)
    names = [*inspect(database.engine).get_table_names(), *inspect(database.engine).get_view_names()]
    database.close()
    assert set(names) <= {"alembic_version"}
    migrate.upgrade(bare_database_url)


@pytest.mark.parametrize("revision", REVISIONS)
def test_data_survives_the_way_down_to_each_migration_and_up_again(bare_database_url: str, revision: str) -> None:
    database_url = bare_database_url
    migrate.upgrade(database_url)
    store = Store(database_url)
    lease = claimed(store)
    store.leases.save_window(lease, step=5, series=window(0, 5))
    waiting = queued(store)
    before = store.runs.get(lease.run_id)
    store.close()
    migrate.downgrade(database_url, revision)
    migrate.upgrade(database_url)
    assert store.runs.get(lease.run_id) == before
    assert store.runs.get(waiting.id).status == "queued"
    assert len(store.statistics.series(lease.run_id, "site_grad_rms")) == 5
    assert store.is_current()
    store.close()


def test_an_older_version_gets_the_statistics_of_ended_runs_as_it_packs_them(bare_database_url: str) -> None:
    migrate.upgrade(bare_database_url)
    store = Store(bare_database_url)
    lease = claimed(store)
    raw = [chunk.row() for chunk in pack(lease.run_id, window(3, 500, places=7))]
    with store._database.write() as connection:
        connection.execute(insert(t.chunks), raw)
    store.leases.finish(lease, status="succeeded", reason=Reason("trained", ""))
    damaged = pack("run_damaged", window(0, 5), codec=COMPRESSED)[0].row() | {
        "run_id": lease.run_id,
        "statistic": "z",
        "steps": b"?",
    }
    with store._database.write() as connection:
        connection.execute(insert(t.chunks), damaged)

    def chunks() -> list[dict[str, object]]:
        with store._database.read() as connection:
            rows = connection.execute(select(t.chunks).order_by(t.chunks.c.statistic)).mappings()
            return [dict(row) for row in rows]

    assert chunks() == [damaged]
    migrate.downgrade(bare_database_url, "20261130_23")
    assert chunks() == [*raw, damaged]
    store.close()


def test_a_database_that_is_none_is_said_to_be_in_one_line(tmp_path) -> None:
    broken = tmp_path / "gradclinic.db"
    broken.write_bytes(b"this is not a database" * 100)
    with pytest.raises(SetupFailed, match="cannot be used: file is not a database") as failed:
        migrate.upgrade(f"sqlite:///{broken}")
    assert "\n" not in str(failed.value)


def test_a_database_of_a_newer_version_is_refused(bare_database_url: str) -> None:
    migrate.upgrade(bare_database_url)
    database = Database(bare_database_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '99991231_01'")
    database.close()
    with pytest.raises(SetupFailed, match="another version of gradclinic"):
        migrate.upgrade(bare_database_url)


def test_a_database_that_does_not_answer_is_said_to_be_in_one_line() -> None:
    with pytest.raises(SetupFailed, match="cannot be used") as failed:
        migrate.upgrade("postgresql+psycopg://someone:secret@127.0.0.1:1/gradclinic")
    assert "secret" not in str(failed.value)
    assert "\n" not in str(failed.value)
