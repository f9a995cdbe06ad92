from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class ReLU6(Activation):
    """min(max(0, z), 6): a ReLU capped at 6, with zero gradient above the cap."""

    name: Literal["relu6"] = "relu6"
    zero_gradient: ClassVar[tuple[float, float]] = (0.0, 6.0)
    saturation: ClassVar[tuple[float, float]] = (0.0, 6.0)
    range: ClassVar[tuple[float, float]] = (0.0, 6.0)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.ReLU6"),
        TorchName("HardtanhBackward0", only={"_saved_min_val": 0.0, "_saved_max_val": 6.0}),
    )
    source: ClassVar[str] = "Krizhevsky 2010; Howard et al. 2017, arXiv:1704.04861"

    def call(self) -> Call:
        return Call("nn.ReLU6")

    def value(self, z: Array) -> Array:
        return np.clip(z, 0.0, 6.0)

    def derivative(self, z: Array) -> Array:
        return ((z > 0.0) & (z < 6.0)).astype(np.float64)
