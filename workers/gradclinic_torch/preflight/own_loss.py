"""A copy of a loss of the program's own, to be called with other outputs or targets without side effects."""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..model.generator import kept_generators

_SAME = 1e-3
"""Relative difference of two values of a loss up to which it is rounding."""


def copied_loss(
    criterion: nn.Module, outputs: Tensor, targets: Tensor, *, known: Tensor
) -> Callable[[Tensor, Tensor], Tensor] | None:
    """A copy of a loss, where it has the known value for these outputs and targets again.

    None for torch's own losses, for one with weights, of several processes, that is random or has a state.
    """
    own = not type(criterion).__module__.startswith("torch.nn.")
    waits = torch.distributed.is_available() and torch.distributed.is_initialized()
    if not own or waits or known.numel() != 1 or any(True for _ in criterion.parameters()):
        return None
    try:
        copied = copy.deepcopy(criterion)
        with kept_generators(known.device), torch.no_grad():
            again = copied.forward(outputs.detach(), targets).double().reshape(())
    except Exception:  # noqa: BLE001  # a loss may raise anything
        return None
    return copied.forward if are_equal(again, known) else None


def values_of(
    criterion: nn.Module, outputs: Tensor, targets: Tensor, others: Sequence[tuple[Tensor, Tensor]], *, known: Tensor
) -> list[Tensor] | None:
    """The loss for other pairs of outputs and targets, scalars in float64; None where it cannot be called again."""
    loss = copied_loss(criterion, outputs, targets, known=known)
    if loss is None:
        return None
    try:
        with kept_generators(known.device), torch.no_grad():
            return [loss(*pair).double().reshape(()) for pair in others]
    except Exception:  # noqa: BLE001  # a loss need not take other shapes
        return None


def are_equal(one: Tensor, other: Tensor) -> bool:
    """Whether two values of a loss are the same up to rounding."""
    return bool(torch.isclose(one, other.detach().double().reshape(()), rtol=_SAME, atol=1e-9))
