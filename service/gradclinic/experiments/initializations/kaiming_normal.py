from math import sqrt
from typing import ClassVar, Literal

from .base import Distribution, Initialization, scaled


class KaimingNormal(Initialization):
    """Normal with variance 2 / fan_in: preserves the variance in a ReLU network, where half the units are inactive."""

    scheme: Literal["kaiming_normal"] = "kaiming_normal"
    distribution: ClassVar[Distribution] = "normal"
    source: ClassVar[str] = "He et al. 2015, arXiv:1502.01852"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        return self.gain * sqrt(2.0 / fan_in)

    def code(self, weight: str) -> list[str]:
        return [f'nn.init.kaiming_normal_({weight}, nonlinearity="relu")', *scaled(weight, self.gain)]
