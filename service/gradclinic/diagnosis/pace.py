"""How fast a loss falls: least squares with a 95 % interval, and what part of the fall came late."""

from typing import NamedTuple

import numpy as np

from ..measurements.profile import Array

FEWEST_LOSSES = 32
"""Losses from which the part of the fall that came late is told."""


class Pace(NamedTuple):
    """How much a loss falls over one unit, and where its line ends."""

    fall: float
    error: float
    """Twice the standard error of the fall."""
    end: float

    @property
    def fastest(self) -> float:
        """The upper end of the interval."""
        return self.fall + self.error

    @property
    def slowest(self) -> float:
        """The lower end of the interval."""
        return self.fall - self.error


def pace(at: Array, losses: Array) -> Pace:
    """The line through losses [n] at places [n]."""
    (slope, level), covariance = np.polyfit(at, losses, 1, cov=True)
    return Pace(-float(slope), 2.0 * float(np.sqrt(max(0.0, covariance[0, 0]))), float(slope * at[-1] + level))


_ALL = 1.01
"""All of the fall, and what rounding adds."""


class LateFall(NamedTuple):
    """The part of a loss's whole fall that came in the second half of its steps."""

    part: float
    least: float
    """The lower end of its 95 % interval."""


def late_fall(losses: Array) -> LateFall | None:
    """Of losses [n] of all steps; None where they are few, not finite, not all above 0, or did not clearly fall.

    A fall is clear if it is larger than the scatter of the losses about it, and no more came late than there was in
    all: a loss that rose first, as that of a GAN's network may while the other learns, is not on its way down.

    Exponential decay that has a fraction f of its whole way still before it leaves sqrt(f) / (1 + sqrt(f)) of what it
    fell to the second half: .5 as a straight line does (f near 1), .3 where f is .18, .01 where training is done.
    """
    if len(losses) < FEWEST_LOSSES or not np.isfinite(losses).all() or not (losses > 0).all():
        return None
    half = losses[len(losses) // 2 :]
    places = np.linspace(0.5, 1.0, len(half))
    line = pace(places, half)
    scatter = float(np.std(half - (line.end + line.fall * (1.0 - places))))
    whole = float(np.median(losses[: max(1, len(losses) // 16)])) - line.end
    if not whole > scatter or 0.5 * line.fall > _ALL * whole:
        return None
    return LateFall(0.5 * line.fall / whole, 0.5 * line.slowest / whole)
