from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class Softsign(Activation):
    """z / (1 + |z|): like tanh, but it saturates slowly, as 1 / z^2."""

    name: Literal["softsign"] = "softsign"
    bounded: ClassVar[bool] = True
    saturation: ClassVar[tuple[float, float]] = (-3.472136, 3.472136)
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    torch_names: ClassVar[tuple[TorchName, ...]] = (TorchName("nn.Softsign"),)
    source: ClassVar[str] = "Bergstra et al. 2009; Glorot and Bengio 2010, AISTATS"

    def call(self) -> Call:
        return Call("nn.Softsign")

    def value(self, z: Array) -> Array:
        return z / (1.0 + np.abs(z))

    def derivative(self, z: Array) -> Array:
        return 1.0 / (1.0 + np.abs(z)) ** 2
