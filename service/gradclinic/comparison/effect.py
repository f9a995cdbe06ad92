"""What an arm changed in one metric, as it is shown and stored."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Arm minus baseline, on the metric's scale."""

    difference: float | None
    """Mean over the seeds; None where an outcome is not finite."""
    interval: tuple[float, float] | None
    """Of the difference; None for a single seed, and where an outcome is not finite."""
    confidence: float
    """Of the intervals of all arms together."""
    wins: int
    """Pairs in which the arm did better; finite beats non-finite."""
    losses: int
    pairs: int
    p_value: float | None
    """Two-sided, by sign flips."""
    unit: str
    """Of the difference."""
    baseline_mean: float | None
    """Mean of the finite values, geometric on a logarithmic scale; None where there is none."""
    arm_mean: float | None


@dataclass(frozen=True, kw_only=True)
class RatioEffect(Effect):
    """The effect on a metric that is compared on a logarithmic scale."""

    ratio: float | None
    """exp(difference): the arm's geometric mean over the baseline's."""
    ratio_interval: tuple[float, float] | None
