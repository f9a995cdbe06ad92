"""The diagnosis of a run: stored at its end, provisional while it goes on, or made again by other rules."""

from collections.abc import Mapping

from ..diagnosis import Diagnosis, diagnose
from ..kernel.errors import InsufficientData
from ..store import Run
from .service import Service


def diagnosis_of(service: Service, run: Run) -> tuple[Diagnosis, bool]:
    """The stored diagnosis of a run; of one that goes on, what its record says so far, and True."""
    if run.diagnosis is not None:
        return run.diagnosis, False
    if run.layout is None:
        raise InsufficientData(f"the run is {run.status} and has recorded nothing yet ({run.reason.text})")
    return provisional(service, run), not run.ended


def provisional(service: Service, run: Run) -> Diagnosis:
    """What the record of a run says so far, made once for each stored progress."""
    return service.provisional.of(run, lambda: judge_again(service, run))


def judge_again(
    service: Service, run: Run, *, rule_set: str | None = None, thresholds: Mapping[str, float] | None = None
) -> Diagnosis:
    """Diagnose a run from its record, on request with other rules or thresholds. Nothing is trained or stored."""
    if run.layout is None:
        raise InsufficientData(f"the run is {run.status} and has recorded nothing yet ({run.reason.text})")
    record = service.store.statistics.record(run.id)
    experiment = service.experiment(run.resolved_experiment) if run.origin == "service" else None
    chosen = {} if rule_set is None else {"rule_set": rule_set}
    return diagnose(record, thresholds=thresholds, experiment=experiment, **chosen)
