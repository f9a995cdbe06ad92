from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...kernel.calls import Call
from .base import Loss, LossInput


class MeanSquaredError(Loss):
    """Mean squared difference of outputs and targets; of classes, to 1 for the sample's class and 0 for the others."""

    kind: Literal["mse"] = "mse"
    source: ClassVar[str] = "torch.nn.MSELoss; of classes: Brier 1950, Monthly Weather Review 78"

    @property
    def takes(self) -> LossInput:
        return "numbers"

    def call(self) -> Call:
        return Call("nn.MSELoss")

    def constant(self, targets: npt.NDArray[Any]) -> float:
        """Variance of the targets, mean over outputs."""
        return float(targets.astype(np.float64).var(axis=0).mean())

    def unit(self, target_variance: float) -> float | None:
        return target_variance
