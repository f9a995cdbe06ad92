"""The effect of batch norm on a whole batch: the kernel of the samples, followed from the data through the network.

Averaged over the units, the pre-activations of a batch are normal with a kernel K [B, B] (Yang et al. 2019,
arXiv:1902.08129, section 3); batch norm centres it over the samples. Because real samples are correlated, layers have a
finite width and batches are small, a unit's variance over the batch is not exactly v = tr(K) / B. It has a variance of
2 t v^2, where t = tr(K^2) / tr(K)^2 (1 / B for uncorrelated samples). To first order in t, derived here:

    E[1 / sigma^2]       (1 + 2 t) / v                 the gradient's square grows by this factor
    E[y y']              ((1 + 2 t) K - 2 K^2 / (B v)) / v
    cumulants of y       E[y^4] - 3 E[y^2]^2 = -6 t;   Cov(y^2, y'^2) is 2 t less than for normal variables
    lost by delta        its components along 1 and along y: the fraction `removed` / B of its square
    width n              t' = chi_c^2 t + 1 / n: with n units, two samples have a chance correlation of 1 / n.
                         1 - c / n: a unit with large weights has a large sigma, so its gradient is small. c = 2,
                         plus the contributions of later batch norms, of which each activation keeps
                         E[phi']^4 / (E[phi'^2] Var phi). To first order these are twice as large as measured (ReLU,
                         tanh, sigmoid; widths 128 to 512, batches 64 to 256), so half of them is counted.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt

import numpy as np

from ..experiments.activations import Activation
from .closed_form import Array, NoClosedForm
from .moments import standard_nodes

MODES = 24
"""Number of Hermite polynomials in the expansion of an activation's kernel; the diagonal is exact."""


UNLIKE = 0.25
"""Largest growing variance of E[y^2] over the samples for which the kernel is near its symmetric fixed point (Yang et
al. 2019, section 4). Above it, sizes differ by half, and first order does not apply. SiLU and GELU reach it."""


@dataclass(frozen=True)
class Batch:
    """The samples of a batch, or the first `FOLLOWED` of them; averages over units and weights."""

    kernel: Array
    """[m, m]: E[h h'] for each pair of samples. Sampled once from the data, so a run's own batches differ slightly."""
    size: int
    """B: number of samples that batch norm averages over."""
    mean: float = 0.0
    """E[h]"""
    chance: float = 0.0
    """Mean square of the correlations between samples that are due only to the finite width of layers."""
    unlike: float | None = None
    """Variance over the samples of E[y^2] after the first batch norm; None before it."""
    spread: float = 0.0
    """t of the batch norm that produced h; 0 for other layers."""

    @property
    def second(self) -> float:
        """E[h^2]"""
        return float(np.diag(self.kernel).mean())

    @property
    def shared(self) -> float:
        """E[h h'] of two different samples."""
        m = len(self.kernel)
        return float((self.kernel.sum() - np.trace(self.kernel)) / (m * (m - 1)))

    def linear(self, gain: float, bias: tuple[float, float]) -> "Batch":
        """After a linear layer; gain = fan_in Var(W), bias = (E[b^2], E[b])."""
        return replace(self, kernel=gain * self.kernel + bias[0], mean=bias[1], spread=0.0)

    def times(self, factor: float, *, centred: bool = False) -> "Batch":
        """Multiplied by sqrt(factor); if `centred`, the mean over the units is subtracted first."""
        offset, mean = (self.mean**2, 0.0) if centred else (0.0, self.mean * sqrt(factor))
        return replace(self, kernel=(self.kernel - offset) * factor, mean=mean, spread=0.0)

    def dropped(self, kept: float) -> "Batch":
        """After dropout, which draws a new mask for each sample; `kept` is the probability to keep a unit."""
        noise = np.diag(np.diag(self.kernel)) * (1.0 / kept - 1.0)
        return replace(self, kernel=self.kernel + noise, spread=0.0)

    def plus(self, branch: "Batch", scale: float) -> "Batch":
        """H + scale x branch(h); the two are independent given their means over the units."""
        kernel = self.kernel + scale**2 * branch.kernel + 2.0 * scale * self.mean * branch.mean
        own, other = self._variance(), scale**2 * branch._variance()
        chance = (own**2 * self.chance + other**2 * branch.chance) / max(own + other, 1e-300) ** 2
        return replace(self, kernel=kernel, mean=self.mean + scale * branch.mean, chance=chance, spread=0.0)

    def normalized(self, eps: float) -> tuple["Batch", float]:
        """The batch after batch norm, and the factor of the gradient's square before anything is removed from it."""
        m = len(self.kernel)
        rows = self.kernel.mean(axis=0)
        centred = self.kernel - rows[:, None] - rows[None, :] + rows.mean()
        trace = float(np.trace(centred))
        v = trace / (m - 1) * (1.0 - 1.0 / self.size) + eps
        spread = float((centred**2).sum()) / trace**2 - 1.0 / m + 1.0 / self.size + self.chance if trace > 0 else 0.0
        kernel = ((1.0 + 2.0 * spread) * centred - 2.0 * _product(centred, centred) / (m * v)) / v
        kernel = kernel * ((trace / m) / v / max(float(np.trace(kernel)) / m, 1e-300))
        unlike = float(np.diag(kernel).var())
        if self.unlike is not None and unlike > max(UNLIKE, self.unlike):
            raise NoClosedForm(
                "with batch norm, sample sizes diverge until a few samples dominate the batch statistics"
            )
        first = unlike if self.unlike is None else self.unlike
        return replace(self, kernel=kernel, mean=0.0, spread=spread, unlike=first), (1.0 + 2.0 * spread) / v

    def activated(self, activation: Activation, units: int) -> "Passed":
        """After an activation with `units` units."""
        own = np.maximum(np.diag(self.kernel) - self.mean**2, 0.0)
        found = _hermite(activation, self.mean, tuple(_rounded(own)))
        size = np.sqrt(np.maximum(np.outer(own, own), 1e-300))
        correlation = np.clip((self.kernel - self.mean**2) / size, -1.0, 1.0)
        kernel, power = np.zeros_like(correlation), np.ones_like(correlation)
        for mode in found.modes.T:
            kernel += np.outer(mode, mode) * power
            power = power * correlation
        zeroth, second, fourth = (found.modes[:, k].mean() for k in (0, 2, 4))
        kernel -= self.spread * (sqrt(6.0) * zeroth * fourth + second**2)
        np.fill_diagonal(kernel, found.square - 0.25 * self.spread * found.square_4)
        mean = float(zeroth - 0.25 * self.spread * sqrt(24.0) * fourth)
        slope = float((found.slope - 0.25 * self.spread * found.slope_4).mean())
        variance = float(np.diag(kernel).mean()) - mean**2
        chi = float((found.modes[:, 1] ** 2).mean()) / variance if variance > 0 else 0.0
        after = replace(self, kernel=kernel, mean=mean, chance=chi**2 * self.chance + 1.0 / units, spread=0.0)
        kept = chi**2 * variance / slope if slope > 0 else 0.0
        return Passed(after, slope, kept, float(found.removed.mean()))

    def _variance(self) -> float:
        return max(self.second - self.mean**2, 0.0)


