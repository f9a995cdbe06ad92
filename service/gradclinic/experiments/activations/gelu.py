from math import pi, sqrt
from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class GELU(Activation):
    """z Phi(z), with Phi the standard normal distribution function: a smooth ReLU with its minimum near z = -0.75."""

    name: Literal["gelu"] = "gelu"
    saturation: ClassVar[tuple[float, float]] = (-2.278561, np.inf)
    range: ClassVar[tuple[float, float]] = (-0.169972, np.inf)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.GELU"),
        TorchName("GeluBackward0"),
    )
    source: ClassVar[str] = "Hendrycks and Gimpel 2016, arXiv:1606.08415"

    def call(self) -> Call:
        return Call("nn.GELU")

    def value(self, z: Array) -> Array:
        return z * _chance_below(z)

    def derivative(self, z: Array) -> Array:
        density = np.exp(-0.5 * z**2) / sqrt(2.0 * pi)
        return _chance_below(z) + z * density


def _chance_below(z: Array) -> Array:
    """The standard normal distribution function."""
    from scipy.special import ndtr

    return np.asarray(ndtr(z), np.float64)
