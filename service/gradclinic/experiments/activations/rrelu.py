from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator
from typing_extensions import Self

from ...kernel.calls import Call
from .base import Activation, Array, TorchName


class RReLU(Activation):
    """A leaky ReLU with a random negative slope for each value in training, and the mean slope in evaluation."""

    name: Literal["rrelu"] = "rrelu"
    lower: Annotated[float, Field(gt=0, lt=1)] = 1 / 8
    """Smallest slope for z < 0."""
    upper: Annotated[float, Field(gt=0, lt=1)] = 1 / 3
    """Largest slope for z < 0."""
    torch_names: ClassVar[tuple[TorchName, ...]] = (TorchName("nn.RReLU", {"lower": "lower", "upper": "upper"}),)
    random: ClassVar[bool] = True
    source: ClassVar[str] = "Xu et al. 2015, arXiv:1505.00853"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower > self.upper:
            raise ValueError("lower must not exceed upper")
        return self

    def call(self) -> Call:
        return Call("nn.RReLU", kwargs={"lower": self.lower, "upper": self.upper})

    def value(self, z: Array) -> Array:
        return np.where(z > 0, z, 0.5 * (self.lower + self.upper) * z)

    def derivative(self, z: Array) -> Array:
        return np.where(z > 0, 1.0, 0.5 * (self.lower + self.upper))

    def squared_derivative(self, z: Array) -> Array:
        mean_square = (self.lower**2 + self.lower * self.upper + self.upper**2) / 3.0
        return np.where(z > 0, 1.0, mean_square)
