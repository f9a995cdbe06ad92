"""Gaussian averages of an activation: the effect of one layer on the size of signals and gradients.

z ~ N(mean, variance) throughout. Source: Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt

from ..experiments.activations import Activation

Array = npt.NDArray[np.float64]

REACH = 10.0
"""Range of integration in standard deviations; the probability outside it is 1.5e-23."""
NODES = 8
"""Gauss-Legendre nodes in each panel."""
KINKS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 30.0)
"""Points (with their negatives) where activations have kinks or flatten; panels end there, so none contains a kink."""


@dataclass(frozen=True)
class Moments:
    """Averages of one activation over a normal pre-activation."""

    mean: float
    """E[phi(z)]"""
    second: float
    """E[phi(z)^2]"""
    slope: float
    """E[phi'(z)^2]"""


@lru_cache(maxsize=65_536)
def moments(activation: Activation, mean: float, variance: float) -> Moments:
    """E[phi], E[phi^2] and E[phi'^2] for z ~ N(mean, variance), by piecewise Gauss-Legendre quadrature.

    The relative error is below 1e-9 for all activations of the catalogue: panels end at every kink, and resolve both
    the normal density and the activation, even if their scales differ greatly.
    """
    z, weights = _nodes(mean, variance)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        value, slope = activation.value(z), activation.squared_derivative(z)
        # A random slope (RReLU) makes phi(z) = slope x z, so its square averages to E[slope^2] z^2.
        random = not np.array_equal(slope, activation.derivative(z) ** 2)
        square = slope * z**2 if random else value**2
    return Moments(float(weights @ value), float(weights @ square), float(weights @ slope))


@dataclass(frozen=True)
class Overlaps:
    """Averages over z that map a gradient's components along x = phi(z) and 1 to those along z and 1.

    Matrices are in the order (x, 1), (z, 1).
    """

    passed: Array
    """[2, 2]: E[phi'^2 x x], E[phi'^2 x]; E[phi'^2 x], E[phi'^2]"""
    turned: Array
    """[2, 2]: E[phi' x z], E[phi' z]; E[phi' x], E[phi']"""
    slopes: Array
    """[2, 2]: E[phi'^2 z z], E[phi'^2 z]; E[phi'^2 z], E[phi'^2]"""

    @property
    def slope_square(self) -> float:
        """E[phi'^2]"""
        return float(self.slopes[1, 1])


@lru_cache(maxsize=65_536)
def overlaps(activation: Activation, mean: float, variance: float) -> Overlaps:
    """By the same quadrature as `moments`; a random slope (RReLU) is replaced by its mean, except in E[phi'^2]."""
    z, weights = _nodes(mean, variance)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        x, slope, square = activation.value(z), activation.derivative(z), activation.squared_derivative(z)
    one = np.ones_like(z)
    out, into = np.stack([x, one]), np.stack([z, one])
    return Overlaps(
        passed=(weights * square * out) @ out.T,
        turned=(weights * slope * into) @ out.T,
        slopes=(weights * square * into) @ into.T,
    )


@lru_cache(maxsize=65_536)
def product_moment(activation: Activation, mean: float, variance: float, covariance: float) -> float:
    """E[phi(u) phi(v)] for u, v ~ N(mean, variance) with this covariance: the overlap of two samples after a layer."""
    own = moments(activation, mean, variance)
    if variance <= 0 or covariance >= variance * (1 - 1e-9):
        return own.second
    if covariance <= 1e-12 * variance:
        return own.mean**2
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)  # an even number: no node lies on a kink at the mean
    weights = weights / weights.sum()
    common = mean + sqrt(covariance) * nodes
    z = common[:, None] + sqrt(variance - covariance) * nodes[None, :]
    conditional = activation.value(z) @ weights
    return float(weights @ conditional**2)


def _nodes(mean: float, variance: float) -> tuple[Array, Array]:
    """Quadrature nodes z and weights (normal density included, summing to 1)."""
    deviation = sqrt(max(variance, 0.0))
    if deviation == 0.0 or not np.isfinite(deviation):
        return np.array([mean]), np.array([1.0])
    marks = np.array([sign * kink for kink in KINKS for sign in (-1.0, 1.0)])
    ends = np.concatenate([np.linspace(-REACH, REACH, 41), (marks - mean) / deviation])
    ends = np.unique(ends[np.abs(ends) <= REACH])
    unit, unit_weights = _legendre()
    half = 0.5 * np.diff(ends)
    t = (0.5 * (ends[1:] + ends[:-1]))[:, None] + half[:, None] * unit[None, :]
    weights = half[:, None] * unit_weights[None, :] * np.exp(-0.5 * t**2)
    return mean + deviation * t.ravel(), weights.ravel() / weights.sum()


@lru_cache(maxsize=1)
def standard_nodes() -> tuple[Array, Array]:
    """Nodes g and weights for averages over a standard normal variable; a panel ends at 0."""
    return _nodes(0.0, 1.0)


@lru_cache(maxsize=1)
def _legendre() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return nodes, weights
