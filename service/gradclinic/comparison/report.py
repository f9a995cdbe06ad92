"""What a comparison says, arm by arm, as it is shown and stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..kernel.vocabulary import ArmVerdict, PairedBy
from .effect import Effect, RatioEffect
from .over_seeds import DiagnosisOverSeeds
from .results import Swept


@dataclass(frozen=True)
class Cost:
    """What an arm costs, as ratios to the baseline: geometric means over the pairs; None where unknown."""

    train_seconds_ratio: float | None
    """Seconds a step where the steps taken are known (a diverged run stops early), else seconds a run."""
    memory_ratio: float | None
    parameters_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class RunConditions:
    """What is wrong with one finished run."""

    run_id: str
    seed: int
    sweep_point: Swept | None
    primary: str
    harmful: tuple[str, ...]
    """The conditions that hurt learning, in alphabetical order."""
    learned: bool


@dataclass(frozen=True, kw_only=True)
class ArmComparison:
    """One arm against the baseline."""

    arm: str
    rank: int
    """1 is best."""
    verdict: ArmVerdict
    """Open as long as runs are pending, because stopping at a lucky moment is no evidence."""
    verdict_so_far: ArmVerdict
    """What the finished runs alone say."""
    reason: str
    seeds_needed: int | None
    """How many seeds would decide; None where it is decided, or no practical number would."""
    runs: int
    """The arm's finished runs."""
    pending: int
    """The arm's runs that have not ended."""
    lost: int
    """The arm's runs that ended without a result: failed, canceled, expired."""
    paired_by: PairedBy
    """What joins a run to one of the baseline's; by order where they share no seed, which is valid, but less sharp."""
    conditions: Mapping[str, int]
    """Finished runs by primary condition, the most frequent first."""
    baseline_conditions: Mapping[str, int]
    new_conditions: Mapping[str, int]
    """Runs by harmful condition that harmed no run of the baseline."""
    conditions_by_seed: tuple[RunConditions, ...]
    diagnoses: tuple[DiagnosisOverSeeds, ...]
    """What the arm's seeds say together, at each point of a sweep."""
    learned: int
    """Finished runs whose network learned."""
    effects: Mapping[str, RatioEffect | Effect]
    """By metric, that of the verdict first; without those that no pair of runs has."""
    cost: Cost


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The arms against the baseline, best first."""

    study_id: str | None
    """None for runs that were chosen one by one."""
    baseline: str
    metric: str
    """What verdicts and ranks rest on."""
    confidence: float
    method: str
    false_verdicts_at_most: float
    """Chance that some arm is said to cure, improve or harm, if all arms are equal."""
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
