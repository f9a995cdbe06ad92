"""Statistics of old runs are thinned and summarized once, and those that something needs are left as they are."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sqlalchemy import func, insert, select, update

from gradclinic.measurements.record import Series
from gradclinic.store import Lease, Reason, Store, retention
from gradclinic.store import tables as t
from gradclinic.store.packing import pack

from .pins import pin
from .records import DIAGNOSIS, claimed, outcome, record, window

LOSS, LAYERS = "train_loss", "site_grad_rms"
DAY_S = 86_400.0


def old(store: Store, *, days: float = 10, steps: int = 5000) -> Lease:
    """A run that ended so long ago."""
    lease = claimed(store)
    loss = window(0, steps, places=1, name=LOSS)
    chunks = pack(lease.run_id, window(0, steps) | loss)
    with store._database.write() as connection:
        connection.execute(insert(t.chunks), [chunk.row() for chunk in chunks])
    store.leases.finish(
        lease,
        status="succeeded",
        reason=Reason("trained", ""),
        record=record(outcome=outcome(steps_to_target=3210)),
        diagnosis=DIAGNOSIS,
    )
    with store._database.write() as connection:
        connection.execute(
            update(t.runs).where(t.runs.c.id == lease.run_id).values(ended_at=t.runs.c.ended_at - days * DAY_S)
        )
    return lease


def reduced(store: Store, to: str = "thinned", *, days: float = 7) -> int:
    return store.everywhere().reconciliation.reduce_old(to=to, older_than_s=days * DAY_S)


def statistics(store: Store, lease: Lease) -> dict[str, Series]:
    return store.statistics.series_by_run([lease.run_id], [LOSS, LAYERS])[lease.run_id]


def stored_bytes(store: Store) -> int:
    return store.usage().statistics_bytes


def test_an_old_run_is_thinned_and_later_summarized_and_each_once(store: Store) -> None:
    lease, young = old(store), old(store, days=1)
    whole, size = statistics(store, lease), stored_bytes(store)
    assert (reduced(store), reduced(store)) == (1, 0)
    thinned = statistics(store, lease)
    assert store.runs.get(lease.run_id).retention == "thinned"
    assert {*range(3208, 3213), 0, 4999} <= set(thinned[LAYERS].steps.tolist())
    assert len(thinned[LAYERS]) < 220
    np.testing.assert_array_equal(thinned[LAYERS].values, whole[LAYERS].values[thinned[LAYERS].steps])
    assert stored_bytes(store) < 0.7 * size
    assert (reduced(store, "summary"), reduced(store, "summary"), reduced(store)) == (1, 0, 0)
    assert list(statistics(store, lease)) == [LOSS]
    np.testing.assert_array_equal(statistics(store, lease)[LOSS].steps, thinned[LOSS].steps)
    kept = {each.retention: each.runs for each in store.kept()}
    assert kept == {"raw": 1, "summary": 1}
    assert sum(each.bytes for each in store.kept()) == stored_bytes(store)
    assert len(statistics(store, young)[LAYERS]) == 5000
    assert store.runs.get(lease.run_id).diagnosis == store.runs.get(young.run_id).diagnosis


def test_a_run_can_be_summarized_at_once(store: Store) -> None:
    lease = old(store)
    assert reduced(store, "summary") == 1
    assert list(statistics(store, lease)) == [LOSS]


def test_runs_that_go_on_or_that_a_baseline_pins_are_left(store: Store) -> None:
    needed, running = old(store), claimed(store)
    store.leases.save_window(running, step=5, series=window(0, 5))
    store.baselines.pin("main", pin(needed.run_id))
    assert (reduced(store), reduced(store, "summary", days=-1)) == (0, 0)
    assert len(statistics(store, needed)[LAYERS]) == 5000
    assert len(statistics(store, running)[LAYERS]) == 5


def test_a_run_that_is_pinned_while_it_is_read_is_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = old(store)
    whole = retention._reduced

    def pin_meanwhile(*values: object, **more: object) -> dict[str, Series]:
        store.baselines.pin("main", pin(lease.run_id))
        return whole(*values, **more)

    monkeypatch.setattr(retention, "_reduced", pin_meanwhile)
    assert reduced(store) == 0
    assert len(statistics(store, lease)[LAYERS]) == 5000


def test_one_that_is_cut_off_has_all_it_had(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = old(store)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retention, "pack_rows", die)
        with pytest.raises(KeyboardInterrupt):
            reduced(store)
    assert len(statistics(store, lease)[LAYERS]) == 5000
    assert store.runs.get(lease.run_id).retention == "raw"
    assert reduced(store) == 1


def test_several_reconcilers_reduce_each_run_once(store: Store) -> None:
    leases = [old(store, steps=500) for _ in range(4)]
    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(lambda _: reduced(store), range(3))) == 4
    assert {len(statistics(store, lease)[LAYERS]) for lease in leases} == {206}
    with store._database.read() as connection:
        assert connection.execute(select(func.count()).select_from(t.packs)).scalar_one() == 8


def test_a_damaged_run_is_left_and_keeps_no_other_from_its_turn(store: Store) -> None:
    damaged, sound = old(store), old(store)
    with store._database.write() as connection:
        connection.execute(update(t.packs).where(t.packs.c.run_id == damaged.run_id).values(content=b"x"))
    assert (reduced(store), reduced(store)) == (2, 0)
    assert len(statistics(store, sound)[LAYERS]) < 220
