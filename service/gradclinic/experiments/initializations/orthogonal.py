from math import sqrt
from typing import ClassVar, Literal

from .base import Distribution, Initialization


class Orthogonal(Initialization):
    """A random orthogonal matrix: a square linear layer preserves norms exactly."""

    scheme: Literal["orthogonal"] = "orthogonal"
    distribution: ClassVar[Distribution] = "orthogonal"
    source: ClassVar[str] = "Saxe, McClelland and Ganguli 2014, arXiv:1312.6120"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        return self.gain * sqrt(1.0 / max(fan_in, fan_out))

    def code(self, weight: str) -> list[str]:
        gain = f", gain={self.gain!r}" if self.gain != 1 else ""
        return [f"nn.init.orthogonal_({weight}{gain})"]
