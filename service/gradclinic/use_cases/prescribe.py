"""Drive a prescription: from its ended runs to the next round of its search, or to its report.

The search is a pure function of the results (`gradclinic.prescription`), and a round is stored as a whole or not at
all. So any process may drive any prescription at any time: whatever dies, nothing is trained twice.
"""

from ..comparison import RunResult
from ..errors import InvalidRequest
from ..experiment import Experiment
from ..prescription import DEFAULT_BUDGET, Budget, Problem, Trial, advance, report
from ..store import NewPrescription, NewRun, Prescription, Run
from .compare import results_of
from .request_id import request_id
from .resolve import resolve
from .service import Service
from .submit import new_run

LABEL = "prescription"
"""Label of a prescription's runs, for finding them; its value is the prescription's identifier."""


def submit_prescription(
    service: Service, experiment: Experiment, budget: Budget = DEFAULT_BUDGET, *, name: str | None = None
) -> Prescription:
    """Store a prescription and queue its first round; raises InvalidRequest with pointers into the request."""
    resolve(experiment, (), limits=service.limits)
    new = NewPrescription(
        experiment=experiment.to_json(),
        budget=budget.to_json(),
        seed=experiment.training.seed,
        name=name,
        request_id=request_id(),
    )
    created = service.store.prescriptions.create(new)
    step(service, created.id)
    return service.store.prescriptions.get(created.id)


def step(service: Service, prescription_id: str) -> int:
    """Queue the next round, or end the prescription; nothing while runs of this round go on.

    The number of runs that it queued.
    """
    found = service.store.prescriptions.get(prescription_id)
    if found.status != "running" or found.progress.unfinished:
        return 0
    problem = Problem(Experiment.model_validate(found.experiment), Budget.model_validate(found.budget), seed=found.seed)
    results = _results(service, service.store.prescriptions.trials(found.id))
    wanted: dict[str, NewRun] = {}
    progress = advance(problem, results)
    while progress.waiting and not wanted:
        for trial in progress.waiting:
            try:
                wanted[trial.key] = _run_of(service, found, problem, trial)
            except InvalidRequest:  # a candidate that is beyond what this installation accepts has failed
                results[trial.key] = RunResult(run_id="", arm=trial.arm, seed=trial.seed, status="failed")
        progress = advance(problem, results)
    if not wanted:
        service.store.prescriptions.finish(found.id, status="succeeded", report=report(progress))
        return 0
    messages = service.store.prescriptions.ask(found.id, wanted, report=report(progress))
    service.announce(messages)
    return len(messages)


def give_up(service: Service, prescription_id: str) -> None:
    """End a prescription whose search broke; its last report stays."""
    service.store.prescriptions.finish(prescription_id, status="failed", report=None)


def _results(service: Service, trials: dict[str, Run]) -> dict[str, RunResult]:
    ended = [(key, run) for key, run in trials.items() if run.ended]
    results = results_of(service, [(run, key) for key, run in ended])
    return {key: result for (key, _), result in zip(ended, results, strict=True)}


def _run_of(service: Service, prescription: Prescription, problem: Problem, trial: Trial) -> NewRun:
    resolved = resolve(trial.experiment, (), limits=service.limits).resolved
    training = problem.experiment.training.model_copy(update={"seed": trial.seed, "steps": trial.steps})
    return new_run(
        resolved,
        posted=problem.experiment.model_copy(update={"training": training}),
        remedies=trial.remedies,
        name=f"{trial.round}: {trial.arm}"[:200],
        labels={LABEL: prescription.id, "round": trial.round},
    )
