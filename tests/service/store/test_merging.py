"""Chunks of a run are merged at its end, and read as before."""

import numpy as np
import pytest
from sqlalchemy import Table, func, insert, select, update

from gradclinic.kernel.errors import DamagedData
from gradclinic.measurements.record import Series
from gradclinic.store import Lease, Reason, Store, merging
from gradclinic.store import tables as t
from gradclinic.store.packing import pack

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


@pytest.mark.parametrize("damage", [{"entries": "["}, {"entries": '[["statistic_0",0]]'}, {"content": b"short"}])
def test_a_damaged_pack_is_not_served(store: Store, damage: dict[str, object]) -> None:
    lease = recorded(store, windows=2)
    store.leases.finish(lease, status="succeeded", reason=OVER)
    with store._database.write() as connection:
        connection.execute(update(t.packs).values(**damage))
    with pytest.raises(DamagedData, match="damaged"):
        store.statistics.series_by_run([lease.run_id], ["statistic_0"])
