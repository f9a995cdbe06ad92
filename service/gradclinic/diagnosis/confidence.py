"""How sure a finding is, from the run's own records."""

from collections.abc import Iterable
from math import erf, inf, isnan, sqrt

import numpy as np

from .profile import Profile


def agreement(probabilities: Iterable[float]) -> float:
    """Chance that the next record would confirm what n records say: (sum p + 1) / (n + 2).

    `probabilities`: for each record, 1 where it meets the condition, 0 where not, between where it is measured with
    an error. Few records leave doubt however well they agree. Source: Laplace's rule of succession.
    """
    known = [float(p) for p in probabilities if not isnan(p)]
    return (sum(known) + 1.0) / (len(known) + 2.0)


def above(value: float, threshold: float, *, error: float) -> float:
    """P(true value > threshold) for a measured value with a normal error of that standard deviation."""
    if isnan(value):
        return float("nan")
    if error <= 0 or abs(value) == inf:
        return float(value >= threshold)
    return 0.5 * (1.0 + erf((value - threshold) / (error * sqrt(2.0))))


def slope_beyond(profile: Profile, threshold: float, *, sign: int, until: float) -> float:
    """Agreement of the records before `until` that sign x D exceeds the threshold, D with its fit's own error."""
    rows = profile.steps < max(until, 1)
    pairs = zip(profile.slope[rows], profile.slope_error[rows], strict=True)
    return agreement(above(sign * float(slope), threshold, error=float(error)) for slope, error in pairs)


def share_above(values: np.ndarray, threshold: float) -> float:
    """Agreement of the values that they reach the threshold."""
    return agreement(float(value >= threshold) if not np.isnan(value) else float("nan") for value in values)
