from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class Tanh(Activation):
    """tanh(z): slope 1 at the origin, below 5 % for |z| > 2.2."""

    name: Literal["tanh"] = "tanh"
    bounded: ClassVar[bool] = True
    saturation: ClassVar[tuple[float, float]] = (-2.178272, 2.178272)
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.Tanh"),
        TorchName("TanhBackward0"),
    )
    source: ClassVar[str] = "LeCun et al. 1998, Efficient BackProp"

    def call(self) -> Call:
        return Call("nn.Tanh")

    def value(self, z: Array) -> Array:
        return np.tanh(z)

    def derivative(self, z: Array) -> Array:
        return 1.0 - np.tanh(z) ** 2
