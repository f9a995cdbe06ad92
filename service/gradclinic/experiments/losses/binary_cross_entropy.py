from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...kernel.calls import Call
from ..datasets.base import Task
from .base import Loss, LossInput, entropy


class BinaryCrossEntropy(Loss):
    """Cross entropy of each output with a yes or no, in nats: each class against the others."""

    kind: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    on: Literal["logits", "probabilities"] = "logits"
    """What the outputs are; probabilities must lie between 0 and 1, as those of a sigmoid do."""
    tasks: ClassVar[tuple[Task, ...]] = ("classification",)
    source: ClassVar[str] = "torch.nn.BCEWithLogitsLoss, torch.nn.BCELoss"

    @property
    def takes(self) -> LossInput:
        return self.on

    def call(self) -> Call:
        return Call("nn.BCEWithLogitsLoss" if self.on == "logits" else "nn.BCELoss")

    def constant(self, targets: npt.NDArray[Any]) -> float:
        """Entropy of each class against the others, mean over the classes."""
        shares = targets.astype(np.float64).mean(axis=0)
        return float(np.mean([entropy(np.array([share, 1 - share])) for share in shares]))
