"""The result of a comparison for each arm, as it is shown and stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..kernel.vocabulary import ArmVerdict, PairedBy
from .effect import Effect, RatioEffect
from .over_seeds import DiagnosisOverSeeds
from .results import Swept


@dataclass(frozen=True)
class Cost:
    """The cost of an arm relative to the baseline: geometric means over the pairs; None if unknown.

    Times and memory of different devices are not compared.
    """

    train_seconds_ratio: float | None
    """Seconds per step if the steps taken are known (a diverged run stops early), otherwise seconds per run."""
    memory_ratio: float | None
    parameters_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class RunConditions:
    """The conditions of one finished run."""

    run_id: str
    seed: int
    sweep_point: Swept | None
    primary: str
    harmful: tuple[str, ...]
    """The conditions that hurt learning, in alphabetical order."""
    learned: bool


@dataclass(frozen=True, kw_only=True)
class ArmComparison:
    """The comparison of one arm with the baseline."""

    arm: str
    rank: int
    """1 is best."""
    verdict: ArmVerdict
    """`inconclusive` while runs are pending, because stopping at a lucky moment would bias the verdict."""
    verdict_so_far: ArmVerdict
    """The verdict from the finished runs alone."""
    reason: str
    seeds_needed: int | None
    """The number of seeds that would decide; None if decided, or if no practical number would."""
    runs: int
    """The arm's finished runs."""
    pending: int
    """The arm's runs that have not ended."""
    lost: int
    """The arm's runs that ended without a result: failed, canceled, expired."""
    paired_by: PairedBy
    """How runs are paired with the baseline's. By order if they share no seed: valid, but with wider intervals."""
    conditions: Mapping[str, int]
    """Finished runs by primary condition, the most frequent first."""
    baseline_conditions: Mapping[str, int]
    new_conditions: Mapping[str, int]
    """Number of runs by harmful condition, for conditions that harmed no run of the baseline."""
    conditions_by_seed: tuple[RunConditions, ...]
    diagnoses: tuple[DiagnosisOverSeeds, ...]
    """One diagnosis over the arm's seeds for each point of a sweep."""
    learned: int
    """Finished runs whose network learned."""
    effects: Mapping[str, RatioEffect | Effect]
    """Effects by metric, the deciding one first; metrics that no pair of runs has are left out."""
    cost: Cost


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The comparison of all arms with the baseline, best first."""

    study_id: str | None
    """None for individually chosen runs."""
    baseline: str
    metric: str
    """The metric that decides verdicts and ranks."""
    confidence: float
    method: str
    notes: tuple[str, ...] = ()
    """What limits the comparison: that runs were trained on different devices, or with different versions."""
    false_verdicts_at_most: float
    """Largest probability of a verdict `cures`, `improves` or `harms` on some arm, if all arms are equal."""
    complete: bool
    """Whether every run has ended."""
    baseline_runs: int
    """The baseline's finished runs."""
    baseline_conditions: Mapping[str, int]
    baseline_conditions_by_seed: tuple[RunConditions, ...]
    baseline_diagnoses: tuple[DiagnosisOverSeeds, ...]
    arms: tuple[ArmComparison, ...]

    def arm(self, name: str) -> ArmComparison:
        """The arm of that name."""
        return next(each for each in self.arms if each.arm == name)
