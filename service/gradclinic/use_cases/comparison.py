"""Compare the arms of a study, or any runs: what the store knows of them, handed to the pure comparison."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..comparison import DEFAULT_METRIC, MEASURED_FROM, Comparison, RunResult, compare, measured
from ..comparison.arms import BASELINE
from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..kernel.errors import InsufficientData, InvalidSpec
from ..measurements.record import RunRecord
from ..store import Run
from .service import Service


def compare_study(
    service: Service, study_id: str, *, metric: str = DEFAULT_METRIC, confidence: float = 0.95
) -> Comparison:
    """The arms of a study against its baseline, as far as its runs have ended; raises NotFound."""
    study = service.store.studies.get(study_id)
    runs = service.store.runs.of_study(study_id)
    return compare(
        results_of(service, [(run, run.arm or BASELINE) for run in runs]),
        baseline=BASELINE,
        metric=metric,
        confidence=confidence,
        arms=[str(arm["name"]) for arm in study.arms],
        study_id=study_id,
    )


def compare_runs(
    service: Service,
    run_ids: Sequence[str],
    *,
    baseline: str,
    metric: str = DEFAULT_METRIC,
    confidence: float = 0.95,
) -> Comparison:
    """Any runs, as if they were arms: those of one arm (or one name) with other seeds belong together."""
    if baseline not in run_ids:
        raise InvalidSpec.at(
            "/baseline", "the baseline is not among the runs", value=baseline, allowed="one of the runs' identifiers"
        )
    runs = service.store.runs.get_many(list(dict.fromkeys(run_ids)))
    one_study = len({run.study_id for run in runs}) == 1 and runs[0].study_id is not None
    labelled = [(run, _label(run, one_study=one_study)) for run in runs]
    reference = next(label for run, label in labelled if run.id == baseline)
    if len({label for _, label in labelled}) < 2:
        raise InsufficientData(f"all these runs belong to the arm {reference!r}; a comparison needs two")
    return compare(results_of(service, labelled), baseline=reference, metric=metric, confidence=confidence)


def _label(run: Run, *, one_study: bool) -> str:
    if one_study and run.arm is not None:
        return run.arm
    return run.name or run.id


def results_of(service: Service, labelled: Sequence[tuple[Run, str]]) -> list[RunResult]:
    """What a comparison needs of runs, each by the label of its arm."""
    return [
        RunResult(
            run_id=run.id,
            arm=label,
            seed=run.seed,
            status=run.status,
            metrics=metrics_of(service, run),
            diagnosis=run.diagnosis,
            sweep_point=tuple(run.point.items()) if run.point else None,
        )
        for run, label in labelled
    ]


def metrics_of(service: Service, run: Run) -> dict[str, Any]:
    """The contract's metrics of a run, and those that follow from its statistics; empty until it has ended."""
    if run.metrics is None or run.outcome is None:
        return {}
    found = {
        **run.metrics,
        "steps_done": run.outcome.steps_done,
        "nonfinite_step": run.outcome.nonfinite_step,
        "peak_memory_bytes": run.outcome.peak_memory_bytes,
        "parameters": _parameters(run),
        **_measured(service, run),
    }
    if run.origin != "service" and found["steps_to_target"] is None:
        del found["steps_to_target"]  # its program may never have probed: that is no outcome
    return found


def _parameters(run: Run) -> int | None:
    if run.origin != "service":
        return None
    return lower(Experiment.model_validate(run.resolved_experiment)).parameters


_cache: dict[tuple[str, int], Mapping[str, float | None]] = {}
_CACHED = 4096


def _measured(service: Service, run: Run) -> Mapping[str, float | None]:
    """Depth slopes and spikes of an ended run; computed once a process, since its statistics never change."""
    key = (run.id, run.attempt)
    found = _cache.get(key)
    if found is None:
        found = _measure(service, run)
        if len(_cache) >= _CACHED:
            _cache.clear()
        _cache[key] = found
    return found


def _measure(service: Service, run: Run) -> Mapping[str, float | None]:
    if run.layout is None:
        return {}
    series = {name: service.store.statistics.series(run.id, name) for name in MEASURED_FROM}
    return measured(RunRecord.of(run.layout, series, outcome=run.outcome, steps_done=run.step))
