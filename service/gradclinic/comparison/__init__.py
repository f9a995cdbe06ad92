"""Paired seeds in, effects with intervals, verdicts and ranks out; a pure function of the runs' results."""

from .compare import compare
from .effects import Effect
from .measured import MEASURED_FROM, measured, metrics_of
from .metrics import DEFAULT_METRIC, METRICS, Metric
from .over_seeds import DiagnosisOverSeeds, diagnoses_over_seeds
from .report import ArmComparison, Comparison, Cost
from .results import LEARNED, Pair, RunResult, SweepPoint
from .trainability import trainability
from .verdicts import Verdict

__all__ = [
    "DEFAULT_METRIC",
    "LEARNED",
    "MEASURED_FROM",
    "METRICS",
    "ArmComparison",
    "Comparison",
    "Cost",
    "DiagnosisOverSeeds",
    "Effect",
    "Metric",
    "Pair",
    "RunResult",
    "SweepPoint",
    "Verdict",
    "compare",
    "diagnoses_over_seeds",
    "measured",
    "metrics_of",
    "trainability",
]
