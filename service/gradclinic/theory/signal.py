"""The size of a signal on its way through a network, position by position."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """Averages over units, weights and samples, for each position (pixels or time steps; a scalar array elsewhere)."""

    second: Array
    """E[h^2]"""
    mean: Array
    """E[h], over the units."""
    shared: Array
    """E[h h'] of the same unit for two different samples; second - shared is the variance over a batch."""

    @property
    def variance(self) -> Array:
        """Variance over the units, weights and samples together."""
        return np.maximum(self.second - self.mean**2, 0.0)

    @property
    def covariance(self) -> Array:
        """The part of the variance that two samples share."""
        return np.clip(self.shared - self.mean**2, 0.0, self.variance)

    def scaled(self, square: Array | float, *, centred: bool) -> "Signal":
        """The signal times sqrt(square), its unit mean taken away first if `centred`."""
        factor = np.asarray(square, np.float64)
        offset = self.mean**2 if centred else np.zeros_like(self.mean)
        mean = np.zeros_like(self.mean) if centred else self.mean * np.sqrt(factor)
        return Signal((self.second - offset) * factor, mean, (self.shared - offset) * factor)

    def plus(self, branch: "Signal", scale: float) -> "Signal":
        """H + scale x branch(h): the two are independent given their unit means, for freshly drawn weights."""
        cross = 2.0 * scale * self.mean * branch.mean
        return Signal(
            self.second + scale**2 * branch.second + cross,
            self.mean + scale * branch.mean,
            self.shared + scale**2 * branch.shared + cross,
        )


def uniform(positions: tuple[int, ...], *, second: float = 1.0) -> Signal:
    """A centred signal of that size at every position, independent between samples."""
    return Signal(np.full(positions, second), np.zeros(positions), np.zeros(positions))
