"""Layouts are stored once for all runs that have the same."""

from dataclasses import replace

from sqlalchemy import select, update

from gradclinic.kernel.codec import encode
from gradclinic.measurements.record import Layout
from gradclinic.store import Reason, Store
from gradclinic.store import tables as t

from .records import claimed, record

OVER = Reason("trained", "")
LAYOUT = record().layout


def trained(store: Store, layout: Layout = LAYOUT) -> str:
    lease = claimed(store)
    store.leases.save_layout(lease, layout, environment={})
    store.leases.finish(lease, status="succeeded", reason=OVER)
    return lease.run_id


def stored(store: Store) -> int:
    with store._database.read() as connection:
        return len(connection.execute(select(t.layouts)).all())


def as_before(store: Store, run_id: str, layout: Layout = LAYOUT) -> None:
    """Let a run have a layout of its own, as earlier versions store it."""
    with store._database.write() as connection:
        own = update(t.runs).where(t.runs.c.id == run_id)
        connection.execute(own.values(layout=encode(layout), layout_digest=None))


def own_layouts(store: Store) -> list[str]:
    with store._database.read() as connection:
        return list(connection.execute(select(t.runs.c.id).where(t.runs.c.layout.is_not(None))).scalars())


def test_runs_with_the_same_layout_share_it(store: Store) -> None:
    runs = [trained(store), trained(store), trained(store, replace(LAYOUT, batch_size=5))]
    assert [store.runs.get(run_id).layout.batch_size for run_id in runs] == [4, 4, 5]
    assert store.statistics.record(runs[1]).sites == LAYOUT.sites
    assert [run.layout for run in store.runs.with_documents(runs[:2])] == [LAYOUT, LAYOUT]
    assert stored(store) == 2
    assert own_layouts(store) == []


def test_layouts_of_an_earlier_version_are_read_and_moved_once_their_run_has_ended(store: Store) -> None:
    ended, running = trained(store), claimed(store).run_id
    for run_id in (ended, running):
        as_before(store, run_id)
        assert store.runs.get(run_id).layout == LAYOUT
    store.reconciliation.tidy_layouts()
    assert own_layouts(store) == [running]
    assert [store.runs.get(run_id).layout for run_id in (ended, running)] == [LAYOUT, LAYOUT]
    assert stored(store) == 1


def test_a_layout_that_an_earlier_version_changes_is_the_one_that_is_read(store: Store) -> None:
    run_id, newer = trained(store), replace(LAYOUT, batch_size=5)
    with store._database.write() as connection:
        connection.execute(update(t.runs).where(t.runs.c.id == run_id).values(layout=encode(newer)))
    assert store.runs.get(run_id).layout == newer
    store.reconciliation.tidy_layouts()
    assert store.runs.get(run_id).layout == newer


def test_a_layout_goes_with_the_last_run_that_has_it(store: Store) -> None:
    first, last = trained(store), trained(store)
    store.runs.delete(first)
    store.reconciliation.tidy_layouts()
    assert store.runs.get(last).layout == LAYOUT
    store.runs.delete(last)
    store.reconciliation.tidy_layouts()
    assert stored(store) == 0
