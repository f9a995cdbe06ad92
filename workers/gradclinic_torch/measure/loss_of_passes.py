"""The loss of a step from the losses of its passes."""

from collections.abc import Sequence

import torch
from torch import Tensor

Told = tuple[Tensor, Tensor | None]
"""The loss of a pass, and what it was multiplied by before its backward, where that was seen."""


def loss_of(told: Sequence[Told]) -> Tensor:
    """The loss of a step from the losses of its passes.

    Accumulation divides each loss by the number of passes, before or after it is told. What came back to the loss shows
    what it was divided by after that.
    """
    if len(told) == 1:
        return told[0][0]
    parts = [loss if factor is None else loss * factor.to(loss.device).clamp(max=1.0) for loss, factor in told]
    return torch.stack([part.to(parts[0].device) for part in parts]).sum()
