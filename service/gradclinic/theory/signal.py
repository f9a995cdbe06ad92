"""The size of a signal in the forward pass through a network, at each position."""

from dataclasses import dataclass

import numpy as np

from .batch import Batch
from .closed_form import Array


@dataclass(frozen=True)
class Signal:
    """Averages over units, weights and samples at each position: [pixels] or [time steps]; [] for vectors of units."""

    second: Array
    """E[h^2]"""
    mean: Array
    """E[h], over the units."""
    shared: Array
    """E[h h'] of the same unit for two different samples; second - shared is the variance over a batch."""
    uneven: Array | None = None
    """Directly after a convolution: the part of `shared` that varies between the positions of a unit, E[(c - E_position
    c)^2], where c is the mean over the samples; None after other layers."""
    batch: Batch | None = None
    """The correlations between samples, if the signal is a vector of units and batch norm follows; it implies the other
    fields."""

    @property
    def variance(self) -> Array:
        """Joint variance over units, weights and samples."""
        return np.maximum(self.second - self.mean**2, 0.0)

    @property
    def covariance(self) -> Array:
        """The covariance of two samples."""
        return np.clip(self.shared - self.mean**2, 0.0, self.variance)

    def scaled(self, square: Array | float, *, centred: bool) -> "Signal":
        """The signal multiplied by sqrt(square); if `centred`, the mean over the units is subtracted first."""
        factor = np.asarray(square, np.float64)
        offset = self.mean**2 if centred else np.zeros_like(self.mean)
        mean = np.zeros_like(self.mean) if centred else self.mean * np.sqrt(factor)
        batch = None if self.batch is None else self.batch.times(float(factor), centred=centred)
        return Signal((self.second - offset) * factor, mean, (self.shared - offset) * factor, batch=batch)

    def plus(self, branch: "Signal", scale: float) -> "Signal":
        """H + scale x branch(h); for independent weights, the two are independent given their means over the units."""
        cross = 2.0 * scale * self.mean * branch.mean
        return Signal(
            self.second + scale**2 * branch.second + cross,
            self.mean + scale * branch.mean,
            self.shared + scale**2 * branch.shared + cross,
            batch=self.batch.plus(branch.batch, scale) if self.batch and branch.batch else None,
        )


def of_batch(batch: Batch) -> Signal:
    """The signal of a vector of units, from its batch."""
    return Signal(np.asarray(batch.second), np.asarray(batch.mean), np.asarray(batch.shared), batch=batch)


def uniform(positions: tuple[int, ...], *, second: float = 1.0) -> Signal:
    """A signal with mean 0 and the same second moment at every position, independent between samples."""
    return Signal(np.full(positions, second), np.zeros(positions), np.zeros(positions))
