import json
import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradclinic.kernel.errors import Conflict, InvalidRequest, NotFound
from gradclinic.store import Idempotency, Reason, Store

from .records import DIAGNOSIS, claimed, new_run, outcome, queued, record


def test_a_run_is_read_back_as_it_was_stored(store: Store) -> None:
    new = new_run(name="first", labels={"team": "vision"}, point={"/optimizer/learning_rate": 0.1}, seed=7)
    created = store.runs.create(new)
    run = store.runs.get(created.item.id)
    assert run == created.item
    assert (run.status, run.step, run.attempt, run.owner) == ("queued", 0, 0, None)
    assert (run.name, run.labels, run.seed, run.point) == (
        "first",
        {"team": "vision"},
        7,
        {"/optimizer/learning_rate": 0.1},
    )
    assert run.experiment == new.experiment
    assert [(m.run_id, m.queue) for m in created.messages] == [(run.id, "cpu")]


def test_a_run_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="run_x"):
        store.runs.get("run_x")
    with pytest.raises(NotFound):
        store.runs.delete("run_x")
    with pytest.raises(NotFound):
        store.runs.request_cancel("run_x")


def test_the_order_of_a_documents_keys_is_kept(store: Store) -> None:
    posted = {"zebra": 1, "apple": {"b": 1, "a": 2}}
    run = queued(store, experiment=posted)
    assert list(store.runs.get(run.id).experiment) == ["zebra", "apple"]


def test_the_declared_loss_of_each_run_is_told_without_its_document(store: Store) -> None:
    squares = {"kind": "huber", "delta": 2.0}
    none, null, huber = (
        store.runs.create(new_run(resolved_experiment=document)).item.id
        for document in ({"model": {}}, {"loss": None}, {"loss": squares})
    )
    told = store.runs.losses([none, null, huber])
    assert (told[none], told[null]) == (None, None)
    assert json.loads(told[huber] or "") == squares


def test_a_key_makes_a_repeated_request_create_nothing_new(store: Store) -> None:
    first = store.runs.create(new_run(), idempotency=Idempotency("key", "body"))
    second = store.runs.create(new_run(), idempotency=Idempotency("key", "body"))
    assert (first.replayed, second.replayed) == (False, True)
    assert second.item == first.item
    assert second.messages == ()
    assert len(store.runs.page().items) == 1


def test_a_key_that_was_used_for_another_request_conflicts(store: Store) -> None:
    store.runs.create(new_run(), idempotency=Idempotency("key", "body"))
    with pytest.raises(Conflict, match="'key'"):
        store.runs.create(new_run(), idempotency=Idempotency("key", "another body"))
    assert len(store.runs.page().items) == 1


def test_a_key_sent_many_times_at_once_creates_one_run(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda _: store.runs.create(new_run(), idempotency=Idempotency("k", "b")), range(24)))
    assert len({item.item.id for item in created}) == 1
    assert sum(not item.replayed for item in created) == 1
    assert len(store.runs.page().items) == 1


def test_pages_go_through_all_runs_newest_first_and_once(store: Store) -> None:
    ids = [queued(store).id for _ in range(7)]
    seen, after = [], None
    while True:
        page = store.runs.page(after=after, limit=3)
        seen += [run.id for run in page.items]
        if page.next is None:
            break
        after = page.next
        queued(store)  # what comes meanwhile does not shift the pages
    assert seen == ids[::-1]


def test_a_run_is_found_by_a_part_of_its_name_or_its_identifier(store: Store) -> None:
    named, other = queued(store, name="Deep 100% sigmoid"), queued(store, name="relu")
    assert [run.id for run in store.runs.page(search="100% SIG").items] == [named.id]
    assert [run.id for run in store.runs.page(search=other.id.lower()).items] == [other.id]
    assert store.runs.page(search="1__%").items == []


def test_filters_are_all_met(store: Store) -> None:
    a = queued(store, labels={"team": "vision", "size": "s"})
    b = queued(store, labels={"team": "vision"})
    queued(store, labels={"team": "text", "size": "s"})
    claimed(store, b.id)
    found = lambda **filters: [run.id for run in store.runs.page(**filters).items]  # noqa: E731
    assert found(labels={"team": "vision"}) == [b.id, a.id]
    assert found(labels={"team": "vision", "size": "s"}) == [a.id]
    assert found(labels={"team": "vision"}, status="running") == [b.id]
    assert found(labels={"team": "vision"}, study_id="study_x") == []


def test_a_condition_is_found_as_the_primary_one_or_among_all_findings(store: Store) -> None:
    lease = claimed(store)
    queued(store)
    store.leases.finish(lease, status="succeeded", reason=Reason("trained", ""), record=record(), diagnosis=DIAGNOSIS)
    found = lambda **filters: [run.id for run in store.runs.page(**filters).items]  # noqa: E731
    assert found(condition="vanishing_gradients") == [lease.run_id]
    assert found(condition="slow_convergence") == []
    assert found(finding="slow_convergence") == [lease.run_id]


