from math import sqrt
from typing import ClassVar, Literal

from .base import Distribution, Initialization


class XavierNormal(Initialization):
    """Normal with variance 2 / (fan_in + fan_out): balances forward and backward variance for a linear network."""

    scheme: Literal["xavier_normal"] = "xavier_normal"
    distribution: ClassVar[Distribution] = "normal"
    source: ClassVar[str] = "Glorot and Bengio 2010, AISTATS"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        return self.gain * sqrt(2.0 / (fan_in + fan_out))

    def code(self, weight: str) -> list[str]:
        gain = f", gain={self.gain!r}" if self.gain != 1 else ""
        return [f"nn.init.xavier_normal_({weight}{gain})"]