@dataclass(frozen=True)
class Passed:
    """The effect of an activation on a batch, and on a gradient during the backward pass."""

    batch: Batch
    slope: float
    """E[phi'^2]"""
    kept: float
    """Fraction of the gradient's `memory` that is kept."""
    removed: float
    """The gradient's `removed`, for a batch norm directly before the activation."""


@dataclass(frozen=True)
class _Modes:
    """For each sample, averages over its normal pre-activation z = mean + deviation g."""

    modes: Array
    """[m, MODES]: E[phi He_k] / sqrt(k!)"""
    square: Array
    """[m]: E[phi^2]"""
    square_4: Array
    """[m]: E[phi^2 He_4]"""
    slope: Array
    """[m]: E[phi'^2]"""
    slope_4: Array
    """[m]: E[phi'^2 He_4]"""
    removed: Array
    """[m]: 2 - (E[phi']^2 + E[g phi']^2 - E[(g^2 - 1) phi'^2]) / E[phi'^2]"""


@lru_cache(maxsize=256)
def _hermite(activation: Activation, mean: float, variances: tuple[float, ...]) -> _Modes:
    g, weights = standard_nodes()
    z = mean + np.sqrt(np.array(variances))[:, None] * g
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        value, first, slope = activation.value(z), activation.derivative(z), activation.squared_derivative(z)
        random = not np.array_equal(slope, first**2)
        square = slope * z**2 if random else value**2
    polynomials = [np.ones_like(g), g]
    for k in range(1, MODES - 1):
        polynomials.append((g * polynomials[k] - sqrt(k) * polynomials[k - 1]) / sqrt(k + 1))
    fourth = weights * polynomials[4] * sqrt(24.0)
    own = slope @ weights
    along = (first @ weights) ** 2 + (first @ (weights * g)) ** 2 - slope @ (weights * (g**2 - 1))
    return _Modes(
        modes=_product(value, (weights * np.stack(polynomials)).T),
        square=square @ weights,
        square_4=square @ fourth,
        slope=own,
        slope_4=slope @ fourth,
        removed=2.0 - along / np.maximum(own, 1e-300),
    )


def _product(a: Array, b: Array) -> Array:
    """A matrix product without BLAS threads, whose overhead is larger than the cost of such a small product."""
    return np.asarray(np.einsum("ij,jk->ik", a, b))


def _rounded(values: Array) -> list[float]:
    return [float(f"{value:.9g}") for value in values.tolist()]
