from math import log
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class ELU(Activation):
    """z for z > 0, alpha (exp(z) - 1) otherwise. Negative values move the mean activation towards zero."""

    name: Literal["elu"] = "elu"
    alpha: Annotated[float, Field(gt=0, le=10)] = 1.0
    """The output tends to -alpha for z -> -infinity."""
    saturation: ClassVar[tuple[float, float]] = (-2.995732, np.inf)
    torch_names: ClassVar[tuple[TorchName, ...]] = (
        TorchName("nn.ELU", {"alpha": "alpha"}),
        TorchName("EluBackward0", {"alpha": "_saved_alpha"}, only={"_saved_scale": 1.0}),
    )
    source: ClassVar[str] = "Clevert, Unterthiner and Hochreiter 2016, arXiv:1511.07289"

    def saturation_bounds(self) -> tuple[float, float]:
        """For z < 0 the slope is alpha exp(z); its supremum is max(1, alpha)."""
        return log(0.05 * max(1.0, self.alpha) / self.alpha) if self.alpha > 0.05 else 0.0, np.inf

    def call(self) -> Call:
        return Call("nn.ELU", kwargs={"alpha": self.alpha})

    def value(self, z: Array) -> Array:
        return np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0.0)))

    def derivative(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, self.alpha * np.exp(np.minimum(z, 0.0)))
