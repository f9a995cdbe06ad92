from typing import ClassVar, Literal

import numpy as np
from scipy.special import expit

from ..calls import Call
from .base import Activation, Array


class SiLU(Activation):
    """z times its sigmoid: a smooth ReLU that dips below zero around -1.28; also called swish."""

    name: Literal["silu"] = "silu"
    relu_like: ClassVar[bool] = True
    saturation: ClassVar[tuple[float, float]] = (-3.929897, np.inf)
    source: ClassVar[str] = "Elfwing, Uchibe and Doya 2018, arXiv:1702.03118"

    def call(self) -> Call:
        return Call("nn.SiLU")

    def value(self, z: Array) -> Array:
        return z * np.asarray(expit(z), np.float64)

    def derivative(self, z: Array) -> Array:
        gate = np.asarray(expit(z), np.float64)
        return gate * (1.0 + z * (1.0 - gate))
