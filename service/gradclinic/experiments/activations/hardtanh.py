from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class Hardtanh(Activation):
    """z between -1 and 1, constant outside: a piecewise linear tanh with zero gradient outside [-1, 1]."""

    name: Literal["hardtanh"] = "hardtanh"
    bounded: ClassVar[bool] = True
    zero_gradient: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    saturation: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.Hardtanh", only={"min_val": -1.0, "max_val": 1.0}),
        TorchName("HardtanhBackward0", only={"_saved_min_val": -1.0, "_saved_max_val": 1.0}),
    )
    source: ClassVar[str] = "Collobert 2004, PhD thesis, Paris; torch.nn.Hardtanh"

    def call(self) -> Call:
        return Call("nn.Hardtanh")

    def value(self, z: Array) -> Array:
        return np.clip(z, -1.0, 1.0)

    def derivative(self, z: Array) -> Array:
        return (np.abs(z) < 1.0).astype(np.float64)
