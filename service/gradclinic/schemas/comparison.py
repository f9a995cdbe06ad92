"""Comparisons, as they are returned."""

from typing import Literal

from pydantic import ConfigDict

from .base import Answer, Json


class EvidenceOverSeedsAnswer(Answer):
    """One measured number of a finding, over the seeds that have the finding."""

    name: str
    unit: str
    threshold: float | None
    """What each seed's number was held against; that of the first seed."""
    median: float
    interval: list[float] | None
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
    share_interval: list[float]
    """95 % interval of the share of seeds that show it (Wilson 1927)."""
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

    sweep_point: Json | None
    """The sweep's values by JSON pointer, since other values make another network; null without a sweep."""
    seeds: list[int]
    """The seeds that were judged."""
    primary: str
    """The primary condition of the most seeds; of two alike, the sick one."""
    summary: str
    """One sentence."""
    findings: list[FindingOverSeedsAnswer]
    """The primary one first, then by how many seeds have it as theirs, and by how many it hurt."""


class ArmAnswer(Answer):
    """One arm against the baseline."""

    model_config = ConfigDict(extra="allow")

    arm: str
    rank: int
    """1 is best."""
    verdict: Literal["cures", "improves", "no_effect", "harms", "inconclusive"]
    reason: str
    """Why that verdict."""
    runs: int
    conditions: dict[str, int]
    """Runs by primary condition."""
    baseline_conditions: dict[str, int]
    diagnoses: list[DiagnosisOverSeedsAnswer]
    """What its seeds say together: one without a sweep, else one for each of its points; empty until a run ended."""
    effects: dict[str, Json]
    """By metric: difference, simultaneous interval, wins, sign-flip p."""
    cost: Json


class ComparisonAnswer(Answer):
    """The arms against the baseline, best first."""

    model_config = ConfigDict(extra="allow")

    study_id: str | None
    baseline: str
    metric: str
    confidence: float
    complete: bool
    """Whether every run has ended."""
    baseline_diagnoses: list[DiagnosisOverSeedsAnswer]
    """What the baseline's seeds say together."""
    arms: list[ArmAnswer]
