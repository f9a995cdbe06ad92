"""The current step, and its loss from the losses of its passes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..measure.observation import Observation


@dataclass
class StepUnderWay:
    """The current step, from its first backward pass to the optimizer's step."""

    loss: Tensor
    total_norm: Tensor | None = None
    """L2 norm of all gradients; None where it is not taken in this step."""
    measured: Tensor | None = None
    """[parameters]: norms of the gradients as they were found, still scaled."""
    observation: Observation | None = None
    learning_rate: float | None = None
    told: list[tuple[Tensor, Tensor | None]] = field(default_factory=list)
    """The losses of its passes, and what each was multiplied by before its backward, where that was seen."""


def loss_of(told: Sequence[tuple[Tensor, Tensor | None]]) -> Tensor:
    """The loss of a step from the losses of its passes.

    Accumulation divides each loss by the number of passes, before or after it is told. What came back to the loss shows
    what it was divided by after that.
    """
    if len(told) == 1:
        return told[0][0]
    parts = [loss if factor is None else loss * factor.to(loss.device).clamp(max=1.0) for loss, factor in told]
    return torch.stack([part.to(parts[0].device) for part in parts]).sum()
