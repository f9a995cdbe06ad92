from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import sleep

import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.kernel.errors import Conflict, NotFound
from gradclinic.prescription import Budget, SearchTask, advance, report
from gradclinic.prescription.report import ExperimentDiagnosis
from gradclinic.store import Idempotency, NewPrescription, Prescription, Reason, Store

from ..api.examples import experiment
from .records import claimed, new_run, outcome, queued, record

NEW = NewPrescription(experiment={"model": {}}, budget=Budget(runs=8), seed=0, labels={"team": "vision"})
REPORT = report(advance(SearchTask(Experiment.model_validate(experiment()), Budget(runs=8)), {}))


def asked(store: Store, *keys: str) -> Prescription:
    made = store.prescriptions.create(NEW).item
    store.prescriptions.ask(made.id, {key: new_run() for key in keys}, report=REPORT)
    return made


def test_a_key_makes_a_repeated_prescription_create_nothing_new(store: Store) -> None:
    first = store.prescriptions.create(NEW, idempotency=Idempotency("k", "b"))
    second = store.prescriptions.create(NEW, idempotency=Idempotency("k", "b"))
    assert (first.replayed, second.replayed) == (False, True)
    assert second.item == first.item
    assert store.prescriptions.page().items == [first.item]
    assert first.item.labels == {"team": "vision"}


def test_a_key_answers_one_thing_only(store: Store) -> None:
    store.prescriptions.create(NEW, idempotency=Idempotency("k", "b"))
    with pytest.raises(Conflict):
        store.prescriptions.create(NEW, idempotency=Idempotency("k", "another body"))
    with pytest.raises(Conflict):
        store.runs.create(new_run(), idempotency=Idempotency("k", "b"))
    assert store.runs.page().items == []
    store.runs.create(new_run(), idempotency=Idempotency("l", "b"))
    with pytest.raises(Conflict):
        store.prescriptions.create(NEW, idempotency=Idempotency("l", "b"))
    assert len(store.prescriptions.page().items) == 1


def test_however_often_a_prescription_is_sent_at_once_it_is_made_once(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: store.prescriptions.create(NEW, idempotency=Idempotency("k", "b")), range(16)))
    assert sum(not each.replayed for each in made) == 1
    assert len({each.item.id for each in made}) == 1
    assert len(store.prescriptions.page().items) == 1


def test_a_deleted_prescription_takes_its_runs_its_trials_and_its_key_along_and_no_other_run(store: Store) -> None:
    bystander = queued(store)
    made = store.prescriptions.create(NEW, idempotency=Idempotency("k", "b")).item
    store.prescriptions.ask(made.id, {"a|0|9": new_run(), "b|0|9": new_run()}, report=REPORT)
    store.prescriptions.delete(made.id)
    assert [run.id for run in store.runs.page().items] == [bystander.id]
    with pytest.raises(NotFound):
        store.prescriptions.get(made.id)
    with pytest.raises(NotFound):
        store.prescriptions.delete(made.id)
    assert store.prescriptions.ask(made.id, {"c|0|9": new_run()}, report=REPORT) == ()
    assert not store.prescriptions.create(NEW, idempotency=Idempotency("k", "b")).replayed


def test_prescriptions_are_found_by_status_label_condition_and_ending(store: Store) -> None:
    ended, running = asked(store, "a|0|9"), store.prescriptions.create(replace(NEW, labels={})).item
    diagnosis = ExperimentDiagnosis(conditions={"dead_units": 3}, primary="dead_units", findings=(), rule_set="1")
    cured = replace(REPORT, ending="cured", diagnosis=diagnosis)
    store.prescriptions.finish(ended.id, status="succeeded", report=cured)
    assert store.prescriptions.get(ended.id).report == cured

    def found(**filters) -> list[str]:
        return [each.id for each in store.prescriptions.page(**filters).items]

    assert found() == [running.id, ended.id]
    assert found(status="running") == [running.id]
    wanted = {"status": "succeeded", "labels": {"team": "vision"}, "condition": "dead_units", "ending": "cured"}
    assert found(**wanted) == [ended.id]
    others = {"status": "failed", "labels": {"team": "speech"}, "condition": "healthy", "ending": "not_cured"}
    for name, other in others.items():
        assert found(**{name: wanted[name]}) == [ended.id]
        assert found(**{**wanted, name: other}) == []


def test_a_trial_outlives_its_run_and_is_not_asked_for_again(store: Store) -> None:
    made = asked(store, "a|0|9", "b|0|9")
    store.runs.delete(store.prescriptions.trials(made.id)["a|0|9"].id)
    assert store.prescriptions.deleted(made.id) == {"a|0|9": 0.0}
    assert list(store.prescriptions.trials(made.id)) == ["b|0|9"]
    assert store.prescriptions.ask(made.id, {"a|0|9": new_run()}, report=REPORT) == ()
    assert store.prescriptions.get(made.id).progress.runs == 1
    store.prescriptions.delete(made.id)
    assert store.runs.page().items == []


def test_what_a_deleted_run_had_cost_stays_known_and_of_one_under_way_the_time_of_its_worker(store: Store) -> None:
    made = asked(store, "ended|0|9", "begun|0|9")
    runs = {key: run.id for key, run in store.prescriptions.trials(made.id).items()}
    ended, begun = (claimed(store, runs[key]) for key in ("ended|0|9", "begun|0|9"))
    cost = outcome(train_seconds=2.5, recording_seconds=0.25)
    store.leases.finish(ended, status="succeeded", reason=Reason("trained", ""), record=record(outcome=cost))
    sleep(0.05)
    for run_id in (ended.run_id, begun.run_id):
        store.runs.delete(run_id)
    spent = store.prescriptions.deleted(made.id)
    assert spent["ended|0|9"] == 2.75
    assert 0.05 <= spent["begun|0|9"] < 60
    assert store.prescriptions.trials(made.id) == {}
