from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class Softplus(Activation):
    """log(1 + exp(z)): a smooth ReLU whose slope is a sigmoid and whose values are all positive."""

    name: Literal["softplus"] = "softplus"
    saturation: ClassVar[tuple[float, float]] = (-2.944439, np.inf)
    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.Softplus", only={"beta": 1.0}),
        TorchName("SoftplusBackward0", only={"_saved_beta": 1.0}),
    )
    source: ClassVar[str] = "Dugas et al. 2001, NeurIPS 13"

    def call(self) -> Call:
        return Call("nn.Softplus")

    def value(self, z: Array) -> Array:
        return np.logaddexp(0.0, z)

    def derivative(self, z: Array) -> Array:
        return 0.5 * (1.0 + np.tanh(0.5 * z))
