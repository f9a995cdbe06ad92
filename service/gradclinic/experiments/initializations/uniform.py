from math import sqrt
from typing import ClassVar, Literal

from ...kernel.spec import PositiveFloat
from .base import Distribution, Initialization


class Uniform(Initialization):
    """Uniform in +-`bound` in every layer, regardless of its width; the variance is bound^2 / 3."""

    scheme: Literal["uniform"] = "uniform"
    bound: PositiveFloat = 0.05
    """Largest absolute weight."""
    distribution: ClassVar[Distribution] = "uniform"
    source: ClassVar[str] = "definition"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        return self.gain * self.bound / sqrt(3.0)

    def code(self, weight: str) -> list[str]:
        bound = self.deviation(1, 1) * sqrt(3.0)
        return [f"nn.init.uniform_({weight}, {-bound!r}, {bound!r})"]
