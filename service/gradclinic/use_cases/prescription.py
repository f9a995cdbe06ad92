"""Drive a prescription: from its ended runs to the next round of its search, or to its report.

The search is a pure function of the results (`gradclinic.prescription`), and a round is stored as a whole or not at
all. So any process may drive any prescription at any time: whatever dies, nothing is trained twice. A run that its
owner deletes counts as one that was not trained: the search goes on without it.
"""

from collections.abc import Mapping
from dataclasses import replace

from ..comparison import RunResult
from ..kernel.errors import InvalidRequest, InvalidSpec, Problem, ServiceUnavailable
from ..prescription import PrescriptionSpec, SearchTask, Trial, advance, report
from ..store import Idempotency, NewPrescription, NewRun, Prescription, RunSummary
from .comparison import results_of
from .ensemble import with_ensembles
from .experiment import Resolved, resolve
from .placement import QueueName, queue_beside
from .request_id import request_id
from .run import new_run
from .service import Service
from .trace import traceparent

LABEL = "prescription"
"""Label of a prescription's runs; its value is the id of the prescription."""
ROUND = "round"
"""Label of a prescription's runs; its value is the round of the search."""


def submit_prescription(
    service: Service,
    spec: PrescriptionSpec,
    *,
    idempotency: Idempotency | None = None,
) -> Prescription:
    """Store a prescription and queue its first round; raises InvalidRequest with pointers into the request.

    With a key that was used before, nothing is stored, and the earlier prescription is returned.
    """
    examine_prescription(service, spec)
    new = NewPrescription(
        experiment=spec.experiment.to_json(),
        budget=spec.budget,
        seed=spec.experiment.training.seed,
        name=spec.name,
        labels=spec.labels,
        request_id=request_id(),
        traceparent=traceparent(),
    )
    created = service.store.prescriptions.create(new, idempotency=idempotency)
    if created.replayed:
        return created.item
    try:
        step(service, created.item.id)
        return service.store.prescriptions.get(created.item.id)
    except ServiceUnavailable:  # it is stored, and the reconciler continues it
        return created.item


def examine_prescription(service: Service, spec: PrescriptionSpec, resolved: Resolved | None = None) -> None:
    """Raises the errors that submitting the prescription would raise; nothing is stored.

    Takes its resolved experiment, if that is known already.
    """
    if resolved is None:
        resolve(service, spec.experiment)
    _check_labels(spec.labels)


def _check_labels(labels: Mapping[str, str]) -> None:
    taken = [key for key in (LABEL, ROUND) if key in labels]
    if taken:
        raise InvalidSpec(
            Problem(f"/labels/{key}", "the service sets this label itself", labels[key], "another key") for key in taken
        )


def step(service: Service, prescription_id: str) -> int:
    """Queue the next round, or end the prescription; returns the number of queued runs.

    Does nothing while runs of the current round are unfinished.
    """
    found = service.store.prescriptions.get(prescription_id)
    if found.status != "running" or found.progress.unfinished:
        return 0
    task = SearchTask(service.experiment(found.experiment), found.budget, seed=found.seed)
    trials = service.store.prescriptions.trials(found.id)
    results = _results(service, trials)
    deleted = service.store.prescriptions.deleted(found.id)
    results |= {key: _not_trained(key, cost) for key, cost in deleted.items()}
    auto = queue_beside(service, trials.values())
    wanted: dict[str, NewRun] = {}
    refused: set[str] = set()
    state = advance(task, results)
    while state.waiting and not wanted:
        for trial in state.waiting:
            try:
                wanted[trial.key] = _run_of(service, found, task, trial, auto=auto)
            except InvalidRequest:  # a candidate that exceeds the limits of this installation has failed
                results[trial.key] = RunResult(run_id="", arm=trial.arm, seed=trial.seed, status="failed")
                refused.add(trial.key)
        state = advance(task, results)
    said = report(state, refused=refused, deleted=deleted)
    if not wanted:
        service.store.prescriptions.finish(found.id, status="succeeded", report=said)
        return 0
    planned = dict(zip(wanted, with_ensembles(service, list(wanted.values())), strict=True))
    messages = service.store.prescriptions.ask(found.id, planned, report=said)
    service.announce(messages)
    return len(messages)


def why(prescription: Prescription) -> str | None:
    """The progress or the ending of a search in words; None before its first round."""
    if prescription.status == "canceled":
        return "The search was cancelled; the results so far are kept."
    return None if prescription.report is None else prescription.report.why


def give_up(service: Service, prescription_id: str) -> None:
    """Mark a prescription as failed because its search raised an error; its last report is kept."""
    last = service.store.prescriptions.get(prescription_id).report
    report = (
        None if last is None else replace(last, why="The search failed with an internal error; see the service's log.")
    )
    service.store.prescriptions.finish(prescription_id, status="failed", report=report)


def _not_trained(key: str, cost: float) -> RunResult:
    """The trial of a deleted run: it has no result, but its seconds count."""
    arm, seed, _ = key.rsplit("|", 2)
    return RunResult(run_id="", arm=arm, seed=int(seed), status="canceled", seconds=cost)


def _results(service: Service, trials: Mapping[str, RunSummary]) -> dict[str, RunResult]:
    ended = [(key, run) for key, run in trials.items() if run.ended]
    results = results_of(service, [(run, key) for key, run in ended])
    return {key: result for (key, _), result in zip(ended, results, strict=True)}


def _run_of(service: Service, prescription: Prescription, task: SearchTask, trial: Trial, *, auto: QueueName) -> NewRun:
    resolved = resolve(service, trial.experiment)
    training = task.experiment.training.model_copy(update={"seed": trial.seed, "steps": trial.steps})
    new = new_run(
        resolved,
        posted=task.experiment.model_copy(update={"training": training}),
        remedies=trial.remedies,
        name=f"{trial.round}: {trial.arm.replace('_', ' ').replace('(', ' (')}"[:200],
        auto=auto,
        labels={**prescription.labels, LABEL: prescription.id, ROUND: trial.round},
    )
    return replace(new, request_id=prescription.request_id, traceparent=prescription.traceparent)
