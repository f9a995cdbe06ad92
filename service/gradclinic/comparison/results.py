"""The input of a comparison from each run: identity, status, metrics and diagnosis."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from ..diagnosis import Diagnosis
from ..diagnosis.rules import NOTHING_WRONG
from ..kernel.status import ENDED, RunStatus
from ..measurements.losses import LEARNED
from ..measurements.metrics import RunMetrics

SweepPoint = tuple[tuple[str, Any], ...]
"""A run's point in a sweep: (JSON pointer, value) pairs, in the order of the sweep."""

LOSSES = ("final_validation_loss", "final_train_loss")
"""The metrics that are values of the loss."""

Swept = Mapping[str, int | float]
"""The same as a mapping, as it is shown."""

Pair = tuple[int, SweepPoint | None]
"""What an arm's run and the baseline's run must share to be compared: seed and sweep point."""


def place_of(point: SweepPoint | None) -> tuple[float, ...]:
    """The place of a point among those of its sweep: its values, which are numbers."""
    return tuple(value for _, value in point or ())


@dataclass(frozen=True)
class RunResult:
    """One run of one arm."""

    run_id: str
    arm: str
    seed: int
    status: RunStatus = "succeeded"
    metrics: RunMetrics | None = None
    """None until the run has ended, or if it ended without a result."""
    target_probed: bool = True
    """Whether reaching the target would have been noticed; False if an external program may never have probed."""
    seconds: float | None = None
    """Duration of the training, if known without its metrics."""
    diagnosis: Diagnosis | None = None
    sweep_point: SweepPoint | None = None
    loss: str | None = None
    """The loss that was minimized, with its parameters, as JSON; None if it is not known."""
    environment: Mapping[str, Any] | None = None
    """The device and the versions that it was trained with; None if they are not known."""
    shares_loss: bool = True
    """Whether its losses are values of the same loss as those that it is compared with."""

    @property
    def pair(self) -> Pair:
        """The key by which it is paired."""
        return self.seed, self.sweep_point

    @property
    def swept(self) -> Swept | None:
        """The swept values by JSON pointer; None without a sweep."""
        return dict(self.sweep_point) if self.sweep_point else None

    @property
    def succeeded(self) -> bool:
        """Whether training completed or diverged."""
        return self.status == "succeeded"

    @property
    def pending(self) -> bool:
        """Whether it has not ended yet."""
        return self.status not in ENDED

    def metric(self, name: str) -> float | None:
        """A metric as a float, possibly non-finite; None if the run has no value, or none that can be compared."""
        if self.metrics is None or (name in LOSSES and not self.shares_loss):
            return None
        value = self.metrics.value(name)
        return None if value is None else float(value)

    @property
    def broke_off(self) -> bool:
        """Whether training stopped at a non-finite loss or gradient; earlier finite values are not an outcome."""
        return self.metrics is not None and self.metrics.nonfinite_step is not None

    @property
    def constant_loss(self) -> float | None:
        """Training loss of the best constant predictor; None if the run's metrics do not determine it."""
        loss, relative = self.metric("final_train_loss"), self.metric("relative_train_loss")
        if (
            loss is None
            or relative is None
            or not (isfinite(loss) and isfinite(relative) and loss > 0 and relative > 0)
        ):
            return None
        return loss / relative

    @property
    def primary(self) -> str:
        """The primary condition."""
        return self.diagnosis.primary if self.diagnosis is not None else "insufficient_evidence"

    @property
    def harmful(self) -> frozenset[str]:
        """The conditions that hurt learning in this run."""
        findings = self.diagnosis.findings if self.diagnosis is not None else ()
        return frozenset(finding.condition for finding in findings if finding.harm) - NOTHING_WRONG

    @property
    def learned(self) -> bool:
        """Whether the network learned: its training loss is at most half the constant predictor's.

        If the run has no such number (it was recorded externally), a healthy diagnosis counts instead.
        """
        relative = self.metric("relative_train_loss")
        if relative is None:
            return self.primary == "healthy"
        return relative <= LEARNED and not self.broke_off


def in_one_unit(results: Iterable[RunResult]) -> list[RunResult]:
    """The same results with losses in one unit: that of the original targets if only some runs standardized them.

    Nothing is converted if the unit of a completed run is unknown: in classifications, and in runs that an earlier
    version stored.
    """
    runs = list(results)
    scales = {run.metric("loss_unit") for run in runs if run.succeeded}
    if len(scales) < 2 or None in scales:
        return runs
    return [_in_target_units(run) for run in runs]


def _in_target_units(run: RunResult) -> RunResult:
    measured = run.metrics
    if measured is None or measured.loss_unit is None:
        return run
    scale, validation = measured.loss_unit, measured.final_validation_loss
    in_unit = replace(
        measured,
        final_train_loss=measured.final_train_loss * scale,
        final_validation_loss=None if validation is None else validation * scale,
        loss_unit=1.0,
    )
    return replace(run, metrics=in_unit)
