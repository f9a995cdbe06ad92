"""What the worker's parent does when its child dies; the child's death itself is in `test_deaths` and `tests/chaos`."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from gradclinic.kernel.errors import SetupFailed
from gradclinic.queue.messages import owner_prefix
from gradclinic.settings import Settings
from gradclinic.store import Lease, Reason, Store
from gradclinic_workers.process import app

from ...service.store.records import claimed, queued

TRAINED = Reason("trained", "trained to its end")


@pytest.fixture
def child_died(store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(app, "get_settings", lambda: Settings(database_url=database_url))
    monkeypatch.setattr("gradclinic.store.reconciliation.GRACE_S", 0.0)
    return app._abandon


def taken(store: Store) -> Lease:
    """A run that a child has claimed which is dead by now."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return claimed(store, owner=f"{owner_prefix(os.getpid())}{child.pid}")


def announced_again(store: Store) -> list[str]:
    """Runs that get another message now, although none is overdue and the queue is not short of messages."""
    messages = store.reconciliation.unannounced(resend_after_s=1000, depths={"cpu": 10, "gpu": 0})
    return [message.run_id for message in messages]


def test_before_it_claimed_the_run_the_run_is_announced_again(store: Store, child_died) -> None:
    lost, other = queued(store), queued(store)
    store.reconciliation.mark_sent([lost.id, other.id])
    assert announced_again(store) == []
    child_died(lost.id)
    assert announced_again(store) == [lost.id]
    assert store.runs.get(lost.id) == lost


def test_while_it_trained_the_run_is_given_back_and_announced_again(store: Store, child_died) -> None:
    lease = taken(store)
    child_died(lease.run_id)
    run = store.runs.get(lease.run_id)
    assert (run.status, run.reason.code) == ("queued", "worker_died")
    assert announced_again(store) == [lease.run_id]


def test_while_it_trained_another_run_than_its_message_names_both_are_announced_again(store: Store, child_died) -> None:
    named, lease = queued(store), taken(store)
    store.reconciliation.mark_sent([named.id])
    child_died(named.id)
    assert store.runs.get(lease.run_id).reason.code == "worker_died"
    assert sorted(announced_again(store)) == sorted([named.id, lease.run_id])


def test_the_run_of_the_child_that_followed_is_left_to_it(store: Store, child_died) -> None:
    lease = claimed(store, owner=f"{owner_prefix(os.getpid())}{os.getpid()}")  # a process that exists
    child_died(lease.run_id)
    assert store.runs.get(lease.run_id).status == "running"


def test_after_the_run_had_ended_nothing_changes(store: Store, child_died) -> None:
    lease = taken(store)
    store.leases.finish(lease, status="succeeded", reason=TRAINED)
    ended = store.runs.get(lease.run_id)
    child_died(lease.run_id)
    assert store.runs.get(lease.run_id) == ended
    assert announced_again(store) == []


def test_a_run_that_another_worker_has_taken_meanwhile_is_left_to_it(store: Store, child_died) -> None:
    lease = claimed(store, owner="elsewhere/1/2")
    child_died(lease.run_id)
    assert store.runs.get(lease.run_id).owner == "elsewhere/1/2"


@pytest.mark.parametrize(
    ("asked", "gpus", "served"),
    [
        ("auto", ["GPU-aaaa"], "gpu"),
        ("auto", [], "cpu"),
        ("cpu", ["GPU-aaaa"], "cpu"),
        ("gpu,cpu", ["GPU-aaaa"], "gpu,cpu"),
        ("gpu", [], "gpu"),
    ],
)
def test_a_worker_that_has_a_gpu_serves_it_alone_unless_it_is_told_otherwise(
    asked: str, gpus: list[str], served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "visible_gpus", lambda: gpus)
    monkeypatch.setattr(app, "fault_of_gpu", lambda: None)
    assert app.queues_of(Settings(worker_queues=asked)) == served


def test_a_gpu_that_cannot_compute_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "visible_gpus", lambda: ["GPU-aaaa"])
    monkeypatch.setattr(app, "fault_of_gpu", lambda: "cuda cannot be used: the driver is too old")
    assert app.queues_of(Settings()) == "cpu"
    for asked in ("gpu", "cpu,gpu"):
        with pytest.raises(SetupFailed, match="the driver is too old"):
            app.queues_of(Settings(worker_queues=asked))


@pytest.mark.parametrize("error", [ImportError("no torch here"), SetupFailed("cuda cannot be used")])
def test_a_child_that_cannot_become_a_trainer_ends(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        pass

    def end(status: int) -> None:
        raise Ended(status)

    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setenv(app.PARENT, "1")
    monkeypatch.setenv(app.QUEUES, "cpu")
    monkeypatch.setattr(app, "PAUSE_S", 0)
    monkeypatch.setattr(app, "_end_with", lambda _parent: None)
    monkeypatch.setattr(app.signal, "signal", lambda *_: None)
    monkeypatch.setattr(app, "configure", lambda _settings: None)
    monkeypatch.setattr(app, "request_timeslice", lambda: True)  # this process has other things to do
    monkeypatch.setattr(app.tasks, "Trainer", broken)
    monkeypatch.setattr(app.os, "_exit", end)
    with pytest.raises(Ended) as ended:
        app._become_a_trainer()
    assert ended.value.args == (1,)
