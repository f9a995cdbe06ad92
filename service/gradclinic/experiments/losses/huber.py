from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...kernel.calls import Call
from ...kernel.spec import PositiveFloat
from .base import Loss, LossInput

_HALVINGS = 60
"""Number of bisections that reduce an interval of float64 numbers to a point."""


class Huber(Loss):
    """Half the squared difference up to `delta`, linear beyond it, so that outliers pull less."""

    kind: Literal["huber"] = "huber"
    delta: PositiveFloat = 1.0
    """Difference from which on the loss is linear, in units of the targets."""
    source: ClassVar[str] = "Huber 1964, Annals of Mathematical Statistics 35"

    @property
    def takes(self) -> LossInput:
        return "numbers"

    def call(self) -> Call:
        return Call("nn.HuberLoss", kwargs={"delta": self.delta})

    def constant(self, targets: npt.NDArray[Any]) -> float:
        """Its least mean over one constant for each output, found by bisection: its slope rises with the constant."""
        values = targets.astype(np.float64)
        low, high = values.min(axis=0), values.max(axis=0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            above = np.clip(middle - values, -self.delta, self.delta).mean(axis=0) > 0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        away = np.abs(values - (low + high) / 2)
        near = np.minimum(away, self.delta)
        return float((near**2 / 2 + self.delta * (away - near)).mean())
