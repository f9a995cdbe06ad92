"""The base class of losses: the torch call, the form of its targets, and the loss of the best constant prediction."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...kernel.calls import Call
from ...kernel.spec import Spec
from ..datasets.base import Task

Doubles = npt.NDArray[np.float64]
LossInput = Literal["logits", "probabilities", "log_probabilities", "numbers", "unknown"]
"""What a loss expects as its first argument."""


class Loss(Spec):
    """A loss, averaged over samples (and over outputs, if it compares single numbers)."""

    kind: str
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression")
    """Tasks that it can be trained on."""
    one_hot: ClassVar[bool] = True
    """Whether classes are compared as one column each, 1 for the sample's class and 0 for the others."""
    source: ClassVar[str]

    @property
    @abstractmethod
    def takes(self) -> LossInput:
        """What it expects the outputs to be."""

    @abstractmethod
    def call(self) -> Call:
        """The torch module that computes it from outputs [n, outputs] and the targets as `targets` gives them."""

    @abstractmethod
    def constant(self, targets: npt.NDArray[Any]) -> float:
        """Loss of the best constant prediction, for targets as `targets` gives them."""

    def unit(self, target_variance: float) -> float | None:
        """One unit of the loss in units of the raw targets, for targets divided by their deviation; None if unknown."""
        return None

    def targets(self, targets: npt.NDArray[Any], *, outputs: int, task: Task) -> npt.NDArray[Any]:
        """The form in which it takes targets: classes [n] int64 as they are or one-hot [n, outputs] float32."""
        if task == "classification" and self.one_hot:
            columns: npt.NDArray[Any] = np.eye(outputs, dtype=np.float32)[targets]
            return columns
        return targets


def entropy(counts: Doubles) -> float:
    """Entropy in nats of classes with these counts (or weights); [classes] -> a number."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
