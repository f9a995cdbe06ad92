from typing import ClassVar, Literal

from ...kernel.spec import PositiveFloat
from .base import Distribution, Initialization


class Normal(Initialization):
    """Normal with the same standard deviation in every layer, regardless of its width."""

    scheme: Literal["normal"] = "normal"
    std: PositiveFloat = 0.02
    """Standard deviation of each weight."""
    distribution: ClassVar[Distribution] = "normal"
    source: ClassVar[str] = "Krizhevsky, Sutskever and Hinton 2012, NeurIPS (0.01); Radford et al. 2019 (0.02)"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        return self.gain * self.std

    def code(self, weight: str) -> list[str]:
        return [f"nn.init.normal_({weight}, std={self.deviation(1, 1)!r})"]
