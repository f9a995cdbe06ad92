"""Statistics of paired differences: intervals, an exact permutation p-value, and the number of seeds needed."""

from math import sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EXACT_UP_TO = 16
"""Up to this number of differences all patterns of signs are enumerated (65,536); above, patterns are sampled."""

DRAWN_PATTERNS = 20_000

MOST_SEEDS = 1000
"""Largest number of seeds that is suggested; more is not practical."""

POWER = 0.8
"""Probability that the suggested number of seeds decides, if effect and scatter are as measured."""


def t_quantile(degrees: int | npt.NDArray[np.int64], probability: float) -> npt.NDArray[np.float64]:
    """Quantile of Student's t. Dimensionless."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(degrees, probability), dtype=np.float64)


def paired_interval(differences: Floats, *, confidence: float, comparisons: int) -> tuple[float, float] | None:
    """Interval of the mean of differences [n], one of `comparisons` with simultaneous `confidence`.

    mean +- t(1 - alpha / (2 comparisons); n - 1) s / sqrt(n), alpha = 1 - confidence: Student's t with Bonferroni's
    correction, valid for dependent arms (they share the baseline). None for fewer than two differences.
    Unit: that of the differences. Source: Dunn 1961, JASA 56:52-64.
    """
    n = len(differences)
    if n < 2:
        return None
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    half = float(t_quantile(n - 1, 1 - (1 - confidence) / (2 * comparisons))) * deviation / sqrt(n)
    return mean - half, mean + half


def sign_flip_p(differences: Floats) -> float | None:
    """Two-sided p-value of the mean of differences [n] over all 2^n patterns of signs; exact up to 16 differences.

    It is the fraction of patterns whose |mean| is at least the observed one, so at least 2 / 2^n (0.0625 at n = 5).
    Above 16, 20,000 patterns are sampled with a fixed seed, plus the observed one. None without differences.
    Source: Fisher 1935, The Design of Experiments, section 21; Phipson and Smyth 2010.
    """
    n = len(differences)
    if n == 0:
        return None
    # A tolerance for rounding makes mirrored patterns count as equal.
    bar = abs(float(differences.sum())) * (1 - 1e-9)
    if n <= EXACT_UP_TO:
        patterns = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ differences) >= bar))
    signs = np.random.default_rng(0).choice((-1.0, 1.0), size=(DRAWN_PATTERNS, n))
    return float((1 + np.sum(np.abs(signs @ differences) >= bar)) / (DRAWN_PATTERNS + 1))


def seeds_that_decide(
    differences: Floats, *, negligible: float, confidence: float, comparisons: int, now: int
) -> int | None:
    """The smallest number of seeds whose interval would exclude zero or lie within +-negligible, with power 0.8.

    n solves (t(1 - alpha / (2 comparisons); n - 1) + t(0.8; n - 1)) s / sqrt(n) <= max(|d|, negligible - |d|) for the
    measured mean d and standard deviation s. At least `now` + 1; None if more than 1000.
    Source: the sample size of a paired t test, e.g. Cohen 1988, section 2.4.
    """
    mean, deviation = abs(float(differences.mean())), float(differences.std(ddof=1))
    sizes = np.arange(max(2, now + 1), MOST_SEEDS + 1)
    quantiles = t_quantile(sizes - 1, 1 - (1 - confidence) / (2 * comparisons)) + t_quantile(sizes - 1, POWER)
    enough = np.flatnonzero(quantiles * deviation / np.sqrt(sizes) <= max(mean, negligible - mean))
    return int(sizes[enough[0]]) if len(enough) else None
