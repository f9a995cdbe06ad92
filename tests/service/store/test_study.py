import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from gradclinic.kernel.errors import Conflict, NotFound
from gradclinic.store import Idempotency, Reason, Store

from ..diagnoses import diagnosed
from .records import claimed, new_run, new_study


def test_a_study_is_stored_with_all_its_runs_in_order(store: Store) -> None:
    created = store.studies.create(new_study(name="s"), [new_run(seed=seed, arm="baseline") for seed in range(5)])
    study = store.studies.get(created.item.id)
    runs = store.runs.of_study(study.id)
    assert [run.seed for run in runs] == [0, 1, 2, 3, 4]
    assert [message.run_id for message in created.messages] == [run.id for run in runs]
    assert (study.status, study.progress.runs, study.progress.steps, study.ended_at) == ("running", 5, 50, None)


def test_a_study_with_a_run_that_cannot_be_stored_leaves_nothing(store: Store) -> None:
    with pytest.raises((IntegrityError, StatementError)):
        store.studies.create(new_study(), [new_run(), new_run(digest=None)])
    assert store.studies.page().items == []
    assert store.runs.page().items == []


def test_a_key_makes_a_repeated_study_create_nothing_new(store: Store) -> None:
    first = store.studies.create(new_study(), [new_run()], idempotency=Idempotency("k", "b"))
    second = store.studies.create(new_study(), [new_run()], idempotency=Idempotency("k", "b"))
    assert second.replayed
    assert second.item == first.item
    assert len(store.runs.page().items) == 1
    with pytest.raises(Conflict):
        store.runs.create(new_run(), idempotency=Idempotency("k", "b"))


def test_a_study_ends_with_its_last_run_and_as_its_runs_did(store: Store) -> None:
    study = store.studies.create(new_study(), [new_run(), new_run()]).item
    first, second = store.runs.of_study(study.id)
    store.leases.finish(claimed(store, first.id), status="failed", reason=Reason("training_failed", "no"))
    assert store.studies.get(study.id).status == "running"
    store.leases.finish(claimed(store, second.id), status="succeeded", reason=Reason("trained", ""))
    ended = store.studies.get(study.id)
    assert ended.status == "succeeded"
    assert ended.ended_at == store.runs.get(second.id).ended_at
    assert dict(ended.progress.by_status) == {"failed": 1, "succeeded": 1}


def test_studies_are_found_by_the_state_that_follows_from_their_runs(store: Store) -> None:
    made = {name: store.studies.create(new_study(), [new_run(), new_run()]).item.id for name in "abcd"}
    store.studies.request_cancel(made["c"])
    for name, ends in {"b": ("failed", "succeeded"), "d": ("failed", "failed")}.items():
        for run, end in zip(store.runs.of_study(made[name]), ends, strict=True):
            store.leases.finish(claimed(store, run.id), status=end, reason=Reason("over", ""))
    first, _ = store.runs.of_study(made["a"])
    store.leases.finish(claimed(store, first.id), status="succeeded", reason=Reason("trained", ""))
    for status in ("running", "succeeded", "canceled", "failed"):
        found = store.studies.page(status=status).items
        assert [study.status for study in found] == [status]
    assert {store.studies.page(status=status).items[0].id for status in ("running", "succeeded")} == {
        made["a"],
        made["b"],
    }


def test_a_study_without_runs_is_found_where_its_state_says(store: Store) -> None:
    study = store.studies.create(new_study(), [new_run()]).item
    store.runs.delete(store.runs.of_study(study.id)[0].id)
    status = store.studies.get(study.id).status
    assert [found.id for found in store.studies.page(status=status).items] == [study.id]


def test_studies_are_found_by_all_of_their_labels_and_by_what_is_wrong_with_the_baseline(store: Store) -> None:
    labels = {"team": "vision", 'a.b "c"': "x:y"}
    study = store.studies.create(new_study(labels=labels), [new_run(arm="baseline"), new_run(arm="relu")]).item
    other = store.studies.create(new_study(labels={"team": "speech"}), [new_run(arm="baseline")]).item
    baseline, relu = store.runs.of_study(study.id)
    for run, condition in ((baseline, "vanishing_gradients"), (relu, "healthy")):
        store.leases.finish(
            claimed(store, run.id),
            status="succeeded",
            reason=Reason("trained", ""),
            diagnosis=diagnosed(condition),
        )

    def found(**filters) -> list[str]:
        return [each.id for each in store.studies.page(**filters).items]

    assert found(labels=labels) == found(labels={"team": "vision"}) == [study.id]
    assert found(labels={"team": "vision", "week": "47"}) == found(labels={"vision": "team"}) == []
    assert found() == [other.id, study.id]
    assert found(condition="vanishing_gradients") == [study.id]
    assert found(condition="healthy") == []
    assert found(condition="vanishing_gradients", labels={"team": "speech"}) == []


def test_a_study_whose_runs_all_failed_has_failed(store: Store) -> None:
    study = store.studies.create(new_study(), [new_run()]).item
    (run,) = store.runs.of_study(study.id)
    store.leases.finish(claimed(store, run.id), status="failed", reason=Reason("training_failed", "no"))
    assert store.studies.get(study.id).status == "failed"
    with pytest.raises(Conflict, match="failed"):
        store.studies.request_cancel(study.id)


def test_cancelling_a_study_ends_what_waits_and_asks_what_runs(store: Store) -> None:
    study = store.studies.create(new_study(), [new_run() for _ in range(4)]).item
    ids = [run.id for run in store.runs.of_study(study.id)]
    running = claimed(store, ids[0])
    cancelled = store.studies.request_cancel(study.id)
    assert cancelled.status == "running"
    assert [run.status for run in store.runs.of_study(study.id)] == ["running", "canceled", "canceled", "canceled"]
    store.leases.finish(running, status="canceled", reason=Reason("canceled_by_user", ""))
    assert store.studies.get(study.id).status == "canceled"
    assert store.studies.request_cancel(study.id).status == "canceled"


def test_a_deleted_study_takes_its_runs_along(store: Store) -> None:
    study = store.studies.create(new_study(), [new_run()], idempotency=Idempotency("k", "b")).item
    store.studies.delete(study.id)
    with pytest.raises(NotFound):
        store.studies.get(study.id)
    assert store.runs.page().items == []
    assert not store.studies.create(new_study(), [new_run()], idempotency=Idempotency("k", "b")).replayed


def test_studies_are_paged_newest_first(store: Store) -> None:
    ids = [store.studies.create(new_study(), [new_run()]).item.id for _ in range(3)]
    page = store.studies.page(limit=2)
    assert [study.id for study in page.items] == [ids[2], ids[1]]
    assert [study.id for study in store.studies.page(after=page.next).items] == [ids[0]]
