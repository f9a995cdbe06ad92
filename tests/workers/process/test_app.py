"""What the worker's parent does when its child dies; the child's death itself is in `test_deaths` and `tests/chaos`."""

import os
from collections.abc import Callable
from typing import Any

import pytest

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
    return claimed(store, owner=f"{owner_prefix(os.getpid())}7")


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
    ("visible", "queues"), [(None, "gpu,cpu"), ("0", "gpu,cpu"), ("1,2", "gpu,cpu"), ("", "cpu"), ("-1", "cpu")]
)
def test_a_worker_serves_the_gpu_queue_where_it_may_see_a_gpu(
    visible: str | None, queues: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.Path, "glob", lambda _path, _pattern: iter(["/dev/nvidia0"]))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert app.queues_of(Settings()) == queues
    assert app.queues_of(Settings(worker_queues="cpu")) == "cpu"


def test_without_a_gpu_it_serves_the_other_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.Path, "glob", lambda _path, _pattern: iter([]))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert app.queues_of(Settings()) == "cpu"


def test_a_child_that_cannot_become_a_trainer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        pass

    def end(status: int) -> None:
        raise Ended(status)

    def broken(*_: Any, **__: Any) -> None:
        raise ImportError("no torch here")

    monkeypatch.setenv(app.PARENT, "1")
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
