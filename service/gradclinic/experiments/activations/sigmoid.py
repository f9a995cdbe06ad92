from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class Sigmoid(Activation):
    """1 / (1 + exp(-z)): its slope never exceeds 1/4, so each layer shrinks the gradient."""

    name: Literal["sigmoid"] = "sigmoid"
    bounded: ClassVar[bool] = True
    saturation: ClassVar[tuple[float, float]] = (-4.356544, 4.356544)
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.Sigmoid"),
        TorchName("SigmoidBackward0"),
    )
    source: ClassVar[str] = "Rumelhart, Hinton and Williams 1986, Nature 323"

    def call(self) -> Call:
        return Call("nn.Sigmoid")

    def value(self, z: Array) -> Array:
        return 0.5 * (1.0 + np.tanh(0.5 * z))

    def derivative(self, z: Array) -> Array:
        phi = self.value(z)
        return phi * (1.0 - phi)
