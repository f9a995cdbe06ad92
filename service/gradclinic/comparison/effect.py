"""The effect of an arm on one metric, as it is shown and stored."""

from dataclasses import dataclass

from ..kernel.vocabulary import Unit


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Arm minus baseline, on the metric's scale."""

    difference: float | None
    """Mean over the seeds; None if an outcome is not finite."""
    interval: tuple[float, float] | None
    """Interval of the difference; None for a single seed, or if an outcome is not finite."""
    confidence: float
    """Simultaneous confidence of the intervals of all arms."""
    wins: int
    """Number of pairs in which the arm did better; finite beats non-finite."""
    losses: int
    pairs: int
    p_value: float | None
    """Two-sided p-value of a sign-flip test."""
    unit: Unit
    """Unit of the difference."""
    baseline_mean: float | None
    """Mean of the finite values (geometric on a logarithmic scale); None if there are none."""
    arm_mean: float | None


@dataclass(frozen=True, kw_only=True)
class RatioEffect(Effect):
    """The effect on a metric that is compared on a logarithmic scale."""

    ratio: float | None
    """exp(difference): the arm's geometric mean divided by the baseline's."""
    ratio_interval: tuple[float, float] | None
