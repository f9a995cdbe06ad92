from math import sqrt
from typing import ClassVar, Literal

from .base import Distribution, Initialization


class LecunNormal(Initialization):
    """Normal with variance 1 / fan_in: preserves the variance where the activation is linear near the origin."""

    scheme: Literal["lecun_normal"] = "lecun_normal"
    distribution: ClassVar[Distribution] = "normal"
    source: ClassVar[str] = "LeCun et al. 1998, Efficient BackProp"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        return self.gain * sqrt(1.0 / fan_in)

    def code(self, weight: str) -> list[str]:
        gain = f"{self.gain!r} * " if self.gain != 1 else ""
        return [f"nn.init.normal_({weight}, std={gain}{weight}[0].numel() ** -0.5)"]
