"""What runs of different losses can be compared by: the values of the losses are no common measure."""

from collections.abc import Sequence
from dataclasses import replace

from .metrics import METRICS, Metric
from .results import LOSSES, RunResult

_VALIDATION = METRICS["final_validation_loss"]
_ACCURACY = METRICS["final_validation_accuracy"]


def common_metric(metric: Metric, runs: Sequence[RunResult]) -> Metric:
    """The metric; the accuracy in place of a loss that is not the same in all runs, if every run has one.

    If no run has a validation loss, the training loss takes its place.
    """
    ended = [run for run in runs if run.succeeded]
    if metric is _VALIDATION and ended and all(run.metric(metric.name) is None for run in ended):
        metric = METRICS["final_train_loss"]
    if metric.name not in LOSSES or len(_known_losses(ended)) < 2:
        return metric
    return _ACCURACY if all(run.metric(_ACCURACY.name) is not None for run in ended) else metric


def of_one_loss(runs: Sequence[RunResult], *, reference: Sequence[RunResult]) -> list[RunResult]:
    """The same runs; those trained with another loss than the reference's have no value of a loss to compare."""
    usual = _known_losses(reference)
    if not usual:
        return list(runs)
    return [replace(run, shares_loss=run.loss is None or run.loss in usual) for run in runs]


def _known_losses(runs: Sequence[RunResult]) -> set[str]:
    return {run.loss for run in runs if run.loss is not None}
