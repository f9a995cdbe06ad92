from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class SiLU(Activation):
    """z sigmoid(z): a smooth ReLU with its minimum near z = -1.28; also called swish."""

    name: Literal["silu"] = "silu"
    saturation: ClassVar[tuple[float, float]] = (-3.929897, np.inf)
    range: ClassVar[tuple[float, float]] = (-0.278465, np.inf)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.SiLU"),
        TorchName("SiluBackward0"),
    )
    source: ClassVar[str] = "Elfwing, Uchibe and Doya 2018, arXiv:1702.03118"

    def call(self) -> Call:
        return Call("nn.SiLU")

    def value(self, z: Array) -> Array:
        return z * 0.5 * (1.0 + np.tanh(0.5 * z))

    def derivative(self, z: Array) -> Array:
        gate = 0.5 * (1.0 + np.tanh(0.5 * z))
        return gate * (1.0 + z * (1.0 - gate))
