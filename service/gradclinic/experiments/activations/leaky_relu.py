from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class LeakyReLU(Activation):
    """max(z, negative_slope z): a ReLU with a small gradient for z < 0, so units cannot die."""

    name: Literal["leaky_relu"] = "leaky_relu"
    negative_slope: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Slope for z < 0."""
    saturation: ClassVar[tuple[float, float]] = (0.0, np.inf)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.LeakyReLU", {"negative_slope": "negative_slope"}),
        TorchName("LeakyReluBackward0", {"negative_slope": "_saved_negative_slope"}),
    )
    source: ClassVar[str] = "Maas, Hannun and Ng 2013, ICML"

    def saturation_bounds(self) -> tuple[float, float]:
        """A negative slope below 5 % counts as saturated."""
        return (0.0 if self.negative_slope < 0.05 else -np.inf), np.inf

    def call(self) -> Call:
        return Call("nn.LeakyReLU", kwargs={"negative_slope": self.negative_slope})

    def value(self, z: Array) -> Array:
        return np.where(z > 0, z, self.negative_slope * z)

    def derivative(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, self.negative_slope)
