from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class Mish(Activation):
    """z tanh(softplus(z)): a smooth ReLU with its minimum near z = -1.19."""

    name: Literal["mish"] = "mish"
    saturation: ClassVar[tuple[float, float]] = (-3.981251, np.inf)
    range: ClassVar[tuple[float, float]] = (-0.308843, np.inf)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.Mish"),
        TorchName("MishBackward0"),
    )
    source: ClassVar[str] = "Misra 2020, arXiv:1908.08681"

    def call(self) -> Call:
        return Call("nn.Mish")

    def value(self, z: Array) -> Array:
        return z * np.tanh(np.logaddexp(0.0, z))

    def derivative(self, z: Array) -> Array:
        tanh = np.tanh(np.logaddexp(0.0, z))
        return tanh + z * (1.0 - tanh**2) * 0.5 * (1.0 + np.tanh(0.5 * z))
