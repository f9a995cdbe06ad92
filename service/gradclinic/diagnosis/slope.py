"""A gradient decay over depth that is near its threshold: it may contribute to another condition."""

from .features import Features
from .finding import Evidence
from .thresholds import Thresholds

NEAR = 2.0 / 3.0
"""A slope from this fraction of its threshold on is near it: 1 for 1.5, where learning begins to degrade."""


def near_slope(features: Features, thresholds: Thresholds) -> float | None:
    """The steeper of D at the start and over the first quarter, if it is near its threshold, but does not reach it."""
    known = [slope for slope in (features.depth_slope_start, features.depth_slope_early) if slope is not None]
    steepest = max(known, key=abs, default=0.0)
    return steepest if NEAR * thresholds.depth_slope <= abs(steepest) < thresholds.depth_slope else None


def near_slope_evidence(features: Features, thresholds: Thresholds) -> tuple[Evidence, ...]:
    """A slope that is near its threshold, as evidence of other conditions to which it may contribute."""
    slope = near_slope(features, thresholds)
    if slope is None:
        return ()
    return (
        Evidence("depth_slope", slope, "orders of magnitude", thresholds.depth_slope * (1.0 if slope > 0 else -1.0)),
    )


def near_slope_in_words(features: Features, thresholds: Thresholds) -> str:
    """The clause of a summary that states this; empty if the slope is not near."""
    slope = near_slope(features, thresholds)
    if slope is None:
        return ""
    verb, name = ("shrink", "vanishing") if slope > 0 else ("grow", "exploding")
    return (
        f"; gradients {verb} by a factor of 10^{abs(slope):.1f} from output to input, close to the"
        f" 10^{thresholds.depth_slope:g} from which they count as {name}, so this may contribute"
    )
