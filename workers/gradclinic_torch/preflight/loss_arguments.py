"""Which of the two tensors that a loss is called with are the outputs, and which the targets."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

_EITHER_WAY = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss)
"""Losses with the same value if both are exchanged."""


def outputs_and_targets(criterion: nn.Module, args: Sequence[Any]) -> tuple[Any, Any]:
    """The outputs and the targets of a call with two or more arguments; None for targets that a network computes.

    So it is with a triplet loss, which takes other outputs second. Losses with the same value either way may be called
    with the targets first.
    """
    first, second = args[:2]
    if not _is_computed(second):
        return first, second
    if isinstance(criterion, _EITHER_WAY) and isinstance(first, Tensor) and not _is_computed(first):
        return second, first
    return first, None


def _is_computed(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad
