"""Comparison of arms over paired seeds: effects with intervals, verdicts and ranks; pure functions of run results."""

from .common_measure import of_one_loss
from .compare import compare, gain
from .effect import Effect, RatioEffect
from .environment import notes_on
from .metrics import DEFAULT_METRIC, METRICS, Metric
from .over_seeds import (
    DiagnosisOverSeeds,
    EvidenceOverSeeds,
    FindingOverSeeds,
    LayerOverSeeds,
    Onset,
    diagnoses_over_seeds,
)
from .report import ArmComparison, Comparison, Cost, RunConditions
from .results import Pair, RunResult, SweepPoint, Swept, in_one_unit
from .trainability import trainability

__all__ = [
    "DEFAULT_METRIC",
    "METRICS",
    "ArmComparison",
    "Comparison",
    "Cost",
    "DiagnosisOverSeeds",
    "Effect",
    "EvidenceOverSeeds",
    "FindingOverSeeds",
    "LayerOverSeeds",
    "Metric",
    "Onset",
    "Pair",
    "RatioEffect",
    "RunConditions",
    "RunResult",
    "SweepPoint",
    "Swept",
    "compare",
    "diagnoses_over_seeds",
    "gain",
    "in_one_unit",
    "notes_on",
    "of_one_loss",
    "trainability",
]
