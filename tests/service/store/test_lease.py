from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from gradclinic.kernel.errors import LeaseLost
from gradclinic.measurements.metrics import RunMetrics, metrics_of
from gradclinic.measurements.record import Series
from gradclinic.store import CheckpointPointer, Order, Reason, Store

from .records import claimed, outcome, queued, record, window

TRAINED = Reason("trained", "")
ENDED_TTL_S = -1.0
"""A lease that has run out when it begins."""


def pointer(step: int, attempt: int = 1) -> CheckpointPointer:
    return CheckpointPointer(f"r/{attempt}-{step}.pt", step, "0" * 64, 10)


def test_one_of_many_claims_at_once_wins(store: Store) -> None:
    run = queued(store)
    with ThreadPoolExecutor(8) as pool:
        leases = list(pool.map(lambda n: store.leases.claim(run.id, owner=f"o{n}", ttl_s=60), range(16)))
    won = [lease for lease in leases if lease is not None]
    assert len(won) == 1
    assert store.runs.get(run.id).owner == won[0].owner
    assert store.runs.get(run.id).attempt == 1


def test_a_message_for_a_run_that_is_not_waiting_claims_nothing(store: Store) -> None:
    lease = claimed(store)
    assert store.leases.claim(lease.run_id, owner="o", ttl_s=60) is None
    store.leases.finish(lease, status="succeeded", reason=TRAINED)
    assert store.leases.claim(lease.run_id, owner="o", ttl_s=60) is None
    assert store.leases.claim("run_x", owner="o", ttl_s=60) is None


def test_a_claim_whose_answer_was_lost_is_found_by_its_owner_and_by_nobody_else(store: Store) -> None:
    first = claimed(store, owner="vm/1/2")
    store.leases.save_window(first, step=5, series=window(0, 5))
    assert store.leases.claim(first.run_id, owner="vm/1/3", ttl_s=60, again=True) is None
    found = store.leases.claim(first.run_id, owner="vm/1/2", ttl_s=60, again=True)
    assert found is not None
    assert (found.attempt, found.run.step) == (1, 0)
    assert store.statistics.extents(first.run_id) == {}
    late = claimed(store, owner="vm/1/2", ttl_s=ENDED_TTL_S)
    assert store.leases.claim(late.run_id, owner="vm/1/2", ttl_s=60, again=True) is None


def test_a_heartbeat_extends_the_lease_and_tells_of_a_cancel(store: Store) -> None:
    lease = claimed(store, ttl_s=30)
    before = store.runs.get(lease.run_id).lease_until
    assert store.leases.heartbeat(lease, ttl_s=300) is Order.CONTINUE
    after = store.runs.get(lease.run_id).lease_until
    assert before is not None
    assert after is not None
    assert (after - before).total_seconds() > 200
    store.runs.request_cancel(lease.run_id)
    assert store.leases.look(lease) is Order.CANCEL
    assert store.leases.heartbeat(lease, ttl_s=60) is Order.CANCEL


def test_a_lease_that_ran_out_cannot_be_extended(store: Store) -> None:
    lease = claimed(store, ttl_s=ENDED_TTL_S)
    assert store.leases.look(lease) is Order.LOST
    assert store.leases.heartbeat(lease, ttl_s=60) is Order.LOST


def test_nothing_is_written_under_a_lease_that_ran_out(store: Store) -> None:
    lease = claimed(store, ttl_s=ENDED_TTL_S)
    assert _written(store, lease) == []


def test_nothing_is_written_by_an_attempt_that_another_followed(store: Store) -> None:
    stale = claimed(store, ttl_s=ENDED_TTL_S)
    store.reconciliation.expire_leases(max_attempts=3)
    fresh = claimed(store, stale.run_id, owner="vm/9/9")
    assert fresh.attempt == 2
    assert _written(store, stale) == []
    store.leases.save_window(fresh, step=3, series=window(0, 3))
    store.leases.finish(fresh, status="succeeded", reason=TRAINED)


