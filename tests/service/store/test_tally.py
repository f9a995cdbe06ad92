"""The numbers that operators see are those of the stored runs, however these changed, and are not counted anew."""

import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gradclinic.store import Reason, Store, tally
from gradclinic.store import tables as t

from ..previous_version import database_in
from .plans import statements
from .records import claimed, new_run, new_study, queued, window


def counted(store: Store, table: str) -> dict[tuple[str, str], int]:
    column = t.metadata.tables[table].c
    query = select(column.status, column.reason_code, func.count()).group_by(column.status, column.reason_code)
    with store._database.read() as connection:
        return {(status, code): count for status, code, count in connection.execute(query)}


def agree(store: Store) -> None:
    vitals = store.vitals(seen_within_s=60)
    assert dict(vitals.runs) == counted(store, "runs")
    assert dict(vitals.transitions) == counted(store, "transitions")
    with store._database.read() as connection:
        assert vitals.steps_done == connection.execute(select(func.coalesce(func.sum(t.runs.c.step), 0))).scalar_one()


def test_the_numbers_follow_every_change_of_a_run(store: Store) -> None:
    agree(store)
    study = store.studies.create(new_study(), [new_run(), new_run()]).item
    first, second = store.runs.of_study(study.id)
    lease, lost = claimed(store, first.id), claimed(store, second.id, owner="vm/9")
    store.leases.save_window(lease, step=5, series=window(0, 5))
    store.leases.save_window(lost, step=3, series=window(0, 3))
    agree(store)
    store.leases.finish(lease, status="failed", reason=Reason("training_failed", "no"))
    store.reconciliation.abandon(["vm/9"], max_attempts=3)
    store.runs.request_cancel(queued(store).id)
    agree(store)
    store.studies.delete(study.id)
    agree(store)
    assert store.vitals(seen_within_s=60).steps_done == 0


def test_the_numbers_begin_with_what_the_previous_version_stored(tmp_path: Path) -> None:
    database_in(tmp_path)
    store = Store(f"sqlite:///{tmp_path / 'gradclinic.db'}")
    agree(store)
    assert store.vitals(seen_within_s=60).steps_done > 0
    store.close()


def test_merged_rows_have_the_same_sums(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = claimed(store)
    store.leases.save_window(lease, step=5, series=window(0, 5))
    store.leases.finish(lease, status="failed", reason=Reason("training_failed", "no"))
    store.reconciliation.merge_tallies()
    assert rows(store) > 3
    monkeypatch.setattr(tally, "MERGED_FROM", 3)
    store.reconciliation.merge_tallies()
    assert rows(store) == 3  # queued, running, failed
    agree(store)
    assert store.vitals(seen_within_s=60).steps_done == 5


def rows(store: Store) -> int:
    with store._database.read() as connection:
        return connection.execute(select(func.count()).select_from(t.run_tallies)).scalar_one()


def test_no_run_and_no_change_of_one_is_counted_for_the_metrics(store: Store) -> None:
    claimed(store)
    queued(store)
    with statements(store) as sent:
        store.vitals(seen_within_s=60)
    assert len(sent.plans) > 5
    for plan in sent.plans:
        assert not re.search(r"SCAN (runs|transitions)|Seq Scan on (runs|transitions)", plan), plan
