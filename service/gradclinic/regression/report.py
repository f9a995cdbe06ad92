"""What a check found, metric by metric and condition by condition, as it is shown and stored."""

from dataclasses import dataclass
from typing import Literal

from ..comparison import Effect, FindingOverSeeds, RatioEffect
from ..kernel.status import RunStatus
from ..kernel.vocabulary import CheckVerdict


@dataclass(frozen=True, kw_only=True)
class PairedRuns:
    """A run of the baseline and a new one with the same seed, and what each came to in a metric."""

    seed: int
    baseline_run: str
    new_run: str
    baseline: float | None
    """None where the run has no such number; not finite where its training broke off."""
    new: float | None


@dataclass(frozen=True, kw_only=True)
class MetricCheck:
    """One metric: how much worse it may be, and what the pairs of runs say."""

    metric: str
    verdict: CheckVerdict
    reason: str
    """Why that verdict, in one sentence."""
    margin: float
    """As asked for: a fraction of the loss or of the steps, or a difference in accuracy."""
    limit: float
    """The margin on the scale of the effect's ratio, or of its difference where it has no ratio."""
    better: Literal["lower", "higher"]
    seeds_needed: int | None
    """How many seeds would decide, if effect and scatter stay; None where it is decided, or none would."""
    effect: RatioEffect | Effect | None
    """New minus baseline; its interval holds together with those of the other metrics. None where no pair has it."""
    values: tuple[PairedRuns, ...]


@dataclass(frozen=True, kw_only=True)
class ConditionCheck:
    """One condition: in how many seeds it hurt learning, on either side."""

    condition: str
    verdict: CheckVerdict
    reason: str
    """Why that verdict, in one sentence."""
    new_seeds: int
    of_new: int
    baseline_seeds: int
    of_baseline: int
    layers: tuple[str, ...]
    """The layers that most of the new seeds name, worst first."""
    seeds_needed: int | None
    """How many seeds would decide if the fractions stay; None where it is decided, or up to 16 would not."""
    finding: FindingOverSeeds | None
    """What the new seeds say of it together; None where none shows it."""
    baseline_finding: FindingOverSeeds | None


@dataclass(frozen=True)
class LostRun:
    """A new run that ended without a result."""

    run_id: str
    seed: int
    status: RunStatus


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a check found; without a verdict, only why there is none."""

    summary: str
    """For a person: what is worse, or that nothing is, or what is open and how many seeds would decide."""
    verdict: CheckVerdict | None = None
    false_fails_at_most: float | None = None
    """Chance of a fail, if the new runs are no worse than their margins allow."""
    method: str | None = None
    seeds: tuple[int, ...] = ()
    """The seeds that both sides finished."""
    seeds_needed: int | None = None
    """How many seeds would decide what is open; None where it is decided, or no practical number would."""
    baseline_runs: int = 0
    new_runs: int = 0
    lost: tuple[LostRun, ...] = ()
    """New runs that ended without a result: failed, canceled, expired."""
    metrics: tuple[MetricCheck, ...] = ()
    conditions: tuple[ConditionCheck, ...] = ()
