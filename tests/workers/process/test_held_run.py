import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gradclinic.kernel.errors import LeaseLost, ServiceUnavailable
from gradclinic.settings import Settings
from gradclinic.store import Order, Reason, Store
from gradclinic_workers.process import held_run
from gradclinic_workers.process.held_run import HeldRun, draining

from ...service.store.records import claimed, window
from ...waiting import eventually

QUICK = Settings(lease_ttl_s=30, heartbeat_s=0.05, cancel_poll_s=0.01)


@pytest.fixture(autouse=True)
def _not_draining() -> Iterator[None]:
    draining.clear()
    yield
    draining.clear()


def test_a_run_that_nobody_stops_goes_on_and_its_lease_is_extended(store: Store) -> None:
    lease = claimed(store, ttl_s=20)
    first = store.runs.get(lease.run_id).lease_until
    assert first is not None
    with HeldRun(store, lease, QUICK) as held:
        eventually(lambda: (store.runs.get(lease.run_id).lease_until or first) > first)
        assert held.stop is None


def test_a_cancel_reaches_the_training(store: Store) -> None:
    lease = claimed(store)
    with HeldRun(store, lease, replace_settings(heartbeat_s=1000)) as held:
        store.runs.request_cancel(lease.run_id)
        assert eventually(lambda: held.stop == "canceled")


def test_a_run_that_was_given_to_another_attempt_is_let_go(store: Store) -> None:
    lease = claimed(store)
    with HeldRun(store, lease, QUICK) as held:
        store.reconciliation.abandon(store.reconciliation.owners("vm/"), max_attempts=3)
        claimed(store, lease.run_id)
        assert eventually(lambda: held.stop == "lease_lost")
        with pytest.raises(LeaseLost):
            held.save_window(step=1, series=window(0, 1))
        assert not held.ended


def test_a_deleted_run_is_let_go(store: Store) -> None:
    lease = claimed(store)
    with HeldRun(store, lease, QUICK) as held:
        store.runs.delete(lease.run_id)
        assert eventually(lambda: held.stop == "lease_lost")


def test_a_run_that_takes_too_long_is_stopped(store: Store) -> None:
    with HeldRun(store, claimed(store), replace_settings(max_run_s=0.001)) as held:
        assert eventually(lambda: held.stop == "run_time_limit")


def test_a_process_that_is_asked_to_end_stops_its_run(store: Store) -> None:
    with HeldRun(store, claimed(store), QUICK) as held:
        draining.set()
        assert held.stop == "draining"


class Flaky:
    """A store's leases whose database is away for the first calls of each method."""

    def __init__(self, store: Store, *, failures: int, committed: bool = False) -> None:
        self._leases, self._failures, self._committed = store.leases, failures, committed

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._leases, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._failures > 0:
                self._failures -= 1
                if self._committed:
                    method(*args, **kwargs)
                raise ServiceUnavailable("the database cannot be used now")
            return method(*args, **kwargs)

        return call


class FlakyStore:
    def __init__(self, store: Store, **how: Any) -> None:
        self.leases, self.statistics = Flaky(store, **how), store.statistics


@pytest.fixture
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_run, "RETRY_S", 0.0)


@pytest.mark.usefixtures("_no_pause")
def test_a_database_that_is_away_for_a_moment_costs_nothing(store: Store) -> None:
    lease = claimed(store)
    held = HeldRun(FlakyStore(store, failures=3), lease, QUICK)  # type: ignore[arg-type]
    held.save_window(step=5, series=window(0, 5))
    assert store.runs.get(lease.run_id).step == 5


@pytest.mark.usefixtures("_no_pause")
def test_a_commit_whose_answer_was_lost_is_not_repeated(store: Store) -> None:
    lease = claimed(store)
    held = HeldRun(FlakyStore(store, failures=1, committed=True), lease, QUICK)  # type: ignore[arg-type]
    held.save_window(step=5, series=window(0, 5))
    assert store.statistics.extents(lease.run_id)["site_grad_rms"].records == 5


