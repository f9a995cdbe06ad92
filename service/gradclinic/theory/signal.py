"""The size of a signal on its way through a network, position by position."""

from dataclasses import dataclass

import numpy as np

from .batch import Batch
from .closed_form import Array


@dataclass(frozen=True)
class Signal:
    """Averages over units, weights and samples, for each position (pixels or time steps; a scalar array elsewhere)."""

    second: Array
    """E[h^2]"""
    mean: Array
    """E[h], over the units."""
    shared: Array
    """E[h h'] of the same unit for two different samples; second - shared is the variance over a batch."""
    uneven: Array | None = None
    """Right after a convolution: what of `shared` differs from position to position of a unit, E[(c - E_position c)^2]
    for its mean c over the samples; None elsewhere."""
    batch: Batch | None = None
    """Its samples pair by pair, where batch norm follows and the signal is a vector of units; it knows all the rest."""

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
        batch = None if self.batch is None else self.batch.times(float(factor), centred=centred)
        return Signal((self.second - offset) * factor, mean, (self.shared - offset) * factor, batch=batch)

    def plus(self, branch: "Signal", scale: float) -> "Signal":
        """H + scale x branch(h): the two are independent given their unit means, for freshly drawn weights."""
        cross = 2.0 * scale * self.mean * branch.mean
        return Signal(
            self.second + scale**2 * branch.second + cross,
            self.mean + scale * branch.mean,
            self.shared + scale**2 * branch.shared + cross,
            batch=self.batch.plus(branch.batch, scale) if self.batch and branch.batch else None,
        )


def of_batch(batch: Batch) -> Signal:
    """A vector of units, described by its samples."""
    return Signal(np.asarray(batch.second), np.asarray(batch.mean), np.asarray(batch.shared), batch=batch)


def uniform(positions: tuple[int, ...], *, second: float = 1.0) -> Signal:
    """A centred signal of that size at every position, independent between samples."""
    return Signal(np.full(positions, second), np.zeros(positions), np.zeros(positions))
