"""What every activation says about itself: how it is built, and what its derivative does."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ...kernel.calls import Call
from ...kernel.spec import Spec

Array = npt.NDArray[np.float64]

OPEN = (-np.inf, np.inf)


@dataclass(frozen=True)
class TorchName:
    """By what a recorded loop knows an activation: a module's class, or a node of the autograd graph.

    A module is named as in a `Call` (`nn.LeakyReLU`), a node as torch prints it (`LeakyReluBackward0`).
    """

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The activation's parameters, each with torch's attribute that holds its value."""
    only: Mapping[str, float] = field(default_factory=dict)
    """Attributes that must have a value, where torch computes several activations under one name."""


class Activation(Spec):
    """An elementwise nonlinearity phi.

    `zero_gradient = (a, b)`: phi'(z) is exactly 0 for z <= a and for z >= b.
    `saturation = (a, b)`: |phi'(z)| < 0.05 sup|phi'| for z < a and for z > b (and not between).
    A smooth activation that dips below 5 % inside its range (GELU at its minimum) is not saturated there.
    """

    name: str
    bounded: ClassVar[bool] = False
    """Whether phi is bounded on both sides, so that its units can saturate."""
    learned: ClassVar[int] = 0
    """Values that it learns (PReLU's slope)."""
    zero_gradient: ClassVar[tuple[float, float]] = OPEN
    saturation: ClassVar[tuple[float, float]] = OPEN
    """As it is with default parameters; `saturation_bounds` knows the declared ones."""
    range: ClassVar[tuple[float, float]] = OPEN
    """Between what phi(z) lies, whatever z is. A finite end is approached or reached."""
    torch_names: ClassVar[tuple[TorchName, ...]] = ()
    """By what a recorded loop knows it; one that torch composes of several operations has no node of its own."""
    source: ClassVar[str]
    """Where the activation was proposed or is defined."""

    @abstractmethod
    def call(self) -> Call:
        """The torch module that computes phi."""

    @abstractmethod
    def value(self, z: Array) -> Array:
        """phi(z), elementwise, float64."""

    @abstractmethod
    def derivative(self, z: Array) -> Array:
        """phi'(z), elementwise, float64; 0 at a kink of the ReLU kind, as torch has it."""

    def squared_derivative(self, z: Array) -> Array:
        """E[phi'(z)^2] over the activation's own randomness, where it has any."""
        slope: Array = self.derivative(z) ** 2
        return slope

    def saturation_bounds(self) -> tuple[float, float]:
        """`saturation` for this activation's own parameters."""
        return self.saturation

    def can_die(self) -> bool:
        """Whether a unit can lose its gradient for good: phi' is exactly 0 on a half line."""
        return bool(np.isfinite(self.zero_gradient[0]))