@pytest.mark.usefixtures("_no_pause")
def test_an_end_whose_answer_was_lost_is_an_end(store: Store) -> None:
    lease = claimed(store)
    held = HeldRun(FlakyStore(store, failures=1, committed=True), lease, QUICK)  # type: ignore[arg-type]
    held.finish(status="succeeded", reason=Reason("trained", ""))
    assert held.ended
    assert [change.status for change in store.runs.transitions(lease.run_id)] == ["queued", "running", "succeeded"]


@pytest.mark.usefixtures("_no_pause")
def test_a_run_whose_return_was_not_answered_is_announced_all_the_same(store: Store) -> None:
    lease = claimed(store)
    held = HeldRun(FlakyStore(store, failures=1, committed=True), lease, QUICK)  # type: ignore[arg-type]
    assert held.release(reason=Reason("drained", "")).run_id == lease.run_id
    assert [change.status for change in store.runs.transitions(lease.run_id)] == ["queued", "running", "queued"]


@pytest.mark.usefixtures("_no_pause")
def test_a_database_that_is_away_for_longer_than_the_lease_ends_the_attempt(store: Store) -> None:
    held = HeldRun(FlakyStore(store, failures=10**9), claimed(store), replace_settings(lease_ttl_s=0.05))  # type: ignore[arg-type]
    with pytest.raises(LeaseLost, match="longer than the lease"):
        held.save_window(step=5, series=window(0, 5))
    assert held.stop == "lease_lost"


def test_a_run_that_outgrows_its_memory_is_failed_and_its_process_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(held_run.os, "kill", lambda pid, number: killed.append((pid, number)))
    lease = claimed(store)
    with HeldRun(store, lease, replace_settings(max_memory_bytes=2**20)):
        eventually(lambda: killed)
    assert killed[0] == (os.getpid(), signal.SIGKILL)
    run = store.runs.get(lease.run_id)
    assert (run.status, run.reason.code) == ("failed", "memory_limit")
    assert "smaller batch" in run.reason.text


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ("to cancel", "canceled", "canceled_by_user"),
        ("its time is over", "failed", "run_time_limit"),
        ("it is lost", "queued", "worker_died"),
    ],
)
def test_a_training_that_does_not_stop_when_it_is_told_to_is_ended_with_its_process(
    store: Store, monkeypatch: pytest.MonkeyPatch, told: str, status: str, code: str
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(held_run.os, "kill", lambda pid, number: killed.append((pid, number)))
    monkeypatch.setattr(held_run, "STUBBORN_S", 0.05)
    lease = claimed(store)
    with HeldRun(store, lease, replace_settings(max_run_s=0.01) if told == "its time is over" else QUICK):
        if told == "to cancel":
            store.runs.request_cancel(lease.run_id)
        elif told == "it is lost":
            store.reconciliation.abandon(store.reconciliation.owners("vm/"), max_attempts=3)
        eventually(lambda: killed)
    assert killed == [(os.getpid(), signal.SIGKILL)]
    run = store.runs.get(lease.run_id)
    assert (run.status, run.reason.code) == (status, code)


def test_a_training_that_waits_for_the_database_is_not_taken_for_one_that_does_not_stop(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(held_run.os, "kill", lambda pid, number: killed.append((pid, number)))
    monkeypatch.setattr(held_run, "STUBBORN_S", 0.05)
    lease = claimed(store)
    with HeldRun(store, lease, QUICK) as held:
        store.runs.request_cancel(lease.run_id)
        eventually(lambda: held.stop == "canceled")
        held._insist(lambda: time.sleep(0.5))
    assert killed == []


def test_an_end_is_an_end(store: Store) -> None:
    lease = claimed(store)
    with HeldRun(store, lease, QUICK) as held:
        held.finish(status="succeeded", reason=Reason("trained", ""))
        assert held.ended
    assert store.leases.look(lease) is Order.LOST
    assert held.stop is None


def replace_settings(**changes: Any) -> Settings:
    return QUICK.model_copy(update=changes)