def test_values_that_are_not_numbers_come_back_as_themselves(store: Store) -> None:
    lease = claimed(store)
    ended = outcome(final_train_loss=math.nan, final_validation_loss=math.inf, final_validation_accuracy=None)
    store.leases.finish(
        lease, status="succeeded", reason=Reason("trained", ""), record=record(outcome=ended), diagnosis=DIAGNOSIS
    )
    run = store.runs.get(lease.run_id)
    assert run.outcome is not None
    assert run.metrics is not None
    assert math.isnan(run.outcome.final_train_loss)
    assert run.metrics.relative_train_loss is not None
    assert math.isnan(run.metrics.relative_train_loss)
    assert run.metrics.final_validation_loss == math.inf
    assert run.metrics.final_validation_accuracy is None
    assert run.diagnosis == DIAGNOSIS


def test_a_queued_run_is_cancelled_at_once_and_can_be_cancelled_again(store: Store) -> None:
    run = queued(store)
    assert store.runs.request_cancel(run.id).status == "canceled"
    assert store.runs.request_cancel(run.id).status == "canceled"
    assert store.leases.claim(run.id, owner="o", ttl_s=60) is None
    assert [t.status for t in store.runs.transitions(run.id)] == ["queued", "canceled"]


def test_a_running_run_is_asked_to_stop(store: Store) -> None:
    lease = claimed(store)
    run = store.runs.request_cancel(lease.run_id)
    assert (run.status, run.cancel_requested) == ("running", True)


def test_a_run_that_ended_otherwise_cannot_be_cancelled(store: Store) -> None:
    lease = claimed(store)
    store.leases.finish(lease, status="failed", reason=Reason("training_failed", "no"))
    with pytest.raises(Conflict, match="failed"):
        store.runs.request_cancel(lease.run_id)


def test_every_change_of_state_is_kept_with_its_reason(store: Store) -> None:
    lease = claimed(store)
    store.leases.release(lease, reason=Reason("drained", "its worker ended"))
    again = claimed(store, lease.run_id)
    store.leases.finish(again, status="succeeded", reason=Reason("trained", "trained to its end"))
    told = [
        (t.number, t.status_before, t.status, t.attempt, t.reason.code) for t in store.runs.transitions(lease.run_id)
    ]
    assert told == [
        (1, None, "queued", 0, "submitted"),
        (2, "queued", "running", 1, "claimed"),
        (3, "running", "queued", 1, "drained"),
        (4, "queued", "running", 2, "claimed"),
        (5, "running", "succeeded", 2, "trained"),
    ]
    assert store.runs.get(lease.run_id).reason == Reason("trained", "trained to its end")


def test_the_newest_succeeded_run_of_the_same_digest_is_found(store: Store) -> None:
    assert store.runs.find_identical("same") is None
    run = queued(store, digest="same")
    assert store.runs.find_identical("same") is None
    store.leases.finish(claimed(store, run.id), status="succeeded", reason=Reason("trained", ""))
    found = store.runs.find_identical("same")
    assert found is not None
    assert found.id == run.id


def test_runs_are_counted_by_status_and_reason(store: Store) -> None:
    queued(store)
    lease = claimed(store)
    store.reconciliation.saw_worker("vm/1/2", queue="cpu", device="cpu", run_id=lease.run_id)
    store.reconciliation.saw_worker("vm/1/3", queue="gpu,cpu", device="cuda", run_id=None)
    vitals = store.vitals(seen_within_s=60)
    assert vitals.runs == {("queued", "submitted"): 1, ("running", "claimed"): 1}
    assert vitals.transitions == {("queued", "submitted"): 2, ("running", "claimed"): 1}
    assert vitals.oldest_queued_s["cpu"] >= 0
    assert (vitals.workers, vitals.busy_workers, vitals.steps_done) == ({"cpu": 1, "cuda": 1}, 1, 0)


def test_what_people_wrote_about_a_run_can_be_changed_in_parts(store: Store) -> None:
    run = queued(store, name="first", labels={"team": "vision", "draft": "yes"})
    edited = store.runs.edit(run.id, labels={"draft": None, "size": "s"}, notes="line 1\nline 2")
    assert (edited.name, edited.labels, edited.notes) == ("first", {"team": "vision", "size": "s"}, "line 1\nline 2")
    assert store.runs.page(labels={"draft": "yes"}).items == []
    assert [each.id for each in store.runs.page(labels={"size": "s"}).items] == [run.id]
    assert store.runs.edit(run.id, name=None).name is None
    assert store.runs.edit(run.id).notes == "line 1\nline 2"
    with pytest.raises(NotFound):
        store.runs.edit("run_x", name="x")


def test_more_labels_than_a_run_may_have_are_refused_and_none_is_changed(store: Store) -> None:
    run = queued(store, labels={"team": "vision"})
    with pytest.raises(InvalidRequest, match="51 labels"):
        store.runs.edit(run.id, labels={str(number): "" for number in range(50)})
    assert store.runs.get(run.id).labels == {"team": "vision"}
