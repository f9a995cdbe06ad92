from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class PReLU(Activation):
    """A leaky ReLU with a learned negative slope, shared by all units of the layer."""

    name: Literal["prelu"] = "prelu"
    negative_slope: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Initial slope for z < 0."""
    learned: ClassVar[int] = 1
    torch_names: ClassVar[tuple[TorchName, ...]] = (TorchName("nn.PReLU"),)
    source: ClassVar[str] = "He et al. 2015, arXiv:1502.01852"

    def saturation_bounds(self) -> tuple[float, float]:
        """A negative slope below 5 % counts as saturated."""
        return (0.0 if self.negative_slope < 0.05 else -np.inf), np.inf

    def call(self) -> Call:
        return Call("nn.PReLU", kwargs={"init": self.negative_slope})

    def value(self, z: Array) -> Array:
        return np.where(z > 0, z, self.negative_slope * z)

    def derivative(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, self.negative_slope)
