"""Chunks of a run are merged at its end, and read as before."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sqlalchemy import Table, func, insert, select, update

from gradclinic.kernel.errors import DamagedData
from gradclinic.measurements.record import Series
from gradclinic.store import Lease, Reason, Store, merging
from gradclinic.store import tables as t
from gradclinic.store.database import Database
from gradclinic.store.packing import pack

from .costs import analyzed, rows_read
from .records import claimed, window

OVER = Reason("trained", "")


def rows(store: Store, table: Table = t.packs) -> int:
    with store._database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def recorded(store: Store, *, windows: int, names: int = 1) -> Lease:
    """A run with a window each second, of ten steps."""
    lease = claimed(store)
    chunks = [
        chunk.row()
        for number in range(windows)
        for index in range(names)
        for chunk in pack(lease.run_id, window(10 * number, 10 * number + 10, name=f"statistic_{index}"))
    ]
    with store._database.write() as connection:
        connection.execute(insert(t.chunks), chunks)
    return lease


def series(store: Store, lease: Lease, name: str = "statistic_0") -> Series:
    return store.statistics.series_by_run([lease.run_id], [name])[lease.run_id][name]


def test_an_hours_run_leaves_a_row_for_each_pack_with_the_same_values(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    lease = recorded(store, windows=3600, names=4)
    before = series(store, lease, "statistic_3")
    store.leases.finish(lease, status="succeeded", reason=OVER)
    assert (rows(store), rows(store, t.chunks)) == (4, 0)
    after = series(store, lease, "statistic_3")
    np.testing.assert_array_equal(after.steps, before.steps)
    np.testing.assert_array_equal(after.values, before.values)
    store.close()


def test_a_merged_row_has_at_most_the_largest_size(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MERGED_BYTES", 3 * 120)  # a window has 10 steps and 20 values
    monkeypatch.setattr(merging, "PACKED_BYTES", 3 * 120)
    lease = recorded(store, windows=7)
    before = series(store, lease)
    store.leases.finish(lease, status="succeeded", reason=OVER)
    assert rows(store) == 3
    np.testing.assert_array_equal(series(store, lease).values, before.values)


def test_damaged_rows_are_not_merged_and_still_named(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    lease = recorded(store, windows=3)
    with store._database.write() as connection:
        connection.execute(update(t.chunks).where(t.chunks.c.first_step == 10).values(values=b"x"))
    store.leases.finish(lease, status="succeeded", reason=OVER)
    assert (rows(store), rows(store, t.chunks)) == (0, 3)
    with pytest.raises(DamagedData, match="from step 10 to 19"):
        series(store, lease)
    store.close()


def test_a_pack_holds_several_statistics_of_which_a_range_of_steps_is_read(store: Store) -> None:
    lease = recorded(store, windows=5, names=3)
    extents = store.statistics.extents(lease.run_id)
    before = store.statistics.series_by_run([lease.run_id], ["statistic_2", "statistic_0"], first_step=7, last_step=21)
    store.leases.finish(lease, status="succeeded", reason=OVER)
    assert (rows(store), rows(store, t.chunks)) == (1, 0)
    assert store.statistics.extents(lease.run_id) == extents
    after = store.statistics.series_by_run([lease.run_id], ["statistic_2", "statistic_0"], first_step=7, last_step=21)
    assert list(after[lease.run_id]) == ["statistic_0", "statistic_2"]
    for name, found in after[lease.run_id].items():
        assert found.steps.tolist() == list(range(7, 22))
        np.testing.assert_array_equal(found.values, before[lease.run_id][name].values)
    assert list(store.statistics.series_by_run([lease.run_id], ["statistic"])[lease.run_id]) == []


def test_a_run_whose_end_was_cut_off_is_packed_once(store: Store) -> None:
    lease = recorded(store, windows=3, names=2)
    merging.merge_chunks(store._database, lease.run_id)
    assert (rows(store), rows(store, t.chunks)) == (0, 6)  # it has not ended
    store.leases.finish(lease, status="succeeded", reason=OVER)
    merging.merge_chunks(store._database, lease.run_id)
    assert (rows(store), rows(store, t.chunks)) == (1, 0)


def test_curves_are_packed_without_the_statistics_of_layers_so_that_lists_read_only_them(store: Store) -> None:
    lease = recorded(store, windows=2, names=3)
    losses = pack(lease.run_id, {"a_loss": curve(0, 20), "the_loss": curve(0, 20)})
    with store._database.write() as connection:
        connection.execute(insert(t.chunks), [chunk.row() for chunk in losses])
    store.leases.finish(lease, status="succeeded", reason=OVER)
    with store._database.read() as connection:
        entries = connection.execute(select(t.packs.c.entries).order_by(t.packs.c.number)).scalars()
        names = [[entry[0] for entry in json.loads(each)] for each in entries]
    assert names == [["a_loss", "the_loss"], ["statistic_0", "statistic_1", "statistic_2"]]
    np.testing.assert_array_equal(series(store, lease, "the_loss").values, curve(0, 20).values)


def curve(first: int, end: int) -> Series:
    """A value for each step."""
    steps = np.arange(first, end, dtype=np.int32)
    return Series(steps, steps[:, None].astype(np.float32))


def left_unpacked(store: Store, monkeypatch: pytest.MonkeyPatch, *, windows: int = 3, names: int = 2) -> Lease:
    """A run whose process died between its end and the packing."""
    lease = recorded(store, windows=windows, names=names)
    with monkeypatch.context() as patch:
        patch.setattr("gradclinic.store.lease.merge_chunks", lambda *_: None)
        store.leases.finish(lease, status="succeeded", reason=OVER)
    return lease


def test_what_a_dead_process_left_is_packed_later_and_reads_the_same(store, monkeypatch) -> None:
    left, running = left_unpacked(store, monkeypatch), recorded(store, windows=3)
    before = series(store, left)
    reconciliation = store.everywhere().reconciliation
    assert reconciliation.pack_ended() == 0  # its process may be about to do it
    monkeypatch.setattr(merging, "GRACE_S", 0.0)
    assert (reconciliation.pack_ended(), reconciliation.pack_ended()) == (1, 0)
    assert (rows(store), rows(store, t.chunks)) == (1, 3)
    np.testing.assert_array_equal(series(store, left).values, before.values)
    assert len(series(store, running)) == 30


def test_two_reconcilers_and_the_run_s_own_process_pack_it_once(store, monkeypatch) -> None:
    monkeypatch.setattr(merging, "GRACE_S", 0.0)
    monkeypatch.setattr(merging, "PACKED_BYTES", 240)
    left = left_unpacked(store, monkeypatch, names=4)
    before = [series(store, left, f"statistic_{index}") for index in range(4)]
    with ThreadPoolExecutor(3) as threads:
        reconciliation = store.everywhere().reconciliation
        tasks = [threads.submit(reconciliation.pack_ended) for _ in range(2)]
        tasks.append(threads.submit(merging.merge_chunks, store._database, left.run_id))
        for task in tasks:
            task.result()
    assert (rows(store), rows(store, t.chunks)) == (4, 0)
    for index, earlier in enumerate(before):
        np.testing.assert_array_equal(series(store, left, f"statistic_{index}").values, earlier.values)


def test_a_round_packs_the_oldest_first_and_goes_on_in_the_next_where_its_time_is_over(store, monkeypatch) -> None:
    monkeypatch.setattr(merging, "GRACE_S", 0.0)
    monkeypatch.setattr(merging, "PACKED_BYTES", 240)
    left = [left_unpacked(store, monkeypatch).run_id for _ in range(2)]
    seconds = itertools.count()
    monkeypatch.setattr(merging.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(merging, "PACKED_S", 3.0)  # the look at a run, and one of its packs

    def packed() -> list[int]:
        with store._database.read() as connection:
            return [len(connection.execute(select(t.packs).where(t.packs.c.run_id == run)).all()) for run in left]

    reconciliation = store.everywhere().reconciliation
    found = [(reconciliation.pack_ended(), packed()) for _ in range(4)]
    assert found == [(0, [1, 0]), (1, [2, 0]), (0, [2, 1]), (1, [2, 2])]


def test_a_run_that_cannot_be_packed_keeps_no_other_from_its_turn(store, monkeypatch) -> None:
    monkeypatch.setattr(merging, "GRACE_S", 0.0)
    broken, sound = (left_unpacked(store, monkeypatch).run_id for _ in range(2))
    whole = merging._pack_run

    def pack_run(database: Database, run_id: str, **more: object) -> bool:
        if run_id == broken:
            raise LookupError("a row that nobody foresaw")
        return whole(database, run_id, **more)

    monkeypatch.setattr(merging, "_pack_run", pack_run)
    reconciliation = store.everywhere().reconciliation
    assert (reconciliation.pack_ended(), reconciliation.pack_ended()) == (1, 0)
    assert store.statistics.extents(broken) == store.statistics.extents(sound)


def test_looking_for_runs_to_pack_reads_none_of_those_that_are_packed(store: Store) -> None:
    lease = recorded(store, windows=1)
    store.leases.finish(lease, status="succeeded", reason=OVER)
    with store._database.write() as connection:
        row = connection.execute(select(t.runs).where(t.runs.c.id == lease.run_id)).mappings().one()
        connection.execute(insert(t.runs), [dict(row) | {"id": f"run_{number:04}"} for number in range(1000)])
    analyzed(store)
    with rows_read(store) as read:
        store.everywhere().reconciliation.pack_ended()
    assert sum(read) < 100


@pytest.mark.parametrize("damage", [{"entries": "["}, {"entries": '[["statistic_0",0]]'}, {"content": b"short"}])
def test_a_damaged_pack_is_not_served(store: Store, damage: dict[str, object]) -> None:
    lease = recorded(store, windows=2)
    store.leases.finish(lease, status="succeeded", reason=OVER)
    with store._database.write() as connection:
        connection.execute(update(t.packs).values(**damage))
    with pytest.raises(DamagedData, match="damaged"):
        store.statistics.series_by_run([lease.run_id], ["statistic_0"])
