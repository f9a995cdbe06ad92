"""The metrics by which runs are compared; computed once at the end of a run and stored with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import log10

import numpy as np

from .losses import relative_losses, swings
from .profile import at_start, median_between, profiles, steepest
from .record import Outcome, RunRecord

RISE = 0.05
"""Smallest rise of the probe loss that counts as a spike, relative to always predicting the average."""

MEASURED_FROM = ("site_grad_rms", "train_loss", "probe_loss", "update_to_weight_ratio")
"""The statistics that `metrics_of` reads from a record."""


@dataclass(frozen=True, kw_only=True)
class RunMetrics:
    """All metrics of a run that has ended; None if a metric is not defined. NaN and infinity are valid results."""

    final_train_loss: float
    relative_train_loss: float | None
    """Final training loss relative to always predicting the average."""
    final_validation_loss: float | None
    final_validation_accuracy: float | None
    steps_to_target: int | None
    train_seconds: float | None
    recording_seconds: float | None
    saved_share: float | None
    """Fraction of steps saved by early stopping; None if `stop_when` did not stop the run."""
    steps_done: int
    nonfinite_step: int | None
    peak_memory_bytes: int | None
    parameters: int | None = None
    """Number of trainable parameters; None if the service did not train the run."""
    depth_slope: float | None = None
    """Gradient decay at step 0 from output to input, in orders of magnitude; negative if gradients grow (explode)."""
    depth_slope_early: float | None = None
    """Median of the gradient decay over the first quarter of the steps."""
    update_decades: float | None = None
    """log10 of the first hidden layer's update-to-weight ratio over the last one's."""
    loss_spikes: int | None = None
    """Number of sudden rises of the probe loss."""
    loss_unit: float | None = None
    """One unit of this run's losses in squared units of the original targets: 1 unless targets were
    standardized. None for a classification, or if unknown."""
    alone_step_seconds: float | None = None
    """Seconds of a step, without recording, as it takes alone; None if the run was not trained with others."""

    @classmethod
    def of_outcome(cls, outcome: Outcome, *, steps: int, parameters: int | None = None) -> "RunMetrics":
        """The metrics that are computed from a run's outcome, not from its statistics."""
        return cls(
            final_train_loss=outcome.final_train_loss,
            relative_train_loss=outcome.relative_train_loss,
            final_validation_loss=outcome.final_validation_loss,
            final_validation_accuracy=outcome.final_validation_accuracy,
            steps_to_target=outcome.steps_to_target,
            train_seconds=outcome.train_seconds,
            recording_seconds=outcome.recording_seconds,
            saved_share=1 - outcome.steps_done / steps if outcome.stopped_on is not None else None,
            steps_done=outcome.steps_done,
            nonfinite_step=outcome.nonfinite_step,
            peak_memory_bytes=outcome.peak_memory_bytes,
            parameters=parameters,
            loss_unit=outcome.loss_unit,
            alone_step_seconds=outcome.alone_step_seconds,
        )

    def value(self, name: str) -> float | int | None:
        """A metric by its name; raises AttributeError for an unknown name."""
        found: float | int | None = getattr(self, name)
        return found

    def by_name(self) -> Mapping[str, float | int | None]:
        """All metrics by name."""
        return asdict(self)


def metrics_of(record: RunRecord) -> RunMetrics | None:
    """The metrics of a run from its outcome and statistics; None until it has ended."""
    if record.outcome is None:
        return None
    profile = steepest(profiles(record), horizon=record.steps)
    found = swings(*relative_losses(record.get("probe_loss"), record.outcome), rise=RISE)
    return replace(
        RunMetrics.of_outcome(record.outcome, steps=record.steps, parameters=record.parameters),
        depth_slope=at_start(profile),
        depth_slope_early=median_between(profile, 0.0, 0.25 * record.steps),
        update_decades=update_decades(record),
        loss_spikes=found.rises if found is not None else None,
    )


def update_decades(record: RunRecord) -> float | None:
    """log10 of the first hidden layer's median update-to-weight ratio over the last hidden layer's, over the steps.

    -1 means that the first layer changes by a tenth as much as the last one. None if either did not change, or if
    there is only one hidden layer.
    """
    hidden = [index for index, weight in enumerate(record.weights) if not weight.readout and weight.trainable]
    ratio = record.get("update_to_weight_ratio").values
    if len(hidden) < 2 or not len(ratio):
        return None
    columns = [ratio[:, index].astype(np.float64) for index in (hidden[0], hidden[-1])]
    if any(np.isnan(column).all() for column in columns):
        return None  # weights that start at zero have no size to compare an update with
    first, last = (float(np.nanmedian(column)) for column in columns)
    return log10(first / last) if first > 0 and last > 0 and np.isfinite(first / last) else None