def test_nothing_is_written_to_a_run_that_has_ended_or_is_gone(store: Store) -> None:
    lease = claimed(store)
    store.leases.finish(lease, status="succeeded", reason=TRAINED)
    assert _written(store, lease) == []
    gone = claimed(store)
    store.runs.delete(gone.run_id)
    with pytest.raises(LeaseLost):
        store.leases.save_window(gone, step=3, series=window(0, 3))


def _written(store: Store, lease) -> list[str]:
    """What a lease can still write, by what it tried; whatever was refused has left no trace."""
    before, extents = store.runs.get(lease.run_id), store.statistics.extents(lease.run_id)
    tries = {
        "window": lambda: store.leases.save_window(lease, step=5, series=window(0, 5), checkpoint=pointer(5)),
        "layout": lambda: store.leases.save_layout(lease, record().layout, environment={}),
        "restart": lambda: store.leases.restart(lease, reason="no"),
        "release": lambda: store.leases.release(lease, reason=Reason("drained", "")),
        "end": lambda: store.leases.finish(lease, status="failed", reason=Reason("x", "")),
    }
    accepted = []
    for name, write in tries.items():
        try:
            write()
        except LeaseLost:
            continue
        accepted.append(name)
    assert store.runs.get(lease.run_id) == before
    assert store.statistics.extents(lease.run_id) == extents
    return accepted


def test_a_repeated_row_is_impossible_and_takes_the_progress_back_with_it(store: Store) -> None:
    lease = claimed(store)
    store.leases.save_window(lease, step=5, series=window(0, 5))
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        store.leases.save_window(lease, step=9, series=window(0, 5))
    assert store.runs.get(lease.run_id).step == 5
    store.leases.save_window(lease, step=5, series=window(0, 5), again=True)
    assert store.statistics.extents(lease.run_id)["site_grad_rms"].records == 5


def test_the_next_attempt_begins_at_the_checkpoint_and_drops_what_came_after(store: Store) -> None:
    lease = claimed(store)
    store.leases.save_window(lease, step=4, series=window(0, 4), checkpoint=pointer(4))
    store.leases.save_window(lease, step=8, series=window(4, 8))
    store.leases.release(lease, reason=Reason("drained", ""))
    again = claimed(store, lease.run_id)
    assert again.run.checkpoint == pointer(4)
    assert again.run.step == 4
    assert store.statistics.series(lease.run_id, "site_grad_rms").steps.tolist() == [0, 1, 2, 3]
    store.leases.save_window(again, step=8, series=window(4, 8))
    assert store.statistics.series(lease.run_id, "site_grad_rms").steps.tolist() == list(range(8))


def test_a_restart_drops_everything_that_was_recorded(store: Store) -> None:
    lease = claimed(store)
    store.leases.save_window(lease, step=4, series=window(0, 4), checkpoint=pointer(4))
    store.leases.restart(lease, reason="the checkpoint is damaged")
    run = store.runs.get(lease.run_id)
    assert (run.step, run.checkpoint, run.status) == (0, None, "running")
    assert store.statistics.extents(lease.run_id) == {}


def test_an_end_forgets_the_checkpoint_and_the_owner(store: Store) -> None:
    lease = claimed(store)
    store.leases.save_window(lease, step=4, series=window(0, 4), checkpoint=pointer(4))
    store.leases.finish(lease, status="succeeded", reason=TRAINED, record=record(outcome=outcome()))
    run = store.runs.get(lease.run_id)
    assert (run.status, run.step, run.checkpoint, run.owner, run.lease_until) == ("succeeded", 10, None, None, None)
    assert run.ended
    assert run.ended_at is not None


def test_a_run_ends_with_its_outcome_though_its_statistics_cannot_be_evaluated(store: Store) -> None:
    lease = claimed(store)
    no_column = Series(np.arange(3, dtype=np.int32), np.zeros((3, 0), np.float32))
    broken = replace(record(outcome=outcome()), series={"probe_loss": no_column})
    with pytest.raises(IndexError):
        metrics_of(broken)
    store.leases.finish(lease, status="succeeded", reason=TRAINED, record=broken)
    run = store.runs.get(lease.run_id)
    assert (run.status, run.outcome) == ("succeeded", outcome())
    assert run.metrics == RunMetrics.of_outcome(outcome(), steps=broken.steps, parameters=broken.parameters)
