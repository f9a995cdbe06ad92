"""The diagnosis of a run: stored at its end, provisional while it is running, or repeated with other rules."""

from collections.abc import Mapping

from ..diagnosis import Diagnosis, diagnose
from ..kernel.errors import InsufficientData
from ..store import Run
from .service import Service


def diagnosis_of(service: Service, run: Run) -> tuple[Diagnosis, bool]:
    """The diagnosis of a run, and whether it is provisional because the run has not ended."""
    if run.diagnosis is not None:
        return run.diagnosis, False
    if run.layout is None:
        raise InsufficientData(f"the run is {run.status} and has recorded nothing yet ({run.reason.text})")
    return provisional(service, run), not run.ended


def provisional(service: Service, run: Run) -> Diagnosis:
    """The diagnosis of a run's record so far, computed once per stored progress."""
    return service.provisional.of(run, lambda: judge_again(service, run))


def judge_again(
    service: Service, run: Run, *, rule_set: str | None = None, thresholds: Mapping[str, float] | None = None
) -> Diagnosis:
    """Diagnose a run from its record, optionally with other rules or thresholds. Nothing is trained or stored."""
    if run.layout is None:
        raise InsufficientData(f"the run is {run.status} and has recorded nothing yet ({run.reason.text})")
    if run.retention != "raw":
        raise InsufficientData("only a part of the run's statistics is kept, so it cannot be diagnosed again")
    record = service.store.statistics.record(run.id)
    experiment = service.experiment(run.resolved_experiment) if run.origin == "service" else None
    chosen = {} if rule_set is None else {"rule_set": rule_set}
    return diagnose(record, thresholds=thresholds, experiment=experiment, **chosen)
