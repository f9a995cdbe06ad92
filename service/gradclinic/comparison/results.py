"""What the comparison takes of a run: who it is, how it ended, what it measured, what its diagnosis says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from ..diagnosis import Diagnosis
from ..kernel.status import ENDED, RunStatus
from ..measurements.losses import LEARNED
from ..measurements.metrics import RunMetrics

SweepPoint = tuple[tuple[str, Any], ...]
"""Where in a sweep a run stands: (JSON pointer, value) pairs, in the sweep's order."""

Swept = Mapping[str, int | float]
"""The same by JSON pointer, as it is shown."""

Pair = tuple[int, SweepPoint | None]
"""What a run of an arm and a run of the baseline must share to be compared: seed and sweep point."""

NOT_CONDITIONS = frozenset({"healthy", "insufficient_evidence"})


@dataclass(frozen=True)
class RunResult:
    """One run of one arm, as far as comparisons go."""

    run_id: str
    arm: str
    seed: int
    status: RunStatus = "succeeded"
    metrics: RunMetrics | None = None
    """None until it has ended, and where it ended without a result."""
    target_probed: bool = True
    """Whether it would be known that the run reached its target; false where a user's program may never have probed."""
    seconds: float | None = None
    """What it cost, where that is known without its metrics."""
    diagnosis: Diagnosis | None = None
    sweep_point: SweepPoint | None = None

    @property
    def pair(self) -> Pair:
        """What it is paired by."""
        return self.seed, self.sweep_point

    @property
    def swept(self) -> Swept | None:
        """The sweep's values by JSON pointer; None without a sweep."""
        return dict(self.sweep_point) if self.sweep_point else None

    @property
    def succeeded(self) -> bool:
        """Whether it trained to an end, a divergence included."""
        return self.status == "succeeded"

    @property
    def pending(self) -> bool:
        """Whether it has not ended yet."""
        return self.status not in ENDED

    def metric(self, name: str) -> float | None:
        """A metric as a float, which may be non-finite; None where the run has none."""
        value = None if self.metrics is None else self.metrics.value(name)
        return None if value is None else float(value)

    @property
    def broke_off(self) -> bool:
        """Whether training stopped at a non-finite loss or gradient; what was finite before it is no outcome."""
        return self.metrics is not None and self.metrics.nonfinite_step is not None

    @property
    def constant_loss(self) -> float | None:
        """Training loss of the best constant predictor, where the run's numbers tell it."""
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
        return frozenset(finding.condition for finding in findings if finding.harm) - NOT_CONDITIONS

    @property
    def learned(self) -> bool:
        """Whether the network learned: its training loss is at most half the constant predictor's.

        Where the run has no such number (it was recorded elsewhere), a healthy diagnosis has to do.
        """
        relative = self.metric("relative_train_loss")
        if relative is None:
            return self.primary == "healthy"
        return relative <= LEARNED and not self.broke_off


def in_one_unit(results: Iterable[RunResult]) -> list[RunResult]:
    """The same results, their losses in one unit: the targets' own where they were standardized in some runs only.

    Where a run that was trained to an end does not know its unit, all stay as they are: the runs of a classification,
    and those that an earlier version stored.
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
