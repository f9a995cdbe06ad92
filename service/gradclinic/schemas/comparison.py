"""Comparisons, as they are answered."""

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
    """What each seed's number was compared with; that of the first seed."""
    median: float
    interval: Interval | None
    """Of the median, between two of the measured values, whatever their distribution; null for one seed."""
    confidence: float | None
    """Of that interval: 0.75 with three seeds, 0.9375 with five, at least 0.95 from six on."""
    lowest: float
    highest: float
    seeds: int


class LayerOverSeedsAnswer(Answer):
    """A layer, and how many seeds name it."""

    layer: str
    seeds: int


class OnsetAnswer(Answer):
    """The step from which on a condition holds, over the seeds that show it."""

    median: float
    lowest: int
    highest: int


class FindingOverSeedsAnswer(Answer):
    """One condition over the seeds of an arm."""

    condition: str
    seeds: int
    """Seeds that show it, with harm or without."""
    of: int
    """Seeds that were judged."""
    share: float
    share_interval: Interval
    """95 % interval of the fraction of seeds that show it (Wilson 1927)."""
    primary_in: int
    """Seeds whose primary condition it is."""
    harm_in: int
    """Seeds in which it hurt learning."""
    confidence: float | None
    """Median of the seeds' own confidences, which come from steps and layers; null where none has one."""
    layers: list[LayerOverSeedsAnswer]
    """Those that more than half of these seeds name: the most named first, then the worst."""
    first_step: OnsetAnswer | None
    evidence: list[EvidenceOverSeedsAnswer]
    summary: str
    """One sentence."""


class DiagnosisOverSeedsAnswer(Answer):
    """What the seeds of one arm say together: the condition, how many seeds show it, where, since when, how strong.

    The run of each seed keeps its own diagnosis; of an arm with the same seed twice the later run counts.
    """

    sweep_point: dict[str, int | float] | None
    """The sweep's values by JSON pointer, since other values make another network; null without a sweep."""
    seeds: list[int]
    """The seeds that were judged."""
    primary: str
    """The primary condition of the most seeds; of two alike, the sick one."""
    summary: str
    """One sentence."""
    findings: list[FindingOverSeedsAnswer]
    """The primary one first, then by how many seeds have it as theirs, and by how many it hurt."""


class RunConditionsAnswer(Answer):
    """What is wrong with one finished run."""

    run_id: str
    seed: int
    sweep_point: dict[str, int | float] | None
    """The sweep's values by JSON pointer; null without a sweep."""
    primary: str
    harmful: list[str]
    """The conditions that hurt learning, in alphabetical order."""
    learned: bool


class EffectAnswer(Answer):
    """What an arm changed in one metric: arm minus baseline."""

    difference: float | None
    """Mean over the seeds, in `unit`; null where an outcome is not finite."""
    interval: Interval | None
    """Of the difference, simultaneous over the arms; null for one seed, and where an outcome is not finite."""
    confidence: float
    """Of the intervals of all arms together."""
    wins: int
    """Pairs in which the arm did better; a finite outcome beats one that is not."""
    losses: int
    pairs: int
    p_value: float | None
    """Two-sided, by sign flips."""
    unit: str
    baseline_mean: float | None
    """Mean of the finite values, geometric where the unit is ln(...); null where there is none."""
    arm_mean: float | None


class RatioEffectAnswer(EffectAnswer):
    """The effect on a metric that is compared on a logarithmic scale."""

    ratio: float | None
    """exp(difference): the arm's geometric mean over the baseline's."""
    ratio_interval: Interval | None


AnyEffect = Annotated[RatioEffectAnswer | EffectAnswer, Field(union_mode="left_to_right")]


class CostAnswer(Answer):
    """What an arm costs, as ratios to the baseline: geometric means over the pairs; null where unknown."""

    train_seconds_ratio: float | None
    """Seconds a step where the steps taken are known (a diverged run stops early), else seconds a run."""
    memory_ratio: float | None
    parameters_ratio: float | None


class ArmAnswer(Answer):
    """One arm against the baseline."""

    arm: str
    rank: int
    """1 is best."""
    verdict: ArmVerdict
    """Open as long as runs are pending, because stopping at a lucky moment is no evidence."""
    verdict_so_far: ArmVerdict
    """What the finished runs alone say."""
    reason: str
    """Why that verdict."""
    seeds_needed: int | None
    """How many seeds would decide; null where it is decided, or no practical number would."""
    runs: int
    """The arm's finished runs."""
    pending: int
    """The arm's runs that have not ended."""
    lost: int
    """The arm's runs that ended without a result: failed, canceled, expired."""
    paired_by: PairedBy
    """What joins a run to one of the baseline's; by order where they share no seed, which is valid, but less sharp."""
    conditions: dict[str, int]
    """Runs by primary condition."""
    baseline_conditions: dict[str, int]
    new_conditions: dict[str, int]
    """Runs by harmful condition that harmed no run of the baseline."""
    conditions_by_seed: list[RunConditionsAnswer]
    diagnoses: list[DiagnosisOverSeedsAnswer]
    """What its seeds say together: one without a sweep, else one for each of its points; empty until a run ended."""
    learned: int
    """Finished runs whose network learned."""
    effects: dict[str, AnyEffect]
    """By metric: difference, simultaneous interval, wins, sign-flip p; those compared by ratios have `ratio` too."""
    cost: CostAnswer


class ComparisonAnswer(Answer):
    """The arms against the baseline, best first."""

    study_id: str | None
    """Null for runs that were chosen one by one."""
    baseline: str
    metric: str
    """What verdicts and ranks rest on."""
    confidence: float
    method: str
    """How intervals and verdicts are computed."""
    false_verdicts_at_most: float
    """Chance that some arm is said to cure, improve or harm, if all arms are equal."""
    complete: bool
    """Whether every run has ended."""
    baseline_runs: int
    """The baseline's finished runs."""
    baseline_conditions: dict[str, int]
    """These runs by primary condition."""
    baseline_conditions_by_seed: list[RunConditionsAnswer]
    baseline_diagnoses: list[DiagnosisOverSeedsAnswer]
    """What the baseline's seeds say together."""
    arms: list[ArmAnswer]
