from math import sqrt
from typing import ClassVar, Literal

from .base import Distribution, Initialization, scaled


class TorchDefault(Initialization):
    """PyTorch's default: weights and biases uniform in +-1 / sqrt(fan_in), variance 1 / (3 fan_in)."""

    scheme: Literal["torch_default"] = "torch_default"
    distribution: ClassVar[Distribution] = "torch_default"
    source: ClassVar[str] = "torch.nn.Linear.reset_parameters, PyTorch 2"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        return self.gain * sqrt(1.0 / (3.0 * fan_in))

    def bias_variance(self, fan_in: int) -> float:
        return 1.0 / (3.0 * fan_in) if self.bias is None else self.bias**2

    def code(self, weight: str) -> list[str]:
        return scaled(weight, self.gain)
