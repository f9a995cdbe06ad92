from typing import ClassVar, Literal

import numpy as np

from ...kernel.calls import Call
from .base import Activation, Array, TorchName

_ALPHA = 1.6732632423543772
_SCALE = 1.0507009873554805


class SELU(Activation):
    """A scaled ELU. With lecun_normal weights, activations converge to mean 0 and variance 1."""

    name: Literal["selu"] = "selu"
    saturation: ClassVar[tuple[float, float]] = (-2.995732, np.inf)
    range: ClassVar[tuple[float, float]] = (-_SCALE * _ALPHA, np.inf)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.SELU"),
        TorchName("EluBackward0", only={"_saved_alpha": _ALPHA, "_saved_scale": _SCALE}),
    )
    source: ClassVar[str] = "Klambauer et al. 2017, arXiv:1706.02515"

    def call(self) -> Call:
        return Call("nn.SELU")

    def value(self, z: Array) -> Array:
        return _SCALE * np.where(z > 0, z, _ALPHA * np.expm1(np.minimum(z, 0.0)))

    def derivative(self, z: Array) -> Array:
        return _SCALE * np.where(z > 0, 1.0, _ALPHA * np.exp(np.minimum(z, 0.0)))
