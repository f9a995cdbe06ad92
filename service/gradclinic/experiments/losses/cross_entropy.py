from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ...kernel.calls import Call
from ..datasets.base import Task
from .base import Loss, LossInput, entropy


class CrossEntropy(Loss):
    """Cross entropy of one class per sample, in nats, from logits."""

    kind: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Part of each target that is spread evenly over all classes."""
    tasks: ClassVar[tuple[Task, ...]] = ("classification",)
    one_hot: ClassVar[bool] = False
    source: ClassVar[str] = "Szegedy et al. 2016, arXiv:1512.00567 (label smoothing)"

    @property
    def takes(self) -> LossInput:
        return "logits"

    def call(self) -> Call:
        smoothing = {"label_smoothing": self.label_smoothing} if self.label_smoothing else {}
        return Call("nn.CrossEntropyLoss", kwargs=smoothing)

    def constant(self, targets: npt.NDArray[Any]) -> float:
        """Entropy of the classes, smoothed as the targets are; classes that never occur count if smoothed."""
        counts = np.bincount(targets.astype(np.int64)).astype(np.float64)
        if not self.label_smoothing:
            return entropy(counts)
        shares = counts / counts.sum()
        return entropy((1 - self.label_smoothing) * shares + self.label_smoothing / len(shares))
