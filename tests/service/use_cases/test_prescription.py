"""A prescription driven by real, tiny trainings, and by processes that die at the worst moment."""

from typing import Any

import pytest
import structlog
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span

from gradclinic.experiments.experiment import Experiment
from gradclinic.kernel.errors import Conflict, InvalidRequest, ServiceUnavailable
from gradclinic.prescription import PrescriptionSpec, Report, RequestedBudget
from gradclinic.store import Run
from gradclinic.use_cases.prescription import LABEL, give_up, step, submit_prescription
from gradclinic.use_cases.service import Service

from ..api.examples import experiment
from ..api.serving import train

SICK = Experiment.model_validate(experiment(training={"steps": 60}))
FEW_RUNS = PrescriptionSpec(experiment=SICK, budget=RequestedBudget(runs=16))


def queued(service: Service, prescription_id: str) -> list[Run]:
    return [run for run in service.store.prescriptions.trials(prescription_id).values() if run.status == "queued"]


def reported(service: Service, prescription_id: str) -> Report:
    report = service.store.prescriptions.get(prescription_id).report
    assert report is not None
    return report


@pytest.mark.slow
def test_a_search_ends_with_a_report_of_what_it_tried_and_of_its_control(service: Service) -> None:
    begun = submit_prescription(service, FEW_RUNS)
    assert begun.status == "running"
    assert begun.progress.runs == 3
    while waiting := queued(service, begun.id):
        train(service.settings, *(run.id for run in waiting))
        step(service, begun.id)
    ended = service.store.prescriptions.get(begun.id)
    assert (ended.status, ended.progress.unfinished) == ("succeeded", 0)
    assert ended.ended_at is not None
    report = reported(service, begun.id)
    assert report.diagnosis is not None
    assert report.control is not None
    assert report.diagnosis.conditions == {"vanishing_gradients": 3}
    assert report.ending in {"cured", "not_cured"}
    assert report.control.runs >= 3
    labelled = service.store.runs.page(labels={LABEL: begun.id}, limit=200).items
    assert {run.id for run in labelled} == {run.run_id for tried in report.tried for run in tried.runs} | {
        run.run_id for run in report.control.draws
    } | {run.id for run in labelled if not run.remedies}
    assert step(service, begun.id) == 0


