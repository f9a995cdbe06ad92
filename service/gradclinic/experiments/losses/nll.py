from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...kernel.calls import Call
from ..datasets.base import Task
from .base import Loss, LossInput, entropy


class NegativeLogLikelihood(Loss):
    """Negative log likelihood of one class per sample, in nats, from log-probabilities."""

    kind: Literal["nll"] = "nll"
    tasks: ClassVar[tuple[Task, ...]] = ("classification",)
    one_hot: ClassVar[bool] = False
    source: ClassVar[str] = "torch.nn.NLLLoss"

    @property
    def takes(self) -> LossInput:
        return "log_probabilities"

    def call(self) -> Call:
        return Call("nn.NLLLoss")

    def constant(self, targets: npt.NDArray[Any]) -> float:
        """Entropy of the classes."""
        return entropy(np.bincount(targets.astype(np.int64)).astype(np.float64))
