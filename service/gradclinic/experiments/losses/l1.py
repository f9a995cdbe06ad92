from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...kernel.calls import Call
from .base import Loss, LossInput


class MeanAbsoluteError(Loss):
    """Mean absolute difference of outputs and targets."""

    kind: Literal["l1"] = "l1"
    source: ClassVar[str] = "torch.nn.L1Loss"

    @property
    def takes(self) -> LossInput:
        return "numbers"

    def call(self) -> Call:
        return Call("nn.L1Loss")

    def constant(self, targets: npt.NDArray[Any]) -> float:
        """Mean absolute deviation from the median, mean over outputs."""
        values = targets.astype(np.float64)
        return float(np.abs(values - np.median(values, axis=0)).mean())

    def unit(self, target_variance: float) -> float | None:
        return float(np.sqrt(target_variance))
