"""The confidence of a finding, from the records of the run."""

from collections.abc import Iterable, Sequence
from math import comb, erf, inf, isfinite, isnan, sqrt

import numpy as np

from ..measurements.profile import Profile


def agreement(probabilities: Iterable[float]) -> float:
    """Probability that the next record would confirm the condition, after n records: (sum p + 1) / (n + 2).

    `probabilities`: for each record, 1 where it meets the condition, 0 where not, between where it is measured with
    an error. With few records it stays uncertain even if all agree. Source: Laplace's rule of succession.
    """
    known = [float(p) for p in probabilities if not isnan(p)]
    return (sum(known) + 1.0) / (len(known) + 2.0)


def above(value: float, threshold: float, *, error: float) -> float:
    """P(true value > threshold) for a measured value with a normal error; `error` is its standard deviation."""
    if isnan(value):
        return float("nan")
    if error <= 0 or abs(value) == inf:
        return float(value >= threshold)
    return 0.5 * (1.0 + erf((value - threshold) / (error * sqrt(2.0))))


def slope_beyond(profile: Profile, threshold: float, *, sign: int, until: float, since: float = 0.0) -> float:
    """Agreement of the records with `since` <= step < `until` that sign x D exceeds the threshold, given D's error."""
    rows = (profile.steps >= since) & (profile.steps < max(until, 1))
    pairs = zip(profile.slope[rows], profile.slope_error[rows], strict=True)
    return agreement(above(sign * float(slope), threshold, error=float(error)) for slope, error in pairs)


def share_above(values: np.ndarray, threshold: float) -> float:
    """Agreement of the values that the threshold is reached."""
    return agreement(float(value >= threshold) if not np.isnan(value) else float("nan") for value in values)


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion of independent trials; (0, 1) without any. Source: Wilson 1927, JASA 22."""
    if total == 0:
        return 0.0, 1.0
    z, p = 1.959964, hits / total
    centre = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * (p * (1 - p) / total + z**2 / (4 * total**2)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def median_of(values: Sequence[float]) -> float:
    """The median of at least one value; the lower of the two middle ones if they are not both finite."""
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (low + high) / 2 if isfinite(low) and isfinite(high) else low


def median_interval(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float, float] | None:
    """The narrowest interval of the median between two symmetric order statistics, and its exact confidence.

    For n independent values of any distribution, the median lies between the k-th smallest and the k-th largest with
    probability 1 - 2 P(X < k), X ~ Binomial(n, 1/2). Below n = 6 even the extremes do not reach 95 %; their actual
    confidence is returned (5 values: 93.75 %). Values may be infinite. None for fewer than two values.
    Source: David and Nagaraja 2003, Order Statistics, section 7.1.
    """
    n = len(values)
    if n < 2:
        return None
    ordered = sorted(values)
    inside, below = 1, 0
    for k in range(1, n // 2 + 1):
        below += comb(n, k - 1)
        if k > 1 and 1.0 - 2.0 * below / 2**n < confidence:
            break
        inside, reached = k, 1.0 - 2.0 * below / 2**n
    return ordered[inside - 1], ordered[n - inside], reached
