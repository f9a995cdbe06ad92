"""The mean profile of several seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..schemas.statistic import ProfileAnswer


@dataclass(frozen=True)
class MeanProfile:
    """The geometric mean of profiles at each site, and the mean of their slopes."""

    values: tuple[float, ...]
    slope: float | None


def mean_profile(profiles: Sequence[ProfileAnswer]) -> MeanProfile:
    """The mean of profiles; sites that are zero or not finite in any profile stay so."""
    rows = [[point.value for point in profile.points] for profile in profiles]
    known = [profile.depth_slope for profile in profiles if profile.depth_slope is not None]
    return MeanProfile(
        tuple(_geometric(column) for column in zip(*rows, strict=True)),
        sum(known) / len(known) if known else None,
    )


def _geometric(values: Sequence[float]) -> float:
    if not all(math.isfinite(value) and value > 0 for value in values):
        return 0.0 if all(math.isfinite(value) for value in values) else math.nan
    return math.exp(sum(math.log(value) for value in values) / len(values))
