"""The base class of activations: how to build one, and the properties of its derivative."""

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
    """How the recorder recognizes an activation: the class of a module, or a node of the autograd graph.

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
    A smooth activation whose slope drops below 5 % only inside its range (GELU at its minimum) is not saturated there.
    """

    name: str
    bounded: ClassVar[bool] = False
    """Whether phi is bounded on both sides, so its units can saturate."""
    learned: ClassVar[int] = 0
    """Number of learned values (PReLU's slope)."""
    random: ClassVar[bool] = False
    """Whether it draws at random in training."""
    zero_gradient: ClassVar[tuple[float, float]] = OPEN
    saturation: ClassVar[tuple[float, float]] = OPEN
    """Bounds for the default parameters; `saturation_bounds` uses the declared ones."""
    range: ClassVar[tuple[float, float]] = OPEN
    """Range of phi(z). Finite ends are approached or reached."""
    torch_names: ClassVar[tuple[TorchName, ...]] = ()
    """How the recorder recognizes it; activations that torch composes of several operations have no node."""
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
        """phi'(z), elementwise, float64; 0 at the kink of a ReLU, as in torch."""

    def squared_derivative(self, z: Array) -> Array:
        """E[phi'(z)^2] over the activation's own randomness, if it is random."""
        slope: Array = self.derivative(z) ** 2
        return slope

    def saturation_bounds(self) -> tuple[float, float]:
        """`saturation` for the declared parameters."""
        return self.saturation

    def can_die(self) -> bool:
        """Whether a unit can permanently lose its gradient: phi' is exactly 0 on a half line."""
        return bool(np.isfinite(self.zero_gradient[0]))