def test_a_search_that_is_stored_is_accepted_although_the_database_is_lost_right_after(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise ServiceUnavailable("the connection to the database was lost")

    with monkeypatch.context() as broken:
        broken.setattr(service.store.prescriptions, "ask", lost)
        begun = submit_prescription(service, FEW_RUNS)
    assert (begun.status, begun.progress.runs) == ("running", 0)
    assert step(service, begun.id) == 3


def test_a_round_is_not_queued_again_by_whoever_has_not_seen_that_it_was(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = submit_prescription(service, FEW_RUNS)
    train(service.settings, *(run.id for run in queued(service, begun.id)))
    stale = service.store.prescriptions.get(begun.id), service.store.prescriptions.trials(begun.id)
    assert step(service, begun.id) > 0
    asked = service.store.prescriptions.trials(begun.id)
    monkeypatch.setattr(service.store.prescriptions, "get", lambda _: stale[0])
    monkeypatch.setattr(service.store.prescriptions, "trials", lambda _: stale[1])
    assert step(service, begun.id) == 0
    monkeypatch.undo()
    assert service.store.prescriptions.trials(begun.id).keys() == asked.keys()


def test_runs_that_are_queued_after_the_request_belong_to_its_trace(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise ServiceUnavailable("the connection to the database was lost")

    span = NonRecordingSpan(SpanContext(trace_id=7, span_id=9, is_remote=False))
    request = structlog.contextvars.bound_contextvars(request_id="made-by-me")
    with monkeypatch.context() as broken, use_span(span), request:
        broken.setattr(service.store.prescriptions, "ask", lost)
        begun = submit_prescription(service, FEW_RUNS)
    step(service, begun.id)
    for waiting in queued(service, begun.id):
        run = service.store.runs.get(waiting.id)
        assert (run.request_id, run.traceparent) == ("made-by-me", f"00-{7:032x}-{9:016x}-00")


def test_what_dies_before_the_first_round_is_taken_up_by_the_next_step(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service.store.prescriptions, "ask", dies)
    with pytest.raises(KeyboardInterrupt):
        submit_prescription(service, FEW_RUNS)
    monkeypatch.undo()
    ((_, waiting),) = service.store.prescriptions.running()
    assert step(service, waiting) == 3
    assert step(service, waiting) == 0


def test_a_search_goes_on_without_a_run_that_is_deleted_and_says_so(service: Service) -> None:
    begun = submit_prescription(service, FEW_RUNS)
    first, *others = queued(service, begun.id)
    service.store.runs.delete(first.id)
    assert step(service, begun.id) == 0  # the others of the round are waited for
    train(service.settings, *(run.id for run in others))
    assert step(service, begun.id) > 0
    found = service.store.prescriptions.get(begun.id)
    assert found.status == "running"
    assert "1 run of the search was deleted and counts as not trained" in reported(service, begun.id).why
    assert first.seed not in {run.seed for run in queued(service, begun.id) if not run.remedies}


def test_a_candidate_whose_run_was_deleted_is_listed_without_a_run(service: Service) -> None:
    begun = submit_prescription(service, FEW_RUNS)
    train(service.settings, *(run.id for run in queued(service, begun.id)))
    assert step(service, begun.id) > 0
    for run in queued(service, begun.id):
        service.store.runs.delete(run.id)
    step(service, begun.id)
    tried = [run for each in reported(service, begun.id).tried for run in each.runs if run.round == "screen"]
    assert {(run.run_id, run.status) for run in tried} == {(None, "canceled")}


def test_what_deleted_runs_cost_stays_spent(service: Service) -> None:
    begun = submit_prescription(service, FEW_RUNS)
    train(service.settings, *(run.id for run in queued(service, begun.id)))
    step(service, begun.id)
    before = reported(service, begun.id).spent
    (sick, *_), screened = _ended(service, begun.id), queued(service, begun.id)
    service.store.runs.delete(sick.id)
    train(service.settings, *(run.id for run in screened))
    cost = sum(_seconds(run) for run in _ended(service, begun.id)) + _seconds(sick)
    step(service, begun.id)
    after = reported(service, begun.id).spent
    assert (before.runs, after.runs) == (3, 3 + len(screened))
    assert after.seconds == pytest.approx(cost)
    assert after.seconds > before.seconds > 0


def _ended(service: Service, prescription_id: str) -> list[Run]:
    return [run for run in service.store.prescriptions.trials(prescription_id).values() if run.ended]


def _seconds(run: Run) -> float:
    assert run.outcome is not None
    return run.outcome.train_seconds + run.outcome.recording_seconds


def test_a_search_all_of_whose_runs_are_deleted_ends_with_the_reason(service: Service) -> None:
    begun = submit_prescription(service, FEW_RUNS)
    for run in queued(service, begun.id):
        service.store.runs.delete(run.id)
    assert step(service, begun.id) == 0
    ended = service.store.prescriptions.get(begun.id)
    assert ended.status == "succeeded"
    assert reported(service, begun.id).ending == "untrainable"
    assert "3 runs of the search were deleted and count as not trained" in reported(service, begun.id).why
    assert service.store.runs.page().items == []


def test_its_own_labels_stand_on_every_run_and_those_of_the_search_are_refused(service: Service) -> None:
    begun = submit_prescription(service, PrescriptionSpec(experiment=SICK, labels={"team": "vision"}))
    (label,) = {run.labels["team"] for run in queued(service, begun.id)}
    assert label == begun.labels["team"] == "vision"
    with pytest.raises(InvalidRequest, match="/labels/round"):
        submit_prescription(service, PrescriptionSpec(experiment=SICK, labels={"round": "third"}))


def test_a_cancelled_search_asks_for_nothing_more(service: Service) -> None:
    begun = submit_prescription(service, PrescriptionSpec(experiment=SICK))
    canceled = service.store.prescriptions.request_cancel(begun.id)
    assert canceled.status == "canceled"
    assert canceled.progress.by_status == {"canceled": 3}
    assert step(service, begun.id) == 0
    assert service.store.prescriptions.running() == []


def test_a_search_that_broke_has_failed_and_cannot_be_cancelled(service: Service) -> None:
    begun = submit_prescription(service, PrescriptionSpec(experiment=SICK))
    give_up(service, begun.id)
    assert service.store.prescriptions.get(begun.id).status == "failed"
    with pytest.raises(Conflict, match="already failed"):
        service.store.prescriptions.request_cancel(begun.id)


def test_what_could_not_be_trained_is_refused_and_nothing_is_stored(service: Service) -> None:
    flawed = Experiment.model_validate(experiment(model={"depth": 200, "width": 4096}))
    with pytest.raises(InvalidRequest):
        submit_prescription(service, PrescriptionSpec(experiment=flawed))
    assert service.store.prescriptions.running() == []
