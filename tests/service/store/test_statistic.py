import numpy as np
import pytest
from sqlalchemy import text

from gradclinic.kernel.errors import NotFound
from gradclinic.measurements.record import Series
from gradclinic.measurements.statistics import STATISTICS
from gradclinic.store import Reason, Store
from gradclinic.store.database import Database

from .records import DIAGNOSIS, claimed, outcome, queued, record, window


def test_a_series_is_read_back_to_the_bit(store: Store) -> None:
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2**32, size=(40, 3), dtype=np.uint32)  # any float32: subnormal, infinite, NaN
    series = Series(np.arange(40, dtype=np.int32) * 7, bits.view(np.float32))
    lease = claimed(store)
    halves = (slice(0, 25), slice(25, 40))
    for half in halves:
        store.leases.save_window(
            lease, step=1, series={"site_grad_rms": Series(series.steps[half], series.values[half])}
        )
    found = store.statistics.series(lease.run_id, "site_grad_rms")
    assert found.steps.tolist() == series.steps.tolist()
    assert found.values.view(np.uint32).tolist() == bits.tolist()
    assert found.values.dtype == np.float32


def test_a_range_of_steps_includes_both_ends(store: Store) -> None:
    lease = claimed(store)
    for first in range(0, 30, 10):
        store.leases.save_window(lease, step=first + 10, series=window(first, first + 10))
    found = store.statistics.series(lease.run_id, "site_grad_rms", first_step=8, last_step=21)
    assert found.steps.tolist() == list(range(8, 22))
    assert found.values[:, 1] == pytest.approx(np.arange(8, 22) + 0.1)
    assert len(store.statistics.series(lease.run_id, "site_grad_rms", first_step=99)) == 0


def test_a_statistic_that_was_not_recorded_is_empty_and_has_its_places(store: Store) -> None:
    lease = claimed(store)
    store.leases.save_layout(lease, record().layout, environment={})
    for name, statistic in STATISTICS.items():
        found = store.statistics.series(lease.run_id, name)
        assert found.values.shape == (0, {"site": 2, "weight": 2, "run": 1}[statistic.per])
    with pytest.raises(NotFound):
        store.statistics.series("run_x", "train_loss")


def test_several_runs_series_come_together(store: Store) -> None:
    first, second = claimed(store), claimed(store)
    store.leases.save_window(first, step=5, series=window(0, 5))
    store.leases.save_window(second, step=3, series=window(0, 3))
    found = store.statistics.series_of([first.run_id, second.run_id], "site_grad_rms")
    assert {run_id: len(series) for run_id, series in found.items()} == {first.run_id: 5, second.run_id: 3}


def test_extents_say_what_is_stored(store: Store) -> None:
    lease = claimed(store)
    store.leases.save_window(lease, step=5, series=window(0, 5) | window(0, 5, places=1, name="train_loss"))
    store.leases.save_window(lease, step=9, series=window(5, 9))
    extents = store.statistics.extents(lease.run_id)
    assert (extents["site_grad_rms"].records, extents["site_grad_rms"].last_step) == (9, 8)
    assert (extents["train_loss"].records, extents["train_loss"].places) == (5, 1)


def test_a_record_is_put_together_from_all_that_is_stored(store: Store) -> None:
    lease = claimed(store)
    with pytest.raises(NotFound, match="not recorded anything"):
        store.statistics.record(lease.run_id)
    before = record()
    store.leases.save_layout(lease, before.layout, environment=before.environment)
    store.leases.save_window(lease, step=5, series=window(0, 5))
    found = store.statistics.record(lease.run_id)
    assert (found.sites, found.weights, found.clipping) == (before.sites, before.weights, before.clipping)
    assert (found.steps, found.batch_size, found.environment) == (before.steps, before.batch_size, before.environment)
    assert found.outcome is None
    ended = record(outcome=outcome())
    store.leases.finish(lease, status="succeeded", reason=Reason("trained", ""), record=ended)
    assert store.statistics.record(lease.run_id).outcome == outcome()
    with pytest.raises(NotFound, match="run_x"):
        store.statistics.record("run_x")


def test_a_run_that_waits_has_no_series_yet(store: Store) -> None:
    assert len(store.statistics.series(queued(store).id, "train_loss")) == 0


def test_people_who_read_the_database_find_a_row_for_each_layer_and_finding(store: Store, database_url: str) -> None:
    lease = claimed(store)
    values = np.array([[1.0, 2.0], [np.nan, 4.0], [3.0, np.inf]], np.float32)
    series = {"site_grad_rms": Series(np.arange(3, dtype=np.int32), values)}
    store.leases.finish(
        lease,
        status="succeeded",
        reason=Reason("trained", ""),
        record=record(series=series, outcome=outcome()),
        diagnosis=DIAGNOSIS,
    )
    database = Database(database_url)
    with database.within(None).read() as connection:
        rows = connection.execute(text("SELECT * FROM layer_summaries ORDER BY position")).mappings().all()
        conditions = connection.execute(text("SELECT condition FROM findings ORDER BY number")).scalars().all()
    database.close()
    assert [(row["layer"], row["records"], row["nonfinite_records"]) for row in rows] == [
        ("0.linear", 3, 1),
        ("2.linear", 3, 1),
    ]
    assert (rows[0]["first"], rows[0]["last"]) == (1.0, 3.0)
    assert str(rows[0]["median"]).lower() == "nan"
    assert rows[1]["largest"] == np.inf
    assert conditions == ["vanishing_gradients", "slow_convergence"]
