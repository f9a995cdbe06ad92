"""How claims read their runs: medians over seeds, with what is not finite at the bad end."""

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from statistics import median

from ..comparison import RunResult
from .claim import Figure, Verdict

TAU = 1.5
"""Decades of gradient lost (or gained) over the depth from which on a network counts as vanishing (or exploding)."""

USABLE = 0.5
"""A training that leaves at most half of the constant predictor's loss has learned, as in the rules."""


def depth_slope(runs: Sequence[RunResult]) -> float:
    """Median D at step 0, in decades; a slope that does not exist is no loss."""
    return median(value if (value := run.metric("depth_slope")) is not None else 0.0 for run in runs)


def loss_left(runs: Sequence[RunResult]) -> float:
    """Median share of the constant predictor's loss that is left; infinite where training broke off."""
    return median(_left(run) for run in runs)


def _left(run: RunResult) -> float:
    value = run.metric("relative_train_loss")
    return inf if value is None or not isfinite(value) or run.broke_off else value


def finite_share(runs: Sequence[RunResult]) -> float:
    """Share of the runs that ended finite."""
    return sum(isfinite(_left(run)) for run in runs) / len(runs)


def learned_share(runs: Sequence[RunResult]) -> float:
    """Share of the runs that learned."""
    return sum(run.learned for run in runs) / len(runs)


def accuracy(runs: Sequence[RunResult]) -> float:
    """Median validation accuracy; 0 where there is none."""
    return median(run.metric("final_validation_accuracy") or 0.0 for run in runs)


def usable(runs: Sequence[RunResult]) -> bool:
    """Whether the median run learned."""
    return loss_left(runs) <= USABLE


def figures(values: Mapping[str, float], unit: str) -> tuple[Figure, ...]:
    """One figure for each named value."""
    return tuple(Figure(name, value, unit) for name, value in values.items())


def of_parts(parts: Sequence[bool]) -> Verdict:
    """Supported if every part holds, refuted if none does, else mixed."""
    if all(parts):
        return "supported"
    return "mixed" if any(parts) else "refuted"


def said(value: float) -> str:
    """A number for a sentence."""
    return f"{value:.2g}" if isfinite(value) else "not finite"
