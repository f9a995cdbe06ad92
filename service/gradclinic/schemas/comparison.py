"""Responses about comparisons."""

from typing import Annotated

from pydantic import Field

from ..kernel.vocabulary import ArmVerdict, PairedBy
from .base import Answer

Interval = Annotated[list[float], Field(min_length=2, max_length=2)]
"""Lower and upper bound."""


class EvidenceOverSeedsAnswer(Answer):
    """One measured number of a finding, over the seeds that have the finding."""

    name: str
    unit: str
    threshold: float | None
    """The threshold of the first seed."""
    median: float
    interval: Interval | None
    """Distribution-free interval of the median, between two of the measured values; null for one seed."""
    confidence: float | None
    """Confidence of the interval: 0.75 with three seeds, 0.9375 with five, at least 0.95 with six or more."""
    lowest: float
    highest: float
    seeds: int


class LayerOverSeedsAnswer(Answer):
    """A layer, and the number of seeds that name it."""

    layer: str
    seeds: int


class OnsetAnswer(Answer):
    """The first step of a condition, over the seeds that show it."""

    median: float
    lowest: int
    highest: int


class FindingOverSeedsAnswer(Answer):
    """One condition, over the seeds of an arm."""

    condition: str
    seeds: int
    """Number of seeds that show the condition, harmful or not."""
    of: int
    """Number of seeds that were diagnosed."""
    share: float
    share_interval: Interval
    """95 % interval of the fraction of seeds that show it (Wilson 1927)."""
    primary_in: int
    """Number of seeds for which it is the primary condition."""
    harm_in: int
    """Number of seeds in which it hurt learning."""
    confidence: float | None
    """Median confidence of the seeds' findings; null if there is none."""
    layers: list[LayerOverSeedsAnswer]
    """The layers that more than half of these seeds name, by number of seeds and then worst first."""
    first_step: OnsetAnswer | None
    evidence: list[EvidenceOverSeedsAnswer]
    summary: str
    """One sentence."""


class DiagnosisOverSeedsAnswer(Answer):
    """The diagnosis over all seeds of one arm: conditions, number of seeds, layers, onset and evidence.

    Each run also has its own diagnosis. If an arm has two runs with the same seed, the later one counts.
    """

    sweep_point: dict[str, int | float] | None
    """The swept values by JSON pointer (each point of a sweep gets its own diagnosis); null without a sweep."""
    seeds: list[int]
    """The seeds that were diagnosed."""
    primary: str
    """The primary condition of most seeds; in a tie, the one that is not healthy."""
    summary: str
    """One sentence."""
    findings: list[FindingOverSeedsAnswer]
    """The primary one first, then by the number of seeds where it is primary, then where it is harmful."""


class RunConditionsAnswer(Answer):
    """The conditions of one finished run."""

    run_id: str
    seed: int
    sweep_point: dict[str, int | float] | None
    """The swept values by JSON pointer; null without a sweep."""
    primary: str
    harmful: list[str]
    """The conditions that hurt learning, in alphabetical order."""
    learned: bool


class EffectAnswer(Answer):
    """The effect of an arm on one metric: arm minus baseline."""

    difference: float | None
    """Mean over the seeds, in `unit`; null if an outcome is not finite."""
    interval: Interval | None
    """Interval of the difference, simultaneous over the arms; null for one seed, or if an outcome is not finite."""
    confidence: float
    """Simultaneous confidence of the intervals of all arms."""
    wins: int
    """Number of pairs in which the arm did better; a finite outcome beats a non-finite one."""
    losses: int
    pairs: int
    p_value: float | None
    """Two-sided p-value of a sign-flip test."""
    unit: str
    baseline_mean: float | None
    """Mean of the finite values (geometric if the unit is ln(...)); null if there are none."""
    arm_mean: float | None


class RatioEffectAnswer(EffectAnswer):
    """The effect on a metric that is compared on a logarithmic scale."""

    ratio: float | None
    """exp(difference): the arm's geometric mean divided by the baseline's."""
    ratio_interval: Interval | None


AnyEffect = Annotated[RatioEffectAnswer | EffectAnswer, Field(union_mode="left_to_right")]


class CostAnswer(Answer):
    """The cost of an arm relative to the baseline: geometric means over the pairs; null if unknown.

    Times and memory of different devices are not compared.
    """

    train_seconds_ratio: float | None
    """Seconds per step if the steps taken are known (a diverged run stops early), otherwise seconds per run."""
    memory_ratio: float | None
    parameters_ratio: float | None


class ArmAnswer(Answer):
    """The comparison of one arm with the baseline."""

    arm: str
    rank: int
    """1 is best."""
    verdict: ArmVerdict
    """`inconclusive` while runs are pending, because stopping at a lucky moment would bias the verdict."""
    verdict_so_far: ArmVerdict
    """The verdict from the finished runs alone."""
    reason: str
    """The reason for the verdict."""
    seeds_needed: int | None
    """Number of seeds that would decide; null if decided, or if no practical number would."""
    runs: int
    """Number of finished runs of the arm."""
    pending: int
    """Number of runs that have not ended."""
    lost: int
    """Number of runs that ended without a result: failed, canceled, expired."""
    paired_by: PairedBy
    """How runs are paired with the baseline's. By order if they share no seed: valid, but with wider intervals."""
    conditions: dict[str, int]
    """Number of runs by primary condition."""
    baseline_conditions: dict[str, int]
    new_conditions: dict[str, int]
    """Number of runs by harmful condition, for conditions that harmed no run of the baseline."""
    conditions_by_seed: list[RunConditionsAnswer]
    diagnoses: list[DiagnosisOverSeedsAnswer]
    """The diagnosis over all seeds, one for each point of a sweep; empty until a run has ended."""
    learned: int
    """Number of finished runs whose network learned."""
    effects: dict[str, AnyEffect]
    """Effects by metric: difference, simultaneous interval, wins, p-value; on logarithmic scales also `ratio`."""
    cost: CostAnswer


class ComparisonAnswer(Answer):
    """The comparison of all arms with the baseline, best first."""

    study_id: str | None
    """null for individually chosen runs."""
    baseline: str
    metric: str
    """The metric that decides verdicts and ranks."""
    confidence: float
    method: str
    """How intervals and verdicts are computed."""
    notes: list[str]
    """What limits the comparison: that runs were trained on different devices, or with different versions."""
    false_verdicts_at_most: float
    """Largest probability of a verdict `cures`, `improves` or `harms` on any arm, if all arms are equal."""
    complete: bool
    """Whether all runs have ended."""
    baseline_runs: int
    """Number of finished runs of the baseline."""
    baseline_conditions: dict[str, int]
    """Number of these runs by primary condition."""
    baseline_conditions_by_seed: list[RunConditionsAnswer]
    baseline_diagnoses: list[DiagnosisOverSeedsAnswer]
    """The diagnosis over all seeds of the baseline."""
    arms: list[ArmAnswer]
