"""What a statistic is, and what it may compute with.

A site is a layer output whose gradient is measured. Tensors come stacked in a `Block`, so that small ones share each
operation. They are torch's, but this package does not import torch: a statistic calls the methods listed here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from typing_extensions import Self

from ...experiments.activations import Activation

Per = Literal["site", "weight", "run"]
Measured = Literal["gradient", "value", "activation"]
"""Tensors that statistics are computed from: dL/d(site) or dL/d(weight), the site's value, or phi(site), with phi the
activation that follows (the site's value if none does)."""
Bounds = tuple[float, float]


class Array(Protocol):
    """A torch tensor, by some of its methods; more of them can be added."""

    def __add__(self, other: float | Self, /) -> Self: ...
    def __sub__(self, other: float | Self, /) -> Self: ...
    def __rsub__(self, other: float | Self, /) -> Self: ...
    def __mul__(self, other: float | Self, /) -> Self: ...
    def __truediv__(self, other: float | Self, /) -> Self: ...
    def abs(self) -> Self: ...
    def square(self) -> Self: ...
    def sqrt(self) -> Self: ...
    def double(self) -> Self: ...
    def amax(self, dim: int, /) -> Self: ...
    def mean(self, dim: int, /) -> Self: ...


class Block(Protocol):
    """k tensors of one shape and precision, each of `entries` entries; what statistics share is computed once."""

    @property
    def entries(self) -> int:
        """Number of entries of each tensor."""

    @property
    def smallest_normal(self) -> float:
        """Smallest normal number of the tensors' precision."""

    @property
    def activations(self) -> Sequence[Activation | None]:
        """The activation at each tensor's site, [k]; None where no activation follows, and for weights."""

    @property
    def sizes(self) -> Array:
        """Absolute values of the entries, [k, entries], in the tensors' precision."""

    @property
    def exact(self) -> Array:
        """The entries in float64, [k, entries]."""

    @property
    def largest(self) -> Array:
        """Largest of the `sizes` of each tensor, [k] float64; NaN if one is."""

    @property
    def sums(self) -> Array:
        """Sum of each tensor's entries, [k] float64."""

    @property
    def size_sums(self) -> Array:
        """Sum of each tensor's `sizes`, [k] float64, with a relative error of at most 1e-6."""

    @property
    def norms(self) -> Array:
        """L2 norm of each tensor, [k] float64."""

    @property
    def deviation_norms(self) -> Array:
        """L2 norm of each tensor's entries minus their means over the batch, [k] float64."""

    def total(self, rows: Array, /) -> Array:
        """Sum of each row of [k, n], [k] float64, with a relative error of at most 1e-6 if no entry is negative."""

    def count(self, comparison: Literal["lt", "eq"], bound: float, /) -> Array:
        """How many `sizes` of each tensor are less than, or equal to, a bound, [k] float64. NaN is neither."""

    def outside(self, bounds: Sequence[Bounds], /) -> Array:
        """How many entries of each tensor are below or above the tensor's own bounds, [k] float64. NaN is neither."""


Reduction = Callable[[Block], Array]
"""From k tensors to one number each, [k] float64."""


@dataclass(frozen=True)
class Statistic:
    """A quantity measured at each place and recorded step."""

    name: str
    per: Per
    unit: str
    help: str
    full: bool = False
    """Whether it is in the full set (every `recording.full_every` steps)."""
    interval: Literal["every", "sites_every", "probe_every", "units_every"] = "every"
    """The number of the recording plan that says how often it is recorded, if it is not in the full set."""
    only_recorded: bool = False
    """Whether only recordings have it: the service does not measure it in networks that it trains itself."""
    rank: int = 10**6
    """Its place where statistics are listed; those without one come last, by name."""


@dataclass(frozen=True, kw_only=True)
class TensorStatistic(Statistic):
    """A statistic that is computed from each tensor alone."""

    full: bool = True
    of: Measured
    """The tensors that `reduce` is applied to."""
    reduce: Reduction
    grows: bool = False
    """Whether it is multiplied by c if the gradient is: at a site it is then recorded for the gradient of one sample's
    loss, and without the factor by which the loss was scaled."""
    needs_activation: bool = False
    """Whether it is NaN at sites that no activation follows."""
