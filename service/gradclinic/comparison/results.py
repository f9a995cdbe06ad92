"""What the comparison takes of a run: who it is, how it ended, what it measured, what its diagnosis says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from ..diagnosis import Diagnosis
from ..kernel.status import ENDED, RunStatus
from ..measurements.losses import LEARNED

SweepPoint = tuple[tuple[str, Any], ...]
"""Where in a sweep a run stands: (JSON pointer, value) pairs, in the sweep's order."""

Swept = Mapping[str, int | float]
"""The same by JSON pointer, as it is shown."""

Pair = tuple[int, SweepPoint | None]
"""What a run of an arm and a run of the baseline must share to be compared: seed and sweep point."""

LOSSES_WITH_UNIT = ("final_train_loss", "final_validation_loss")
"""The metrics whose unit is that of a regression's targets, squared."""

NOT_CONDITIONS = frozenset({"healthy", "insufficient_evidence"})

_NAMED = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def number(value: Any) -> float | None:
    """A JSON value as a float; the strings that stand for non-finite numbers are those numbers, the rest is None."""
    if isinstance(value, str):
        return _NAMED.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


@dataclass(frozen=True)
class RunResult:
    """One run of one arm, as far as comparisons go."""

    run_id: str
    arm: str
    seed: int
    status: RunStatus = "succeeded"
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """By name, as in a run's JSON: the contract's metrics, and where known `depth_slope`, `depth_slope_early`,
    `loss_spikes`, `loss_unit`, `parameters`, `peak_memory_bytes`, `steps_done`, `nonfinite_step`."""
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
        return number(self.metrics.get(name))

    @property
    def broke_off(self) -> bool:
        """Whether training stopped at a non-finite loss or gradient; what was finite before it is no outcome."""
        return self.metric("nonfinite_step") is not None

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
    scale = run.metric("loss_unit")
    if scale is None:
        return run
    losses = {name: loss * scale for name in LOSSES_WITH_UNIT if (loss := run.metric(name)) is not None}
    return replace(run, metrics={**run.metrics, **losses, "loss_unit": 1.0})
