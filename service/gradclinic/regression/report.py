"""The result of a check for each metric and each condition, as it is shown and stored."""

from dataclasses import dataclass
from typing import Literal

from ..comparison import Effect, FindingOverSeeds, RatioEffect
from ..kernel.status import RunStatus
from ..kernel.vocabulary import CheckVerdict


@dataclass(frozen=True, kw_only=True)
class PairedRuns:
    """A baseline run and a new run with the same seed, and the value of a metric in each."""

    seed: int
    baseline_run: str
    new_run: str
    baseline: float | None
    """None if the run has no value; not finite if its training diverged."""
    new: float | None


@dataclass(frozen=True, kw_only=True)
class MetricCheck:
    """The check of one metric."""

    metric: str
    verdict: CheckVerdict
    reason: str
    """The reason for the verdict, in one sentence."""
    margin: float
    """As requested: a fraction of the loss or of the steps, or a difference in accuracy."""
    limit: float
    """The margin on the scale of the effect's ratio, or of its difference if it has no ratio."""
    better: Literal["lower", "higher"]
    seeds_needed: int | None
    """The number of seeds that would decide, if effect and scatter stay; None if decided, or if none would."""
    effect: RatioEffect | Effect | None
    """New minus baseline; the intervals of all metrics are simultaneous. None if no pair has the metric."""
    values: tuple[PairedRuns, ...]


@dataclass(frozen=True, kw_only=True)
class ConditionCheck:
    """One condition: the number of seeds on each side in which it hurt learning."""

    condition: str
    verdict: CheckVerdict
    reason: str
    """The reason for the verdict, in one sentence."""
    new_seeds: int
    of_new: int
    baseline_seeds: int
    of_baseline: int
    layers: tuple[str, ...]
    """The layers that most of the new seeds name, worst first."""
    seeds_needed: int | None
    """The number of seeds that would decide if the fractions stay; None if decided, or if more than 16."""
    finding: FindingOverSeeds | None
    """The finding over all new seeds; None if no seed shows it."""
    baseline_finding: FindingOverSeeds | None


@dataclass(frozen=True)
class LostRun:
    """A new run that ended without a result."""

    run_id: str
    seed: int
    status: RunStatus


@dataclass(frozen=True, kw_only=True)
class Report:
    """The result of a check. Without a verdict, only the summary is set and says why."""

    summary: str
    """In words: what is worse; or that nothing is; or what is open, and how many seeds would decide."""
    verdict: CheckVerdict | None = None
    false_fails_at_most: float | None = None
    """Largest probability of a fail, if the new runs are no worse than their margins allow."""
    method: str | None = None
    notes: tuple[str, ...] = ()
    """What limits the check: that runs were trained on different devices, or with different versions."""
    seeds: tuple[int, ...] = ()
    """The seeds that both sides finished."""
    seeds_needed: int | None = None
    """The number of seeds that would decide the open cases; None if decided, or if no practical number would."""
    baseline_runs: int = 0
    new_runs: int = 0
    lost: tuple[LostRun, ...] = ()
    """New runs that ended without a result: failed, canceled, expired."""
    metrics: tuple[MetricCheck, ...] = ()
    conditions: tuple[ConditionCheck, ...] = ()
