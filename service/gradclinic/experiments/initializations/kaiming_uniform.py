from math import sqrt
from typing import ClassVar, Literal

from .base import Distribution, Initialization, scaled


class KaimingUniform(Initialization):
    """Uniform with variance 2 / fan_in: preserves the variance in a ReLU network, where half the units are off."""

    scheme: Literal["kaiming_uniform"] = "kaiming_uniform"
    distribution: ClassVar[Distribution] = "uniform"
    source: ClassVar[str] = "He et al. 2015, arXiv:1502.01852"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        return self.gain * sqrt(2.0 / fan_in)

    def code(self, weight: str) -> list[str]:
        return [f'nn.init.kaiming_uniform_({weight}, nonlinearity="relu")', *scaled(weight, self.gain)]
