"""Chunks of a run are merged at its end, and read as before."""

import numpy as np
import pytest
from sqlalchemy import func, insert, select, update

from gradclinic.kernel.errors import DamagedData
from gradclinic.measurements.record import Series
from gradclinic.store import Lease, Reason, Store, merging
from gradclinic.store import tables as t
from gradclinic.store.packing import pack

from .records import claimed, window

OVER = Reason("trained", "")


def rows(store: Store) -> int:
    with store._database.read() as connection:
        return connection.execute(select(func.count()).select_from(t.chunks)).scalar_one()


def recorded(store: Store, *, windows: int, names: int = 1) -> Lease:
    """A run with a window each second, of ten steps."""
    lease = claimed(store)
    chunks = [
        chunk
        for number in range(windows)
        for index in range(names)
        for chunk in pack(lease.run_id, window(10 * number, 10 * number + 10, name=f"statistic_{index}"))
    ]
    with store._database.write() as connection:
        connection.execute(insert(t.chunks), chunks)
    return lease


def series(store: Store, lease: Lease, name: str = "statistic_0") -> Series:
    return store.statistics.series_by_run([lease.run_id], [name])[lease.run_id][name]


def test_an_hours_run_leaves_fewer_than_500_rows_with_the_same_values(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    lease = recorded(store, windows=3600, names=4)
    before = series(store, lease, "statistic_3")
    store.leases.finish(lease, status="succeeded", reason=OVER)
    assert rows(store) == 4
    after = series(store, lease, "statistic_3")
    np.testing.assert_array_equal(after.steps, before.steps)
    np.testing.assert_array_equal(after.values, before.values)
    store.close()


def test_a_merged_row_has_at_most_the_largest_size(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MERGED_BYTES", 3 * 120)  # a window has 10 steps and 20 values
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
    assert rows(store) == 3
    with pytest.raises(DamagedData, match="from step 10 to 19"):
        series(store, lease)
    store.close()
