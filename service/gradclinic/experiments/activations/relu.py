from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class ReLU(Activation):
    """max(0, z): passes the gradient unchanged for z > 0 and blocks it otherwise."""

    name: Literal["relu"] = "relu"
    zero_gradient: ClassVar[tuple[float, float]] = (0.0, np.inf)
    saturation: ClassVar[tuple[float, float]] = (0.0, np.inf)
    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.ReLU"),
        TorchName("ReluBackward0"),
    )
    source: ClassVar[str] = "Nair and Hinton 2010, ICML"

    def call(self) -> Call:
        return Call("nn.ReLU")

    def value(self, z: Array) -> Array:
        return np.maximum(z, 0.0)

    def derivative(self, z: Array) -> Array:
        return (z > 0).astype(np.float64)
