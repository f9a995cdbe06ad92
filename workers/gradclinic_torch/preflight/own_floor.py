"""The least value of a loss of the program's own, for any outputs and for those within the last activation's range.

The outputs of the first batch are fitted freely by LBFGS, with a copy of the loss. Where the range keeps the loss far
above what other outputs reach, the activation does not fit the loss, as a sigmoid over a distance that should exceed a
margin of 5.
"""

from collections.abc import Callable
from math import inf, isfinite

import torch
from torch import Tensor, nn

from ..model.generator import kept_generators
from .own_loss import copied_loss

MOST_NUMBERS = 10_000
"""Largest number of outputs that are fitted."""
_ITERATIONS = 60
_INSIDE = 1e-3
"""Outputs begin at least this far from the ends of their range, where the slope of a sigmoid is lost."""


def floors(
    criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor, *, bounds: tuple[float, float]
) -> tuple[float, float] | None:
    """The least value within the bounds, and without; None if they are not finite, or the loss cannot be called."""
    low, high = bounds
    if not (isfinite(low) and isfinite(high)) or outputs.numel() > MOST_NUMBERS:
        return None
    loss = copied_loss(criterion, outputs, targets, known=value)
    if loss is None:
        return None
    begun = outputs.detach().clone()
    inside = ((begun - low) / (high - low)).clamp(_INSIDE, 1 - _INSIDE).logit()
    try:
        with kept_generators(outputs.device), torch.enable_grad():
            bounded = _least(lambda free: loss(low + (high - low) * free.sigmoid(), targets), inside)
            free = _least(lambda free: loss(free, targets), begun)
    except Exception:  # noqa: BLE001  # a loss may raise anything
        return None
    return (bounded, free) if isfinite(bounded) and isfinite(free) else None


def _least(loss: Callable[[Tensor], Tensor], begun: Tensor) -> float:
    """The smallest finite value that was found; a search may leave the numbers in its last steps."""
    free = begun.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([free], max_iter=_ITERATIONS, history_size=10, line_search_fn="strong_wolfe")
    found: list[float] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(free).reshape(())
        (free.grad,) = torch.autograd.grad(value, [free])
        found.append(float(value.detach()))
        return value.detach()

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch's own
    return min((each for each in found if isfinite(each)), default=inf)
