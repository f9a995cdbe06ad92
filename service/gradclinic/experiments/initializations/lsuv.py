from math import sqrt
from typing import ClassVar, Literal

from .base import Distribution, Initialization


class LSUV(Initialization):
    """Orthogonal, then scaled layer by layer until the outputs on real samples have standard deviation `gain`."""

    scheme: Literal["lsuv"] = "lsuv"
    distribution: ClassVar[Distribution] = "lsuv"
    fits_readout: ClassVar[bool] = False  # only the outputs of hidden layers are scaled on samples
    source: ClassVar[str] = "Mishkin and Matas 2016, arXiv:1511.06422"

    def deviation(self, fan_in: int, fan_out: int) -> float:
        """Standard deviation before scaling (an orthogonal matrix); the final one depends on the data."""
        return self.gain * sqrt(1.0 / max(fan_in, fan_out))

    def code(self, weight: str) -> list[str]:
        return [f"nn.init.orthogonal_({weight})  # then scaled to output deviation {self.gain!r} on real samples"]
