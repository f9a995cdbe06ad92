import pytest
from sqlalchemy import text

from gradclinic.store import CheckpointPointer, Reason, Store
from gradclinic.store.database import Database

from .records import claimed, new_run, new_study, queued, window

LATE_S = -1.0
EMPTY = {"cpu": 0, "gpu": 0}
GRACE_S = 60.0


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was stored a second ago, because the disk was busy, is still a new one."""
    monkeypatch.setattr("gradclinic.store.reconciliation.GRACE_S", GRACE_S)


def test_a_run_whose_lease_ran_out_is_queued_again(store: Store) -> None:
    lost, held = claimed(store, ttl_s=LATE_S), claimed(store)
    assert store.reconciliation.expire_leases(max_attempts=3) == 1
    run = store.runs.get(lost.run_id)
    assert (run.status, run.reason.code, run.owner, run.lease_until) == ("queued", "lease_expired", None, None)
    assert store.runs.get(held.run_id).status == "running"
    assert store.reconciliation.expire_leases(max_attempts=3) == 0
    assert store.runs.transitions(lost.run_id)[-1].owner == "vm/1/2"


def test_a_run_that_loses_every_worker_is_failed_with_a_reason(store: Store) -> None:
    run = queued(store)
    for _ in range(3):
        assert store.runs.get(run.id).status == "queued"
        claimed(store, run.id, ttl_s=LATE_S)
        store.reconciliation.expire_leases(max_attempts=3)
    failed = store.runs.get(run.id)
    assert (failed.status, failed.reason.code) == ("failed", "too_many_attempts")
    assert "3 attempts" in failed.reason.text
    assert failed.ended_at is not None


def test_an_attempt_that_saved_a_newer_checkpoint_does_not_count(store: Store) -> None:
    run = queued(store)
    for attempt in range(1, 7):
        lease = claimed(store, run.id, ttl_s=60)
        if attempt % 2 == 0:
            pointer = CheckpointPointer(f"r/{attempt}.pt", attempt, "0" * 64, 1)
            store.leases.save_window(lease, step=attempt, series=window(attempt - 2, attempt), checkpoint=pointer)
        store.reconciliation.abandon(["vm/1/2"], max_attempts=3)
    assert store.runs.get(run.id).status == "queued"


def test_a_drained_run_does_not_count_as_failed(store: Store) -> None:
    run = queued(store)
    for _ in range(5):
        store.leases.release(claimed(store, run.id), reason=Reason("drained", ""))
    assert store.runs.get(run.id).status == "queued"


def test_a_lost_run_that_was_to_be_cancelled_is_cancelled(store: Store) -> None:
    lease = claimed(store, ttl_s=LATE_S)
    store.runs.request_cancel(lease.run_id)
    store.reconciliation.expire_leases(max_attempts=3)
    assert store.runs.get(lease.run_id).status == "canceled"


def test_the_runs_of_a_dead_worker_are_taken_back_at_once_and_no_others(store: Store) -> None:
    mine = [claimed(store, owner="vm/1/2"), claimed(store, owner="vm/1/3")]
    other = claimed(store, owner="vm/12/3")
    assert sorted(store.reconciliation.owners("vm/1/")) == ["vm/1/2", "vm/1/3"]
    assert store.reconciliation.abandon(["vm/1/2"], max_attempts=3) == 1
    assert store.reconciliation.owners("vm/1/") == ["vm/1/3"]
    assert store.reconciliation.abandon(["vm/1/3"], max_attempts=3) == 1
    assert store.reconciliation.abandon([], max_attempts=3) == 0
    assert [store.runs.get(lease.run_id).status for lease in mine] == ["queued", "queued"]
    assert store.runs.get(other.run_id).status == "running"


def test_a_run_that_nobody_took_expires(store: Store) -> None:
    run = queued(store)
    assert store.reconciliation.expire_queued(max_queue_s=3600) == 0
    assert store.reconciliation.expire_queued(max_queue_s=-1) == 1
    expired = store.runs.get(run.id)
    assert (expired.status, expired.reason.code) == ("expired", "queue_time_limit")


def test_a_round_that_finds_nothing_needs_no_lock_that_another_may_hold(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    queued(store)
    claimed(store)
    other = Database(sqlite_url)
    with other.write():  # each would wait for half a minute, and fail
        assert store.reconciliation.expire_leases(max_attempts=3) == 0
        assert store.reconciliation.expire_queued(max_queue_s=3600) == 0
        assert store.reconciliation.unannounced(resend_after_s=120, depths=EMPTY) == []
    other.close()
    store.close()


def test_a_run_that_was_never_announced_is_announced_after_a_moment(store: Store, database_url: str) -> None:
    run = queued(store, queue="gpu")
    assert store.reconciliation.unannounced(resend_after_s=120, depths=EMPTY) == []  # its request is about to
    age(database_url, run.id, queued_at=2 * GRACE_S)
    (message,) = store.reconciliation.unannounced(resend_after_s=120, depths=EMPTY)
    assert (message.run_id, message.queue) == (run.id, "gpu")
    store.reconciliation.mark_sent([run.id])
    assert store.reconciliation.unannounced(resend_after_s=120, depths=EMPTY) == []


def test_a_lost_message_is_sent_again_but_not_because_a_backlog_waits(store: Store, database_url: str) -> None:
    runs = [queued(store) for _ in range(3)]
    store.reconciliation.mark_sent([run.id for run in runs])
    for run in runs:
        age(database_url, run.id, sent_at=200, queued_at=200)
    again = lambda waiting: store.reconciliation.unannounced(resend_after_s=120, depths={"cpu": waiting, "gpu": 0})  # noqa: E731
    assert again(3) == []
    assert [message.run_id for message in again(2)] == [runs[0].id]
    assert len(again(0)) == 3


def test_a_clock_that_was_set_back_delays_no_message(store: Store, database_url: str) -> None:
    never, lost = queued(store), queued(store)
    store.reconciliation.mark_sent([lost.id])
    age(database_url, never.id, queued_at=-3600)
    age(database_url, lost.id, sent_at=-3600)
    sent = store.reconciliation.unannounced(resend_after_s=120, depths=EMPTY)
    assert {message.run_id for message in sent} == {never.id, lost.id}


def test_what_should_run_first_is_announced_first(store: Store, database_url: str) -> None:
    study = store.studies.create(new_study(), [new_run()] * 3).item
    runs = [*store.runs.of_study(study.id), queued(store)]
    for run in runs:
        age(database_url, run.id, queued_at=2 * GRACE_S)
    sent = store.reconciliation.unannounced(resend_after_s=120, depths=EMPTY)
    assert [message.run_id for message in sent] == [runs[0].id, runs[3].id, runs[1].id, runs[2].id]


def test_workers_are_seen_until_they_leave(store: Store) -> None:
    store.reconciliation.saw_worker("vm/1/2", queue="cpu", device="cpu", run_id=None)
    lease = claimed(store)
    store.reconciliation.saw_worker("vm/1/2", queue="cpu", device="cpu", run_id=lease.run_id)
    (worker,) = store.reconciliation.workers(seen_within_s=60)
    assert (worker.owner, worker.run_id) == ("vm/1/2", lease.run_id)
    assert worker.seen_at >= worker.started_at
    store.leases.finish(lease, status="succeeded", reason=Reason("trained", ""))
    (worker,) = store.reconciliation.workers(seen_within_s=60)
    assert worker.run_id is None  # it is free, although it has not said so yet
    store.reconciliation.worker_left("vm/1/2")
    assert store.reconciliation.workers(seen_within_s=60) == []


def test_only_unfinished_runs_need_their_checkpoints(store: Store) -> None:
    running, waiting = claimed(store).run_id, queued(store).id
    ended = claimed(store)
    store.leases.finish(ended, status="succeeded", reason=Reason("trained", ""))
    assert store.reconciliation.unfinished([running, waiting, ended.run_id, "run_x"]) == {running, waiting}


def age(database_url: str, run_id: str, **seconds: float) -> None:
    """Make it so many seconds longer ago."""
    changes = ", ".join(f"{column} = {column} - {by}" for column, by in seconds.items())
    database = Database(database_url)
    with database.within(None).write() as connection:
        connection.execute(text(f"UPDATE runs SET {changes} WHERE id = :id"), {"id": run_id})
    database.close()
