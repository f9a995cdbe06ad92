"""Compare the arms of a study, or any runs: read their results and compute the comparison."""

from collections.abc import Sequence
from itertools import product

from pydantic import TypeAdapter, ValidationError

from ..comparison import DEFAULT_METRIC, Comparison, RunResult, compare
from ..comparison.arms import BASELINE
from ..experiments.losses import AnyLoss, Loss
from ..experiments.losses.cross_entropy import CrossEntropy
from ..experiments.losses.mse import MeanSquaredError
from ..kernel.errors import InsufficientData, InvalidSpec
from ..measurements.metrics import RunMetrics
from ..store import RunSummary, Study
from .run import metrics_of_runs
from .service import Service


def compare_study(
    service: Service, study_id: str, *, metric: str = DEFAULT_METRIC, confidence: float = 0.95
) -> Comparison:
    """Compare the arms of a study with its baseline, using the runs that have ended; raises NotFound."""
    study, runs = service.store.studies.with_runs(study_id)
    return compare(
        [*results_of(service, [(run, run.arm or BASELINE) for run in runs]), *_awaited(study, runs)],
        baseline=BASELINE,
        metric=metric,
        confidence=confidence,
        arms=[str(arm["name"]) for arm in study.arms],
        study_id=study_id,
    )


def _awaited(study: Study, runs: Sequence[RunSummary]) -> list[RunResult]:
    """A result, still queued, for each run that the program of a study has not begun."""
    if study.recorded_runs is None or study.cancel_requested:
        return []
    begun = {(run.arm, run.seed) for run in runs}
    cells = product((str(arm["name"]) for arm in study.arms), study.seeds)
    return [RunResult("", arm, seed, status="queued") for arm, seed in cells if (arm, seed) not in begun]


def compare_runs(
    service: Service,
    run_ids: Sequence[str],
    *,
    baseline: str,
    metric: str = DEFAULT_METRIC,
    confidence: float = 0.95,
) -> Comparison:
    """Compare any runs. Runs with the same arm (or name) and different seeds form one arm."""
    if baseline not in run_ids:
        raise InvalidSpec.at(
            "/baseline", "the baseline is not among the runs", value=baseline, allowed="the id of one of the runs"
        )
    runs = service.store.runs.get_many(list(dict.fromkeys(run_ids)))
    one_study = len({run.study_id for run in runs}) == 1 and runs[0].study_id is not None
    labelled = [(run, _label(run, one_study=one_study)) for run in runs]
    reference = next(label for run, label in labelled if run.id == baseline)
    if len({label for _, label in labelled}) < 2:
        raise InsufficientData(f"all runs belong to the arm {reference!r}; a comparison needs two arms")
    return compare(results_of(service, labelled), baseline=reference, metric=metric, confidence=confidence)


def _label(run: RunSummary, *, one_study: bool) -> str:
    if one_study and run.arm is not None:
        return run.arm
    return run.name or run.id


def results_of(service: Service, labelled: Sequence[tuple[RunSummary, str]]) -> list[RunResult]:
    """The results of runs, with the label of each run's arm."""
    metrics = metrics_of_runs(service, [run for run, _ in labelled])
    losses = service.store.runs.losses([run.id for run, _ in labelled])
    return [
        RunResult(
            run_id=run.id,
            arm=label,
            seed=run.seed,
            status=run.status,
            metrics=metrics.get(run.id),
            target_probed=run.origin == "service",
            diagnosis=run.diagnosis,
            sweep_point=tuple(run.point.items()) if run.point else None,
            loss=_loss(losses.get(run.id), metrics.get(run.id)) if run.origin == "service" else None,
            environment=run.environment,
        )
        for run, label in labelled
    ]


def _loss(declared: str | None, metrics: RunMetrics | None) -> str:
    """The loss of a run as JSON: what its experiment declares, or the usual one of classes or numbers."""
    if declared is not None:
        return _in_full(declared)
    classifies = metrics is not None and metrics.final_validation_accuracy is not None
    return (CrossEntropy() if classifies else MeanSquaredError()).model_dump_json()


def _in_full(declared: str) -> str:
    """A loss with all its parameters; one of another version as it was stored."""
    try:
        return _ANY_LOSS.validate_json(declared).model_dump_json()
    except ValidationError:
        return declared


_ANY_LOSS: TypeAdapter[Loss] = TypeAdapter(AnyLoss)
